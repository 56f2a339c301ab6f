"""Published cases of the paper venue to the last digit."""

from decimal import Decimal

import pytest

from domain.portfolio.execution import ExecutionReason, ReportKind, ReportReason
from domain.portfolio.fill import Liquidity
from domain.portfolio.margin import liquidation_price
from domain.portfolio.order import OrderType
from domain.shared.side import Side
from tests.support.paper import PaperScene, after

D = Decimal


def quoted() -> PaperScene:
    """10000 USDT, commission 0.001, slippage 0.0001, tick 0.01, bid 49995, ask 50005, mark 50000."""
    scene = PaperScene()
    scene.tick(bid="49995", ask="50005", mark="50000")
    return scene


def test_p1_a_market_buy_pays_ask_slippage_and_commission() -> None:
    answer = quoted().buy("0.1")
    (fill,), equity = answer.executions, answer.equity
    assert (fill.price, fill.fee, fill.liquidity) == (
        D("50010.01"), D("5.001001"), Liquidity.TAKER,
    )  # fmt: skip
    assert fill.slippage == D("0.501")
    assert equity.wallet == D("9994.998999")
    assert equity.unrealized_pnl == D("-1.001")
    assert equity.equity == D("9993.997999")
    assert equity.used_margin == D("5001.001")
    assert equity.order_margin == 0
    assert equity.available == D("4992.996999")


def test_p2_the_sell_back_leaves_nothing_but_the_loss() -> None:
    scene = quoted()
    wallet = scene.buy("0.1").equity.wallet
    answer = scene.sell("0.1")
    (fill,) = answer.executions
    assert (fill.price, fill.fee) == (D("49990.00"), D("4.999"))
    assert answer.equity.wallet - wallet + fill.fee == D("-2.001")
    assert scene.engine.position(scene.instrument) is None
    assert answer.equity.equity == answer.equity.available == D("9987.998999")
    assert answer.equity.used_margin == 0


def test_p3_positions_are_valued_at_the_mark() -> None:
    scene = quoted()
    scene.buy("0.1")
    equity = scene.tick(bid="49995", ask="50005", mark="100000").equity
    assert equity.unrealized_pnl == D("4998.999")
    assert equity.equity == D("14993.997999")


def test_p4_without_a_price_the_order_is_rejected_and_nothing_changes() -> None:
    answer = PaperScene().sell("0.1")
    (report,) = answer.reports
    assert (report.kind, report.reason) == (ReportKind.REJECTED, ReportReason.NO_PRICE)
    assert answer.executions == ()
    assert answer.equity.equity == 10000


def test_p5_selling_more_than_the_long_realises_and_opens_a_short() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    scene.buy("1")
    scene.at("110")
    answer = scene.sell("3")
    position = scene.engine.position(scene.instrument)
    assert position is not None
    assert (position.basis.qty, position.basis.avg_cost) == (-2, 110)
    assert position.basis.realized_pnl == 10
    assert answer.equity.wallet == 10010


def test_p6_a_bar_that_touches_both_fills_the_stop_and_cancels_the_target() -> None:
    scene = PaperScene()
    scene.bar("100", "100", "100", "100")
    entry = scene.ticket(Side.BUY, "1")
    stop = scene.ticket(Side.SELL, "1", OrderType.STOP_MARKET, stop="95", reduce_only=True,
                        group="oco", parent=entry.order_id)  # fmt: skip
    target = scene.ticket(Side.SELL, "1", OrderType.LIMIT, limit="110", reduce_only=True,
                          group="oco", parent=entry.order_id)  # fmt: skip
    scene.submit(entry, (stop, target))
    scene.bar("100", "100", "100", "100")
    answer = scene.bar("101", "111", "94", "100")
    (fill,) = answer.executions
    assert (fill.order_id, fill.price, fill.reason) == (
        stop.order_id, D("94.99"), ExecutionReason.STOP,
    )  # fmt: skip
    ended = [r for r in answer.reports if r.kind is ReportKind.CANCELLED]
    assert [(r.order_id, r.reason) for r in ended] == [(target.order_id, ReportReason.OCO)]
    assert scene.engine.position(scene.instrument) is None
    assert scene.engine.open_orders() == ()


def test_p7_a_trailing_sell_follows_the_mark_up_and_never_down() -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    scene.buy("1")
    scene.sell("1", OrderType.TRAILING_STOP, trail="0.05", reduce_only=True)
    levels = [scene.engine.open_orders()[0].stop_price]
    for mark in ("110", "105"):
        scene.at(mark)
        levels.append(scene.engine.open_orders()[0].stop_price)
        assert levels[-1] is not None
        assert levels[-1] < D(mark)
    assert levels == [D(95), D("104.5"), D("104.5")]
    (fill,) = scene.at("104.4").executions
    assert (fill.price, fill.trigger_price, fill.reason) == (
        D("104.4"), D("104.5"), ExecutionReason.TRAILING_STOP,
    )  # fmt: skip


def test_p8_the_liquidation_price_is_90_divided_by_0_995() -> None:
    price = liquidation_price(D(1), D(100), 10, D("0.005"))
    assert price is not None
    assert price.quantize(D("0.0001")) == D("90.4523")
    assert price == D(90) / D("0.995")


@pytest.mark.parametrize(("mark", "is_gone"), [("90.4523", False), ("90.4522", True)])
def test_p8_a_long_on_leverage_ten_is_liquidated_at_that_mark(mark: str, is_gone: bool) -> None:
    scene = PaperScene(costs=False)
    scene.at("100")
    scene.buy("1", leverage=10)
    answer = scene.at(mark)
    if not is_gone:
        assert answer.executions == ()
        return
    (fill,) = answer.executions
    assert (fill.side, fill.qty, fill.price) == (Side.SELL, 1, D(mark))
    assert (fill.reason, fill.order_id) == (ExecutionReason.LIQUIDATION, None)
    assert fill.executed_at == scene.now > after(0)
    assert scene.engine.position(scene.instrument) is None
