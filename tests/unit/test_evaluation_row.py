"""An evaluation row proves itself: every derived number follows from the inputs in the same row."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

import pytest

from domain.plans.balancing import decide
from domain.plans.balancing_plan import BalancingPlan, Band, BelowMinimum, OrderPolicy
from domain.plans.evaluation import (
    evaluate,
    is_proposal_stale,
    proposal_expiry,
)
from domain.plans.evaluation_row import (
    Evaluation,
    EvaluationIdentity,
    EvaluationMode,
    to_row,
)
from domain.plans.plan import (
    DecisionAction,
    MarketView,
    PositionView,
    PriceView,
    ReasonCode,
    SessionPhase,
)
from domain.shared.canonical import canonical_json

NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
CELL = PositionView("pos_1", "ZIM", Decimal(50), Decimal(5000), anchor_price=Decimal(100))
PLAN = BalancingPlan()
ROUNDED = {"money": Decimal("0.000001"), "ratio": Decimal("0.0000000001")}


def row_of(
    plan: BalancingPlan | None, view: PositionView, price: str | None, **facts: object
) -> Evaluation:
    seen = None if price is None else PriceView(Decimal(price), "request")
    market = replace(MarketView(NOW, seen), **facts)  # type: ignore[arg-type]
    identity = EvaluationIdentity("eval_1", "trace_1", EvaluationMode.MANUAL)
    return evaluate(plan, view, market, identity)


def at(row: object, path: str) -> object:
    for name in path.split("."):
        row = row[int(name)] if isinstance(row, list) else row[name]  # type: ignore[index]
    return row


def number(row: object, path: str) -> Decimal:
    value = at(row, path)
    assert isinstance(value, Decimal), path
    return value


def rounded(value: Decimal, kind: str) -> Decimal:
    return value.quantize(ROUNDED[kind], rounding=ROUND_HALF_EVEN)


def recomputed_raw_qty(row: Mapping[str, object]) -> Decimal:
    """Magnitude of the wished quantity, from the row's inputs and nothing else."""
    price, anchor = number(row, "market.price.value"), number(row, "position.anchor_price")
    qty = number(row, "position.qty")
    effective = number(row, "position.cash") + number(row, "position.receivable")
    equity = qty * price + effective
    rate = number(row, "plan.commission_rate")
    if at(row, "trigger.direction") is None:
        is_buy = at(row, "proposals.0.side") == "BUY"
        bound = number(row, "plan.band.min" if is_buy else "plan.band.max")
        sign = 1 if is_buy else -1
        return sign * (bound * equity - qty * price) / (price * (1 + sign * bound * rate))
    return abs((anchor / price - 1) * number(row, "plan.rebalance_ratio") * equity / price)


SCENES = {
    "buy": (PLAN, CELL, "97"),
    "sell": (PLAN, CELL, "103.7"),
    "clipped by the per-trade share": (PLAN, CELL, "85"),
    "clipped by cash": (PLAN, replace(CELL, cash=Decimal(200), receivable=Decimal(4800)), "91"),
    "clipped by the band": (
        replace(PLAN, band=Band(Decimal("0.25"), Decimal("0.5"))),
        CELL,
        "96.123",
    ),
    "whole lots": (PLAN, replace(CELL, qty_step=Decimal(1)), "90.5"),
    "rebalance up": (PLAN, replace(CELL, qty=Decimal(3)), "100.01"),
    "rebalance down": (PLAN, replace(CELL, qty=Decimal(333)), "100.01"),
    "blocked": (PLAN, replace(CELL, is_paused=True), "97"),
    "below the minimum": (
        replace(PLAN, order_policy=OrderPolicy(action_below_min=BelowMinimum.REJECT)),
        replace(CELL, qty=Decimal(3), cash=Decimal(300)),
        "97",
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_every_derived_number_follows_from_the_row(scene: str) -> None:
    plan, view, text = SCENES[scene]
    row = to_row(row_of(plan, view, text))
    price, qty_held = number(row, "market.price.value"), number(row, "position.qty")
    money = number(row, "position.cash")
    effective = money + number(row, "position.receivable")
    before = qty_held * price / (qty_held * price + effective)
    assert number(row, "trigger.change") == rounded(
        price / number(row, "position.anchor_price") - 1, "ratio"
    )
    for path in ("guardrails", "impact.before"):
        assert number(row, f"{path}.stock_fraction") == rounded(before, "ratio")
    is_within = number(row, "plan.band.min") <= before <= number(row, "plan.band.max")
    assert at(row, "guardrails.within") is is_within

    raw = recomputed_raw_qty(row)
    assert number(row, "action.raw_qty") == rounded(raw, "ratio")
    trims = at(row, "action.trimming")
    assert isinstance(trims, list)
    left = trims[-1]["to"] if trims else raw
    step = number(row, "position.qty_step")
    qty = number(row, "action.qty")
    assert abs(left - qty) <= step
    if not trims:
        assert qty == (raw / step).to_integral_value(rounding=ROUND_DOWN) * step

    notional = rounded(qty * price, "money")
    fee = rounded(qty * price * number(row, "plan.commission_rate"), "money")
    sign = 1 if at(row, "proposals.0.side") == "BUY" else -1
    assert number(row, "proposals.0.notional") == notional
    assert number(row, "proposals.0.commission_estimate") == fee
    held = qty_held + sign * qty
    rest = effective - sign * notional - fee
    after = rounded(held * price / (held * price + rest), "ratio")
    assert number(row, "proposals.0.stock_fraction_after") == after

    is_valid = at(row, "proposals.0.valid")
    assert is_valid is (at(row, "guardrails.blocked_by") == [])
    assert number(row, "impact.after.qty") == (held if is_valid else qty_held)
    spent = sign * notional + fee if is_valid else Decimal(0)
    assert number(row, "impact.after.cash") == money - spent
    value = rounded(number(row, "impact.after.qty") * price, "money")
    assert number(row, "impact.after.stock_value") == value
    assert number(row, "impact.after.equity") == rounded(
        number(row, "impact.after.qty") * price + effective - spent, "money"
    )


@pytest.mark.parametrize("scene", SCENES)
def test_deciding_again_on_the_inputs_of_the_row_gives_the_same_decision(scene: str) -> None:
    row = row_of(*SCENES[scene])
    assert row.plan is not None
    decision = decide(row.plan, row.position, row.market)
    assert decision.proposal is not None
    assert row.action.action is decision.action
    assert row.action.reason_code is decision.reason_code
    assert row.action.qty == decision.proposal.qty


def test_a_position_without_a_plan_holds_and_says_so() -> None:
    row = row_of(None, CELL, "97")
    assert row.action.action is DecisionAction.HOLD
    assert row.action.reason_code is ReasonCode.NO_PLAN
    assert row.action.reason == "No plan governs this position."
    assert row.proposals == ()
    assert row.guardrails.within is None
    assert row.impact.before.stock_fraction == Decimal("0.4923857868")


def test_without_a_price_nothing_is_valued() -> None:
    row = row_of(PLAN, CELL, None)
    assert row.action.reason == "No price is known for ZIM."
    assert row.impact.before.equity is None
    assert row.trigger.change is None
    assert row.impact.after == row.impact.before


@pytest.mark.parametrize(
    ("view", "price", "facts", "sentence"),
    [
        (CELL, "103", {}, "103 is 3.00 % above anchor 100; up threshold 3.00 %."),
        (CELL, "98", {}, "98 is 2.00 % below anchor 100; down threshold 3.00 % not reached."),
        (
            CELL,
            "97.001",
            {},
            "97.001 is 2.999 % below anchor 100; down threshold 3.000 % not reached.",
        ),
        (CELL, "100", {}, "100 is at anchor 100; thresholds up 3.00 %, down 3.00 %."),
        (
            CELL,
            "160",
            {},
            "160 is 60.00 % above anchor 100; beyond 50.00 % the anchor must be confirmed"
            " or a split applied.",
        ),
        (replace(CELL, anchor_price=None), "20", {}, "No anchor price is set."),
        (
            replace(CELL, is_paused=True),
            "97",
            {"has_pending_order": True},
            "97 is 3.00 % below anchor 100; down threshold 3.00 %. Blocked: an earlier order of"
            " this position is still open; the position is paused.",
        ),
        (
            replace(CELL, qty=Decimal(200)),
            "100",
            {},
            "Stock is 80.00 % of equity, above the band's maximum 75.00 %.",
        ),
    ],
)
def test_the_sentence_says_what_was_seen(
    view: PositionView, price: str, facts: dict[str, object], sentence: str
) -> None:
    assert row_of(PLAN, view, price, **facts).action.reason == sentence


def test_a_stale_price_says_how_old_it_is() -> None:
    market = MarketView(NOW, PriceView(Decimal(97), "feed", age_s=Decimal(75)))
    identity = EvaluationIdentity("eval_1", "trace_1", EvaluationMode.LIVE)
    row = evaluate(PLAN, CELL, market, identity)
    assert row.action.reason == "The price is 75 s old; at most 60 s is allowed."


def test_the_row_is_plain_data_with_a_canonical_text() -> None:
    view = replace(CELL, qty_step=Decimal(1))
    row = to_row(row_of(PLAN, view, "85", phase=SessionPhase.REGULAR, session_close=NOW))
    assert at(row, "action.trimming.0") == {
        "step": "max_trade",
        "from": Decimal("32.0075605536"),
        "to": Decimal("21.7647058824"),
        "limit": Decimal("0.20"),
    }
    assert at(row, "market.session_close") == "2026-01-05T15:00:00.000000Z"
    assert canonical_json(row) == canonical_json(
        to_row(row_of(PLAN, view, "85", phase=SessionPhase.REGULAR, session_close=NOW))
    )


def test_a_proposal_goes_stale_with_time_or_with_more_than_20_basis_points() -> None:
    expires = NOW + timedelta(minutes=15)
    price = Decimal(100)
    assert not is_proposal_stale(expires, price, NOW, Decimal("100.2"))
    assert is_proposal_stale(expires, price, NOW, Decimal("100.2001"))
    assert is_proposal_stale(expires, price, NOW, Decimal("99.7999"))
    assert is_proposal_stale(expires, price, expires, price)


def test_a_proposal_lives_fifteen_minutes_or_until_the_close() -> None:
    assert proposal_expiry(NOW, None) == NOW + timedelta(minutes=15)
    assert proposal_expiry(NOW, NOW + timedelta(hours=1)) == NOW + timedelta(minutes=15)
    assert proposal_expiry(NOW, NOW + timedelta(minutes=1)) == NOW + timedelta(minutes=1)
    assert proposal_expiry(NOW, NOW - timedelta(hours=1)) == NOW + timedelta(minutes=15)
