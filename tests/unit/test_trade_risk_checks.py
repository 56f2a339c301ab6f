"""The gate on an order that opens a trade: shares of equity, loss at the stop, the stop itself."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk.context import (
    GateContext,
    InstrumentFacts,
    OrderDraft,
    PositionFacts,
    Reference,
    TradeFacts,
)
from domain.risk.gate import judge
from domain.risk.sizing import SizeWish, SizingBook, SizingLimits, TradeRisk, position_size
from domain.risk.verdict import CheckStatus, DataQuality
from domain.shared.side import Side
from tests.support.portfolio import START

OF_TRADES = (
    "order_equity_fraction", "position_share", "correlated_risk", "risk_per_trade",
    "stop_required", "stop_side", "stop_distance",
)  # fmt: skip
AAPL = TradeFacts(
    equity=D(100_000),
    entry=D(150),
    stop=D(138),
    per_share_risk=D(12),
    limits=SizingLimits(),
    stop_distance_min=D("0.02"),
    stop_distance_max=D("0.25"),
    price_step=D("0.0001"),
)


def context(qty: str = "133", trade: TradeFacts | None = AAPL, **order: object) -> GateContext:
    draft = OrderDraft(Side.BUY, D(qty), D(qty) * 150, D(0))
    return GateContext(
        order=replace(draft, **order),  # type: ignore[arg-type]
        position=PositionFacts(D(0), D(0), D(10**6), D(0), D(0), D(0), False, None),
        instrument=InstrumentFacts(D(1)),
        reference=Reference(D(150), DataQuality.DECLARED, "limit_price"),
        trading_state="active",
        now=START,
        trade=trade,
    )


def failed(asked: GateContext) -> list[str]:
    return [finding.code for finding in judge(asked).refusals]


def test_a_trade_within_its_limits_passes_with_its_figures() -> None:
    verdict = judge(context())
    assert verdict.allowed
    found = {finding.code: finding for finding in verdict.findings}
    share, risk = found["position_share"], found["risk_per_trade"]
    assert (share.used, share.limit, share.quantity_max) == (D("0.1995"), D("0.2"), 133)
    assert (risk.used, risk.limit, risk.quantity_max) == (D("0.01596"), D("0.02"), 166)
    assert found["stop_distance"].used == D("0.08")


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        (context("134"), ["position_share"]),
        (context("133", replace(AAPL, held_qty=D(1))), ["position_share"]),
        (context("133", replace(AAPL, cluster_risk=D(8_500))), ["correlated_risk"]),
        (context("133", replace(AAPL, per_share_risk=D("15.1"))), ["risk_per_trade"]),
        (
            context("10", replace(AAPL, limits=SizingLimits(max_position_size=D("0.01")))),
            ["order_equity_fraction"],
        ),
        (context("10", replace(AAPL, stop=D(151))), ["stop_side", "stop_distance"]),
        (context("10", replace(AAPL, stop=D("148.9"))), ["stop_distance"]),
        (context("10", replace(AAPL, stop=D(100))), ["stop_distance"]),
        (
            context("10", replace(AAPL, stop=D(0))),
            ["stop_required", "stop_distance"],
        ),
    ],
)
def test_each_limit_alone_refuses_and_is_named(asked: GateContext, codes: list[str]) -> None:
    assert failed(asked) == codes


def test_the_largest_quantity_that_passes_is_told() -> None:
    assert judge(context("500")).adjusted_quantity == 133


def test_a_stop_rounded_to_its_tick_may_lie_one_step_beyond() -> None:
    assert failed(context("10", replace(AAPL, stop=D("112.4999")))) == []


def test_orders_without_a_trade_and_exits_are_not_judged_by_it() -> None:
    for asked, reason in (
        (context(trade=None), "no_stop_plan"),
        (context(reduce_only=True), "reducing"),
    ):
        found = {f.code: f for f in judge(asked).findings}
        for code in OF_TRADES:
            assert found[code].status is CheckStatus.NOT_APPLICABLE
            assert found[code].reason == reason


@given(
    entry=st.decimals(min_value=D(1), max_value=D(5000), places=2),
    distance=st.decimals(min_value=D("0.02"), max_value=D("0.25"), places=4),
    equity=st.decimals(min_value=D(1000), max_value=D(10**7), places=2),
    held=st.integers(min_value=0, max_value=50),
    cluster=st.integers(min_value=0, max_value=20_000),
)
def test_what_was_sized_within_the_limits_always_passes(
    entry: D, distance: D, equity: D, held: int, cluster: int
) -> None:
    trade = TradeRisk(entry, entry * (1 - distance))
    book = SizingBook(equity, equity, held_qty=D(held), cluster_risk=D(cluster))
    size = position_size(trade, SizeWish(), SizingLimits(), book)
    if size.quantity == 0:
        return
    facts = replace(
        AAPL,
        equity=equity,
        entry=entry,
        stop=trade.stop,
        per_share_risk=trade.per_share,
        held_qty=D(held),
        cluster_risk=D(cluster),
    )
    asked = context(str(size.quantity), facts, needs_cash=size.notional)
    assert failed(replace(asked, position=replace(asked.position, free_cash=equity))) == []
