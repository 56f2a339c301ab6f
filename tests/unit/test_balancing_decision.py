"""What makes a cell hold, skip or trade, and how its quantity is cut."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.plans.balancing import BalancingDecision, SizedProposal, decide
from domain.plans.balancing_plan import (
    BalancingPlan,
    Band,
    BelowMinimum,
    OrderPolicy,
    Sizing,
    TradingHours,
)
from domain.plans.clipping import WishedTrade, clip
from domain.plans.plan import (
    ClipStep,
    DecisionAction,
    Hold,
    MarketView,
    NoteCode,
    PositionView,
    PriceView,
    Propose,
    ReasonCode,
    SessionPhase,
)
from domain.shared.side import Side

PLAN = BalancingPlan()
CELL = PositionView("pos_1", "ZIM", Decimal(50), Decimal(5000), anchor_price=Decimal(100))
NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


def market(price: str | None = "97", *, age_s: str = "0", **facts: object) -> MarketView:
    seen = None if price is None else PriceView(Decimal(price), "request", Decimal(age_s))
    return replace(MarketView(NOW, seen), **facts)  # type: ignore[arg-type]


def proposal_of(decision: BalancingDecision) -> SizedProposal:
    assert decision.proposal is not None
    return decision.proposal


def policy(action: BelowMinimum, **minimums: str) -> BalancingPlan:
    amounts = {name: Decimal(value) for name, value in minimums.items()}
    return BalancingPlan(order_policy=OrderPolicy(action_below_min=action, **amounts))


@pytest.mark.parametrize(
    ("view", "seen", "reason"),
    [
        (CELL, market(None), ReasonCode.NO_PRICE),
        (CELL, market(age_s="60.1"), ReasonCode.STALE_PRICE),
        (replace(CELL, anchor_price=None), market(), ReasonCode.NO_ANCHOR),
        (CELL, market("150.01"), ReasonCode.ANCHOR_ANOMALY),
        (CELL, market("49.99"), ReasonCode.ANCHOR_ANOMALY),
    ],
)
def test_without_a_basis_it_holds_and_says_why(
    view: PositionView, seen: MarketView, reason: ReasonCode
) -> None:
    decision = decide(PLAN, view, seen)
    assert (decision.action, decision.reason_code) == (DecisionAction.HOLD, reason)
    assert decision.actions[0] == Hold(reason)


def test_only_an_anomalous_anchor_raises_a_note() -> None:
    codes = [note.code for note in decide(PLAN, CELL, market("160")).notes]
    assert codes == [NoteCode.ANCHOR_ANOMALY]
    assert decide(PLAN, CELL, market(None)).notes == ()


def test_a_change_of_exactly_half_is_still_a_trigger() -> None:
    assert decide(PLAN, CELL, market("150")).action is DecisionAction.SELL
    assert decide(PLAN, CELL, market("50")).action is DecisionAction.BUY


def test_a_price_at_the_age_limit_counts_and_no_limit_takes_any_age() -> None:
    assert decide(PLAN, CELL, market(age_s="60")).action is DecisionAction.BUY
    old = market(age_s="86400", max_price_age_s=None)
    assert decide(PLAN, CELL, old).action is DecisionAction.BUY


@pytest.mark.parametrize(
    ("view", "facts", "reason"),
    [
        (CELL, {"has_pending_order": True}, ReasonCode.PENDING_ORDER),
        (replace(CELL, is_paused=True), {}, ReasonCode.PAUSED),
        (CELL, {"orders_today": 5}, ReasonCode.DAILY_CAP_REACHED),
        (CELL, {"is_automatic": True, "phase": SessionPhase.POST}, ReasonCode.MARKET_CLOSED),
        (CELL, {"is_automatic": True, "phase": None}, ReasonCode.MARKET_CLOSED),
    ],
)
def test_a_block_turns_the_trade_into_a_skip_with_its_rejection(
    view: PositionView, facts: dict[str, object], reason: ReasonCode
) -> None:
    decision = decide(PLAN, view, replace(market(), **facts))  # type: ignore[arg-type]
    assert (decision.action, decision.reason_code) == (DecisionAction.SKIP, reason)
    proposal = proposal_of(decision)
    assert proposal.rejections == (reason,)
    assert proposal.reason_code is ReasonCode.THRESHOLD_CROSSED
    assert proposal.qty == Decimal("5.23445477")
    assert decision.actions == [Hold(reason)]


def test_all_blocks_are_reported_together() -> None:
    view = replace(CELL, is_paused=True)
    seen = market(has_pending_order=True, orders_today=9, is_automatic=True)
    assert proposal_of(decide(PLAN, view, seen)).rejections == (
        ReasonCode.PENDING_ORDER,
        ReasonCode.PAUSED,
        ReasonCode.DAILY_CAP_REACHED,
        ReasonCode.MARKET_CLOSED,
    )


def test_a_manual_run_does_not_ask_for_the_session() -> None:
    assert decide(PLAN, CELL, market(phase=SessionPhase.CLOSED)).action is DecisionAction.BUY


@pytest.mark.parametrize(
    ("hours", "phase", "action"),
    [
        (TradingHours.REGULAR, SessionPhase.REGULAR, DecisionAction.BUY),
        (TradingHours.REGULAR, SessionPhase.PRE, DecisionAction.SKIP),
        (TradingHours.EXTENDED, SessionPhase.PRE, DecisionAction.BUY),
        (TradingHours.EXTENDED, SessionPhase.POST, DecisionAction.BUY),
        (TradingHours.EXTENDED, SessionPhase.CLOSED, DecisionAction.SKIP),
    ],
)
def test_automatic_runs_trade_only_in_the_hours_of_the_plan(
    hours: TradingHours, phase: SessionPhase, action: DecisionAction
) -> None:
    plan = replace(PLAN, hours=hours)
    seen = market(is_automatic=True, phase=phase)
    assert decide(plan, CELL, seen).action is action


def test_nothing_blocks_a_hold() -> None:
    decision = decide(PLAN, CELL, market("99", has_pending_order=True))
    assert decision.action is DecisionAction.HOLD
    assert decision.reason_code is ReasonCode.WITHIN_THRESHOLDS


def test_a_valid_decision_is_a_proposal_action() -> None:
    assert decide(PLAN, CELL, market()).actions == [
        Propose(Side.BUY, Decimal("5.23445477"), ReasonCode.THRESHOLD_CROSSED, ())
    ]


def test_fixed_fraction_takes_its_share_of_effective_cash_or_of_shares() -> None:
    plan = replace(PLAN, sizing=Sizing.FIXED_FRACTION, rebalance_ratio=Decimal("0.1"))
    view = replace(CELL, receivable=Decimal(1000))
    assert proposal_of(decide(plan, view, market("96"))).qty == Decimal("6.25")
    assert proposal_of(decide(plan, view, market("104"))).qty == Decimal(5)


def test_a_size_on_the_wrong_side_holds() -> None:
    view = replace(CELL, cash=Decimal(-5000), qty=Decimal(1))
    decision = decide(PLAN, view, market())
    assert decision.action is DecisionAction.HOLD
    assert decision.reason_code is ReasonCode.SIGN_MISMATCH
    assert decision.trigger is Side.BUY


def test_receivables_count_for_the_size_but_cannot_be_spent() -> None:
    view = replace(CELL, cash=Decimal(200), receivable=Decimal(4800))
    proposal = proposal_of(decide(PLAN, view, market()))
    assert proposal.raw_qty == proposal_of(decide(PLAN, CELL, market())).raw_qty
    assert [t.step for t in proposal.trimming] == [ClipStep.CASH]
    assert proposal.qty == Decimal("2.0616495")


def test_reservations_are_not_free() -> None:
    held = replace(CELL, reserved_cash=Decimal(4800), reserved_qty=Decimal(48))
    buy = proposal_of(decide(PLAN, held, market("97")))
    sell = proposal_of(decide(PLAN, held, market("103")))
    assert buy.trimming[0].limit == Decimal(200)
    assert (sell.trimming[0].step, sell.qty) == (ClipStep.INVENTORY, Decimal(2))


def test_ledger_rounding_of_notional_and_fee_never_overdraws_the_cell() -> None:
    plan = BalancingPlan(
        commission_rate=Decimal("0.2"),
        band=Band(Decimal(0), Decimal(1)),
        max_trade_fraction=Decimal(1),
        order_policy=OrderPolicy(min_notional=Decimal(0)),
    )
    view = replace(CELL, qty=Decimal(0), cash=Decimal("60.000009"))
    # 50.0000075 shares would cost 50.000008 + 10.000002: both halves round up, one step too many.
    clipped = clip(WishedTrade(Side.BUY, Decimal(100), Decimal(1)), plan, view)
    assert clipped.qty == Decimal("50.00000666")


def test_limits_cut_in_order_and_each_cut_is_reported() -> None:
    plan = replace(PLAN, rebalance_ratio=Decimal(5), band=Band(Decimal("0.25"), Decimal("0.55")))
    view = replace(CELL, cash=Decimal(5000), reserved_cash=Decimal(3600), qty_step=Decimal(1))
    proposal = proposal_of(decide(plan, view, market("85")))
    assert [t.step for t in proposal.trimming] == [
        ClipStep.MAX_TRADE,
        ClipStep.CASH,
        ClipStep.BAND,
        ClipStep.QTY_STEP,
    ]
    assert [t.to_qty for t in proposal.trimming[:-1]] == [t.from_qty for t in proposal.trimming[1:]]
    assert proposal.qty == Decimal(9)


def test_a_sell_with_nothing_held_is_skipped_below_the_minimum() -> None:
    view = replace(CELL, qty=Decimal(0))
    decision = decide(PLAN, view, market("103"))
    assert decision.action is DecisionAction.SKIP
    proposal = proposal_of(decision)
    assert proposal.qty == 0
    assert proposal.rejections == (ReasonCode.BELOW_MINIMUM,)
    assert proposal.trimming[-1].step is ClipStep.INVENTORY


def test_below_the_minimum_hold_skips_without_a_note() -> None:
    decision = decide(policy(BelowMinimum.HOLD, min_notional="600"), CELL, market())
    assert decision.action is DecisionAction.SKIP
    assert proposal_of(decision).rejections == (ReasonCode.BELOW_MINIMUM,)
    assert decision.notes == ()


def test_below_the_minimum_reject_adds_its_note() -> None:
    decision = decide(policy(BelowMinimum.REJECT, min_qty="6"), CELL, market())
    assert decision.reason_code is ReasonCode.BELOW_MINIMUM
    assert [note.code for note in decision.notes] == [NoteCode.ORDER_REJECTED_MIN]
    assert decision.notes[0].data["qty"] == Decimal("5.23445477")


def test_below_the_minimum_clip_raises_to_it_on_the_step() -> None:
    plan = policy(BelowMinimum.CLIP, min_notional="600", qty_step="0.01")
    decision = decide(plan, CELL, market())
    assert decision.action is DecisionAction.BUY
    proposal = proposal_of(decision)
    assert proposal.qty == Decimal("6.19")
    assert [t.step for t in proposal.trimming] == [ClipStep.QTY_STEP, ClipStep.MINIMUM]


def test_below_the_minimum_clip_skips_when_another_limit_forbids_the_raise() -> None:
    plan = policy(BelowMinimum.CLIP, min_notional="2000")
    decision = decide(plan, CELL, market())
    assert decision.action is DecisionAction.SKIP
    assert proposal_of(decision).qty == Decimal("5.23445477")


def test_a_minimum_met_exactly_is_met() -> None:
    plan = policy(BelowMinimum.HOLD, min_notional="97", qty_step="1")
    view = replace(CELL, qty=Decimal(10), cash=Decimal(1000))
    proposal = proposal_of(decide(plan, view, market()))
    assert (proposal.qty, proposal.rejections) == (Decimal(1), ())


def test_the_rebalance_ignores_the_per_trade_share_but_not_the_cash() -> None:
    view = replace(CELL, qty=Decimal(0), cash=Decimal(10000), reserved_cash=Decimal(8000))
    free = proposal_of(decide(PLAN, replace(view, reserved_cash=Decimal(0)), market("100")))
    bound = proposal_of(decide(PLAN, view, market("100")))
    assert free.trimming == ()
    assert free.qty * 100 > Decimal("0.20") * 10000
    assert [t.step for t in bound.trimming] == [ClipStep.CASH]


def test_above_the_band_the_rebalance_sells_to_its_maximum() -> None:
    view = replace(CELL, qty=Decimal(90), cash=Decimal(1000))
    decision = decide(PLAN, view, market("100"))
    assert decision.action is DecisionAction.SELL
    assert decision.reason_code is ReasonCode.AUTO_GUARDRAIL_REBALANCE
    assert decision.trigger is None
    sold = proposal_of(decision).qty
    rest = (90 - sold) * 100
    assert abs(rest / (10000 - sold * 100 * PLAN.commission_rate) - PLAN.band.max) < Decimal("1e-9")


def test_no_rebalance_when_it_is_off_or_too_small_to_matter() -> None:
    empty = replace(CELL, qty=Decimal(0))
    off = replace(PLAN, auto_rebalance=False)
    assert decide(off, empty, market("100")).action is DecisionAction.HOLD
    nearly = replace(CELL, qty=Decimal("24.9999"), cash=Decimal(7500))
    assert decide(PLAN, nearly, market("100")).action is DecisionAction.HOLD
    one_lot_short = replace(nearly, qty=Decimal("24.5"), qty_step=Decimal(1))
    assert decide(PLAN, one_lot_short, market("100")).action is DecisionAction.HOLD
