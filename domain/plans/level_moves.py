"""New stop and targets for the next bar, after a bar's exits: regime first, then trailing.

No path lowers the stop of a long, and no target moves out.
"""

from dataclasses import replace
from decimal import Decimal

from domain.market.market_regime import SessionState
from domain.plans.exit_actions import MoveStop, MoveTarget, StopCause
from domain.plans.exit_levels import (
    LevelBasis,
    Target,
    TargetStatus,
    breakeven_price,
    entry_stop,
    stop_to_tick,
    target_prices,
    target_to_tick,
)
from domain.plans.plan import Action, Note, NoteCode
from domain.plans.price_bar import PriceBar
from domain.plans.regime_exit_plan import RegimeExitPlan, StopKind, StopLevel
from domain.plans.regime_rules import ExitRules, rule_for
from domain.plans.session_adjustment import (
    AdjustmentStep,
    SessionAdjustment,
    session_adjustment,
    worst_emergency,
)
from domain.shared.decimals import plain

VIX_DRIFT_POINTS = Decimal(15)
ADJUSTMENTS_KEPT_MAX = 50

Moved = tuple[RegimeExitPlan, tuple[Action, ...]]


def adjusted_to_market(
    plan: RegimeExitPlan, bar: PriceBar, state: SessionState | None, rules: ExitRules
) -> Moved:
    """Levels of the session's regime, measured from the entry less dividends since; at most once
    per session.

    Asked for by a changed regime, a VIX more than 15 points from the one at entry, or an emergency.
    New stop = `max(old, min(candidate, close·(1 − min distance)))`; an unfilled target moves to
    `min(old, max(candidate, entry + round-trip costs))`.
    """
    is_done = plan.running is not None and plan.running.is_adjusted
    if state is None or rules.disable_transitions or is_done:
        return plan, ()
    emergency = _new_emergency(plan, state, rules)
    reasons = _reasons(plan, state)
    if not reasons and emergency is None:
        return plan, ()
    adjustment = _adjustment_of(plan, state, rules)
    basis = LevelBasis(
        entry_price=plan.entry_price,
        true_range=plan.true_range,
        regime=state.regime,
        adjustment=adjustment,
        price_step=plan.price_step,
        rules=replace(rules, profile=plan.profile),
        t2108=state.t2108,
    )
    wanted = stop_to_tick(entry_stop(basis) - plan.dividends_per_share, plan.price_step)
    highest = stop_to_tick(bar.close * (1 - rules.min_stop_distance), plan.price_step)
    old = plan.stop.price
    move = MoveStop(
        old=old,
        new=max(old, min(wanted, highest)),
        cause=StopCause.REGIME_ADJUSTMENT,
        reason="; ".join((*reasons, *((adjustment.text,) if adjustment.text else ()))),
        old_regime=plan.current_regime,
        new_regime=state.regime,
        suppressed_widening=wanted < old,
    )
    targets, target_moves = _pulled_in(plan, basis)
    alerts = () if emergency is None else (_alert(emergency),)
    moved = replace(
        _with_stop(plan, move.new, StopKind.REGIME, bar),
        targets=targets,
        current_regime=state.regime,
        adjustments=_kept(plan, adjustment),
        running=None if plan.running is None else replace(plan.running, is_adjusted=True),
    )
    return moved, (*alerts, move, *target_moves)


def trailed(plan: RegimeExitPlan, bar: PriceBar, rules: ExitRules) -> Moved:
    """After target 1 the stop rises to break-even; after target 2 to
    `max(target 1, high water − k·TR)`.

    A candidate at or above the close becomes the close less one tick.
    """
    passed = plan.levels_passed
    if not plan.trailing or passed == 0:
        return plan, ()
    candidate = breakeven_price(plan.entry_price, rules)
    cause, kind = StopCause.BREAKEVEN_STOP, StopKind.BREAKEVEN
    reason = "target 1 reached: entry plus round-trip costs"
    if passed > 1:
        regime = plan.regime_at_entry if rules.disable_transitions else plan.current_regime
        room = rule_for(plan.profile, regime).stop_ranges * plan.true_range
        candidate = max(candidate, plan.targets[0].price, plan.high_water - room)
        cause, kind = StopCause.TRAILING_STOP_MOVED, StopKind.TRAILING
        reason = f"target 2 reached: high {plain(plan.high_water)} less {plain(room)}"
    candidate = stop_to_tick(candidate, plan.price_step)
    if candidate >= bar.close:
        candidate = stop_to_tick(bar.close - plan.price_step, plan.price_step)
    old = plan.stop.price
    if candidate <= old:
        return plan, ()
    return _with_stop(plan, candidate, kind, bar), (MoveStop(old, candidate, cause, reason),)


def _reasons(plan: RegimeExitPlan, state: SessionState) -> tuple[str, ...]:
    reasons = []
    if state.regime is not plan.current_regime:
        reasons.append(f"regime {plan.current_regime} to {state.regime}")
    if abs(state.vix - plan.vix_at_entry) > VIX_DRIFT_POINTS:
        reasons.append(f"VIX {plain(state.vix)} against {plain(plan.vix_at_entry)} at entry")
    return tuple(reasons)


def _new_emergency(
    plan: RegimeExitPlan, state: SessionState, rules: ExitRules
) -> AdjustmentStep | None:
    if not rules.emergency_protocols or _stored(plan, state) is not None:
        return None
    return worst_emergency(state)


def _adjustment_of(
    plan: RegimeExitPlan, state: SessionState, rules: ExitRules
) -> SessionAdjustment:
    return _stored(plan, state) or session_adjustment(
        state, plan.profile, with_emergencies=rules.emergency_protocols
    )


def _stored(plan: RegimeExitPlan, state: SessionState) -> SessionAdjustment | None:
    for adjustment in plan.adjustments:
        if adjustment.session == state.session:
            return adjustment
    return None


def _kept(plan: RegimeExitPlan, adjustment: SessionAdjustment) -> tuple[SessionAdjustment, ...]:
    if adjustment in plan.adjustments:
        return plan.adjustments
    return (*plan.adjustments, adjustment)[-ADJUSTMENTS_KEPT_MAX:]


def _alert(emergency: AdjustmentStep) -> Note:
    data = {"protocol": emergency.cause.value, "trigger": emergency.trigger}
    return Note(NoteCode.EMERGENCY_PROTOCOL, data)


def _pulled_in(
    plan: RegimeExitPlan, basis: LevelBasis
) -> tuple[tuple[Target, ...], tuple[MoveTarget, ...]]:
    prices = target_prices(basis)
    lowest = target_to_tick(breakeven_price(plan.entry_price, basis.rules), plan.price_step)
    targets, moves = [], []
    for target in plan.targets:
        wanted = prices[target.level - 1] - plan.dividends_per_share
        new = min(target.price, max(target_to_tick(wanted, plan.price_step), lowest))
        if target.status is TargetStatus.PENDING and new < target.price:
            moves.append(MoveTarget(target.level, target.price, new))
            targets.append(replace(target, price=new))
        else:
            targets.append(target)
    return tuple(targets), tuple(moves)


def _with_stop(
    plan: RegimeExitPlan, price: Decimal, kind: StopKind, bar: PriceBar
) -> RegimeExitPlan:
    if price <= plan.stop.price:
        return plan
    return replace(plan, stop=StopLevel(price, kind, bar.session))
