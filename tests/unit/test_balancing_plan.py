"""A balancing plan exists only inside its ranges, and says which field is outside."""

from decimal import Decimal

import pytest

from domain.plans.balancing_plan import (
    BalancingPlan,
    Band,
    BelowMinimum,
    OrderPolicy,
    PlanMode,
    Sizing,
    TradingHours,
)
from domain.shared.errors import Invalid


def pointers(refused: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [fault.pointer for fault in refused.value.errors]


def test_the_defaults_are_the_documented_ones() -> None:
    plan = BalancingPlan()
    assert (plan.up_threshold, plan.down_threshold) == (Decimal("0.03"), Decimal("0.03"))
    assert (plan.sizing, plan.rebalance_ratio) == (Sizing.PROPORTIONAL, Decimal("1.6667"))
    assert (plan.band.min, plan.band.max) == (Decimal("0.25"), Decimal("0.75"))
    assert (plan.max_trade_fraction, plan.max_orders_per_day) == (Decimal("0.20"), 5)
    assert plan.commission_rate == Decimal("0.0001")
    assert plan.order_policy == OrderPolicy(Decimal(0), Decimal(100), Decimal(0), BelowMinimum.HOLD)
    assert (plan.hours, plan.auto_rebalance, plan.mode) == (
        TradingHours.REGULAR,
        True,
        PlanMode.PROPOSE,
    )


def test_a_negative_down_threshold_is_stored_as_its_magnitude() -> None:
    assert BalancingPlan(down_threshold=Decimal("-0.04")).down_threshold == Decimal("0.04")


@pytest.mark.parametrize("value", ["0", "0.5001", "3", "NaN", "Infinity"])
@pytest.mark.parametrize("name", ["up_threshold", "down_threshold"])
def test_a_threshold_outside_its_range_is_refused(name: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        BalancingPlan(**{name: Decimal(value)})  # type: ignore[arg-type]
    assert pointers(refused) == [f"/plan/{name}"]


def test_a_percentage_is_answered_with_the_hint_that_fractions_are_meant() -> None:
    with pytest.raises(Invalid) as refused:
        BalancingPlan(down_threshold=Decimal(3), up_threshold=Decimal("-0.03"))
    messages = {fault.pointer: fault.message for fault in refused.value.errors}
    assert "fractions, 0.03 is 3 %" in messages["/plan/down_threshold"]
    assert "fractions" not in messages["/plan/up_threshold"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"rebalance_ratio": Decimal("5.01")}, "/plan/rebalance_ratio"),
        ({"rebalance_ratio": Decimal(0)}, "/plan/rebalance_ratio"),
        (
            {"rebalance_ratio": Decimal("1.01"), "sizing": Sizing.FIXED_FRACTION},
            "/plan/rebalance_ratio",
        ),
        ({"max_trade_fraction": Decimal("1.1")}, "/plan/max_trade_fraction"),
        ({"max_trade_fraction": Decimal(0)}, "/plan/max_trade_fraction"),
        ({"max_orders_per_day": 0}, "/plan/max_orders_per_day"),
        ({"commission_rate": Decimal("-0.1")}, "/plan/commission_rate"),
    ],
)
def test_a_field_outside_its_range_is_named(fields: dict[str, object], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        BalancingPlan(**fields)  # type: ignore[arg-type]
    assert pointers(refused) == [pointer]


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        BalancingPlan(up_threshold=Decimal(0), max_orders_per_day=-1)
    assert pointers(refused) == ["/plan/up_threshold", "/plan/max_orders_per_day"]


@pytest.mark.parametrize(
    ("low", "high", "pointer"),
    [
        ("0.75", "0.25", "/plan/band/min"),
        ("0.5", "0.5", "/plan/band/min"),
        ("-0.1", "0.5", "/plan/band/min"),
        ("0.25", "75", "/plan/band/max"),
        ("0.25", "NaN", "/plan/band/max"),
    ],
)
def test_a_band_outside_its_order_or_range_is_refused(low: str, high: str, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        Band(Decimal(low), Decimal(high))
    assert pointers(refused) == [pointer]


@pytest.mark.parametrize("name", ["min_qty", "min_notional", "qty_step"])
def test_a_negative_order_minimum_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        OrderPolicy(**{name: Decimal(-1)})  # type: ignore[arg-type]
    assert pointers(refused) == [f"/plan/order_policy/{name}"]
