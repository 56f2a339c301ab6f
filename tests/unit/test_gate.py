"""The gate runs every check, always, in one order, and names the largest quantity that passes."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.plans.balancing_plan import BalancingPlan
from domain.risk.context import (
    Counters,
    GateContext,
    InstrumentFacts,
    OrderDraft,
    PositionFacts,
    Reference,
)
from domain.risk.gate import CHECKS, judge
from domain.risk.verdict import CheckStatus, DataQuality, Finding, Severity
from domain.shared.side import Side
from tests.support.portfolio import START

D = Decimal
STEP = D("0.00000001")


def context(
    side: Side = Side.BUY,
    qty: str = "1",
    *,
    held: str = "50",
    cash: str = "5000",
    price: str | None = "100",
    plan: BalancingPlan | None = None,
    **order: object,
) -> GateContext:
    needs = None if price is None else D(qty) * D(price)
    draft = OrderDraft(side, D(qty), needs if side is Side.BUY else D(0), D(0))
    quality = DataQuality.NONE if price is None else DataQuality.DECLARED
    return GateContext(
        order=replace(draft, **order),  # type: ignore[arg-type]
        position=PositionFacts(D(held), D(cash), D(cash), D(held), D(0), D(0), True, plan),
        instrument=InstrumentFacts(STEP),
        reference=Reference(None if price is None else D(price), quality, "test"),
        trading_state="active",
        now=START,
    )


def finding(asked: GateContext, code: str) -> Finding:
    return next(f for f in judge(asked).findings if f.code == code)


def test_every_check_answers_once_in_the_registry_order_whatever_fails() -> None:
    names = [check.__name__ for check in CHECKS]
    for asked in (
        context(),
        context(qty="1000000", plan=BalancingPlan()),
        context(Side.SELL, "1000000"),
        context(price=None, plan=BalancingPlan()),
    ):
        assert [f.code for f in judge(asked).findings] == names


def test_without_a_price_what_needs_one_does_not_apply_and_the_order_passes() -> None:
    verdict = judge(context(price=None, plan=BalancingPlan()))
    reasons = {f.code: f.reason for f in verdict.findings if f.reason == "no_price"}
    assert set(reasons) == {"buying_power", "guardrail_band", "max_trade"}
    assert verdict.allowed


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (context(qty="50.00000001"), "buying_power"),
        (context(Side.SELL, "50.00000001"), "inventory"),
        (context(qty="30", plan=BalancingPlan()), "guardrail_band"),
        (context(Side.SELL, "30", plan=BalancingPlan()), "guardrail_band"),
        (context(qty="0.000000001"), "instrument_rules"),
        (replace(context(), trading_state="paused"), "trading_state"),
        (replace(context(), counters=Counters(unresolved_orders=1)), "unresolved_orders"),
        (
            replace(context(plan=BalancingPlan()), counters=Counters(orders_today=5)),
            "daily_order_cap",
        ),
        (replace(context(), counters=Counters(client_order_id_exists=True)), "duplicate_order"),
    ],
)
def test_each_hard_limit_alone_refuses_and_is_named(asked: GateContext, code: str) -> None:
    verdict = judge(asked)
    assert [f.code for f in verdict.refusals] == [code]
    assert not verdict.allowed
    assert code in verdict.sentence()


@pytest.mark.parametrize(
    "asked",
    [
        context(qty="50"),
        context(Side.SELL, "50"),
        context(Side.SELL, "50", plan=BalancingPlan(), is_close=True),
        context(qty="25", plan=BalancingPlan()),
        replace(context(plan=BalancingPlan()), counters=Counters(orders_today=4)),
    ],
)
def test_at_the_limit_is_inside(asked: GateContext) -> None:
    assert judge(asked).allowed


@pytest.mark.parametrize("state", ["paused", "reduce_only", "halted"])
def test_reducing_orders_pass_in_every_state_and_despite_unresolved_orders(state: str) -> None:
    asked = replace(
        context(Side.SELL, "50"), trading_state=state, counters=Counters(unresolved_orders=3)
    )
    verdict = judge(asked)
    assert verdict.allowed
    beyond = replace(asked, position=replace(asked.position, open_sells_qty=D(1)))
    assert not judge(beyond).allowed


def test_the_largest_trade_warns_a_person_and_stops_nobody() -> None:
    asked = context(qty="20.1", plan=BalancingPlan())
    soft = finding(asked, "max_trade")
    assert (soft.status, soft.severity) == (CheckStatus.WARNING, Severity.SOFT)
    assert not soft.refuses
    assert judge(asked).allowed


def test_headroom_is_room_left_and_negative_when_the_limit_is_broken() -> None:
    assert finding(context(qty="40"), "buying_power").headroom == 1000
    assert finding(context(qty="60"), "buying_power").headroom == -1000
    sell = finding(context(Side.SELL, "40", plan=BalancingPlan()), "guardrail_band")
    assert (sell.limit, sell.used, sell.headroom) == (D("0.25"), D("0.1"), D("-0.15"))
    buy = finding(context(qty="40", plan=BalancingPlan()), "guardrail_band")
    assert (buy.limit, buy.used, buy.headroom) == (D("0.75"), D("0.9"), D("-0.15"))


@given(
    st.sampled_from(Side),
    st.decimals("0.00000001", 500, places=8).filter(bool),
    st.decimals(0, 100, places=8),
    st.decimals(0, 20000, places=6),
    st.decimals("0.01", 1000, places=4).filter(bool),
)
def test_the_adjusted_quantity_passes_and_one_step_more_does_not(
    side: Side, qty: Decimal, held: Decimal, cash: Decimal, price: Decimal
) -> None:
    def asked(amount: Decimal) -> GateContext:
        return context(side, str(amount), held=str(held), cash=str(cash), price=str(price))

    verdict = judge(asked(qty))
    largest = verdict.adjusted_quantity
    if verdict.allowed:
        assert largest == qty
    elif largest is None:
        assert not judge(asked(STEP)).allowed
    else:
        assert largest < qty
        assert judge(asked(largest)).allowed
        assert not judge(asked(largest + STEP)).allowed
