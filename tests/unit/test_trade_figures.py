"""Figures of a trade: open, partly sold, closed, without a price, before it has a quantity."""

import pytest

from domain.plans.trade_figures import (
    TradeState,
    exit_fill_price,
    realized_fraction,
    trade_figures,
)
from domain.shared.errors import Defect
from tests.support.exit_trade import D, bar, opened, running_trade


def test_partly_sold() -> None:
    running = running_trade()
    running.feed(bar("110", "113", "106", "106"))
    figures = trade_figures(running.plan, TradeState(running.qty, running.realized, D(110)))
    # a quarter at 12 % is 3 %; three quarters at 10 % are 7.5 %
    assert figures.realized_pnl == D("0.03")
    assert figures.current_pnl == D("0.1")
    assert figures.remaining_fraction == D("0.75")
    assert figures.total_pnl == D("0.105")
    assert figures.pnl_amount == 1050
    assert figures.final_pnl is None
    assert (figures.max_profit, figures.max_loss) == (D("0.13"), 0)


def test_without_a_price_only_what_is_realised_is_known() -> None:
    figures = trade_figures(opened(), TradeState(D(100), D(0), None))
    assert figures.realized_pnl == 0
    assert (figures.current_pnl, figures.total_pnl, figures.pnl_amount) == (None, None, None)


def test_closed() -> None:
    figures = trade_figures(opened(), TradeState(D(0), D("-820"), D(80)))
    assert figures.final_pnl == figures.total_pnl == D("-0.082")
    assert figures.current_pnl is None
    assert figures.pnl_amount == -820
    assert figures.remaining_fraction == 0


def test_a_plan_without_a_quantity_has_no_figures() -> None:
    plan = opened(qty=None)
    with pytest.raises(Defect):
        trade_figures(plan, TradeState(D(0), D(0), None))
    with pytest.raises(Defect):
        realized_fraction(plan, D(0))


def test_a_sale_fills_against_the_seller_by_the_slippage() -> None:
    assert exit_fill_price(D(92), D(0), D("0.01")) == 92
    # 92·0.9995 = 91.954
    assert exit_fill_price(D(92), D("0.0005"), D("0.01")) == D("91.95")
