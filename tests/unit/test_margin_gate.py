"""The gate of margin orders: each check by its numbers, and what only reduces always passes."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.risk.margin_facts import MarginContext, MarginLimits, MarginOrder
from domain.risk.margin_gate import CHECKS, judge_margin
from domain.risk.verdict import CheckStatus, Finding
from domain.shared.side import Side

D = Decimal
ORDER = MarginOrder(
    Side.BUY, D(10), D(100), D("1001"), stop_loss=D(95), take_profit=D(120), loss_per_unit=D(5)
)
CONTEXT = MarginContext(
    order=ORDER,
    position_qty=D(0),
    is_symbol_open=False,
    open_symbols=0,
    available=D(10_000),
    equity=D(10_000),
    lot_step=D("0.001"),
    limits=MarginLimits(5, D("0.02"), D(3), require_stop_loss=True),
    price_problem=None,
    trading_state="active",
    now=datetime(2026, 1, 5, tzinfo=UTC),
)


def context(**changes: Any) -> MarginContext:
    terms = {k: changes.pop(k) for k in list(changes) if hasattr(ORDER, k)}
    return replace(CONTEXT, order=replace(ORDER, **terms), **changes)


def finding(code: str, seen: MarginContext) -> Finding:
    return next(f for f in judge_margin(seen).findings if f.code == code)


def test_an_order_within_every_limit_passes_all_checks() -> None:
    verdict = judge_margin(CONTEXT)
    assert verdict.allowed and len(verdict.findings) == len(CHECKS) == 8
    assert {f.status for f in verdict.findings} == {CheckStatus.PASSED}
    assert verdict.adjusted_quantity == 10


@pytest.mark.parametrize(
    ("code", "changes", "largest"),
    [
        ("instrument_rules", {"qty": D("1.0005")}, None),
        ("stale_data", {"price_problem": "price_stale"}, None),
        ("buying_power", {"available": D("500.5")}, D(5)),
        ("open_positions", {"open_symbols": 5}, None),
        ("risk_per_trade", {"qty": D(50), "margin_needed": D(5005)}, D(40)),
        ("reward_risk", {"take_profit": D("114.99")}, None),
        ("stop_required", {"stop_loss": None}, None),
        ("trading_state", {"trading_state": "paused"}, None),
    ],
)
def test_each_check_refuses_at_its_limit(
    code: str, changes: dict[str, Any], largest: Decimal | None
) -> None:
    verdict = judge_margin(context(**changes))
    assert [f.code for f in verdict.refusals] == [code]
    assert verdict.adjusted_quantity == largest


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("buying_power", {"available": D(1001)}),
        ("open_positions", {"open_symbols": 4}),
        ("open_positions", {"open_symbols": 5, "is_symbol_open": True}),
        ("risk_per_trade", {"qty": D(40)}),
        ("reward_risk", {"take_profit": D(115)}),
        ("instrument_rules", {"qty": D("1.0005"), "position_qty": D("-1.0005")}),
    ],
)
def test_each_limit_itself_is_allowed(code: str, changes: dict[str, Any]) -> None:
    assert not finding(code, context(**changes)).refuses


def test_an_order_that_only_reduces_needs_a_price_and_nothing_else() -> None:
    reducing = context(
        side=Side.SELL, position_qty=D(10), available=D(-5), open_symbols=9, stop_loss=None,
        take_profit=None, trading_state="halted",
    )  # fmt: skip
    assert judge_margin(reducing).allowed
    beyond = replace(reducing, position_qty=D("9.999"))
    assert {f.code for f in judge_margin(beyond).refusals} >= {"buying_power", "trading_state"}
    without = replace(reducing, price_problem="no_price")
    assert [f.code for f in judge_margin(without).refusals] == ["stale_data"]


def test_leverage_changes_margin_and_never_the_risk() -> None:
    plain, leveraged = context(), context(margin_needed=D("101"))
    assert finding("risk_per_trade", plain) == finding("risk_per_trade", leveraged)
    assert finding("buying_power", plain) != finding("buying_power", leveraged)


def test_without_a_price_what_needs_one_is_not_judged() -> None:
    seen = context(
        entry=None, loss_per_unit=None, available=None, equity=None, price_problem="no_price"
    )
    verdict = judge_margin(seen)
    assert [f.code for f in verdict.refusals] == ["stale_data"]
    for code in ("buying_power", "risk_per_trade", "reward_risk"):
        assert finding(code, seen).reason == "no_price"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"available": None, "equity": None}, "unpriced_position"),
        ({"available": D(-5), "equity": D(0)}, "no_equity"),
        ({"entry": None}, "no_price"),
    ],
)
def test_what_cannot_be_judged_is_refused(changes: dict[str, Any], reason: str) -> None:
    verdict = judge_margin(context(**changes))
    assert {(f.code, f.reason) for f in verdict.refusals} == {
        ("buying_power", reason),
        ("risk_per_trade", reason),
    }
    assert verdict.adjusted_quantity is None


def test_orders_before_it_leave_less_of_the_position_to_reduce() -> None:
    selling = context(
        side=Side.SELL, position_qty=D(15), stop_loss=None, take_profit=None, claimed_qty=D(5)
    )
    assert selling.is_reducing
    assert not replace(selling, claimed_qty=D(6)).is_reducing


def test_an_order_that_fills_at_once_needs_what_it_loses_too() -> None:
    seen = context(available=D(1011), needed_at_once=D(1011))
    assert not finding("buying_power", seen).refuses
    beyond = finding("buying_power", context(available=D(1011), needed_at_once=D("1011.01")))
    assert beyond.refuses and beyond.used == D("1011.01")
