"""What a person may change on a running plan: nearer stops and targets, never further ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from domain.plans.exit_actions import MoveStop, MoveTarget, StopCause
from domain.plans.exit_levels import Target, TargetStatus
from domain.plans.plan import Action
from domain.plans.regime_exit_plan import RegimeExitPlan, StopKind, StopLevel, unanswered
from domain.shared.decimals import plain, quantity_to_step
from domain.shared.errors import Conflict, FieldFault, Invalid


@dataclass(frozen=True, slots=True)
class ProtectionChange:
    """What to change; null and absent stay. `targets` are prices by level."""

    stop: Decimal | None = None
    targets: Mapping[int, Decimal] = field(default_factory=dict, hash=False)
    trailing: bool | None = None


def tightened(
    plan: RegimeExitPlan, change: ProtectionChange
) -> tuple[RegimeExitPlan, tuple[Action, ...]]:
    """The plan with the change, active for the next bar, and the moves it made.

    Raises `Conflict` `stop_widening_refused` for a lower stop, a target further out or trailing
    turned off; `Invalid` `invalid_plan` for a price off the tick, a stop not below the last close,
    a target not above the stop, or a level that is not pending; `Conflict` `position_closed`.
    """
    if plan.closed_by is not None:
        raise Conflict("position_closed", "The position is closed.")
    if change.trailing is False and plan.trailing:
        raise _widening("Trailing cannot be turned off.")
    actions: list[Action] = []
    stop = plan.stop
    if change.stop is not None and change.stop != stop.price:
        _require_nearer_stop(plan, change.stop)
        reason = "tightened by hand"
        actions.append(MoveStop(stop.price, change.stop, StopCause.STOP_TIGHTENED, reason))
        last = plan.last_bar
        since = plan.entry_session if last is None else last.session
        stop = StopLevel(change.stop, StopKind.MANUAL, since)
    targets, moves = _nearer_targets(plan, change.targets, stop.price)
    after = replace(
        plan, stop=stop, targets=targets, trailing=plan.trailing or change.trailing is True
    )
    return plan if after == plan else unanswered(after), (*actions, *moves)


def _require_nearer_stop(plan: RegimeExitPlan, stop: Decimal) -> None:
    _require_on_tick(plan, "stop", stop)
    if stop < plan.stop.price:
        raise _widening(f"The stop stands at {plain(plan.stop.price)} and only rises.")
    price = plan.entry_price if plan.last_bar is None else plan.last_bar.close
    if stop >= price:
        raise _invalid("stop", f"below the last price {plain(price)}")


def _nearer_targets(
    plan: RegimeExitPlan, wanted: Mapping[int, Decimal], stop: Decimal
) -> tuple[tuple[Target, ...], tuple[MoveTarget, ...]]:
    pending = {target.level for target in plan.pending_targets}
    moves = []
    by_level = {target.level: target for target in plan.targets}
    for level, price in wanted.items():
        if level not in pending:
            raise _invalid(f"targets/{level}", "not a pending target")
        _require_on_tick(plan, f"targets/{level}", price)
        old = by_level[level].price
        if price > old:
            raise _widening(f"Target {level} stands at {plain(old)} and only comes nearer.")
        if price <= stop:
            raise _invalid(f"targets/{level}", f"above the stop {plain(stop)}")
        if price < old:
            by_level[level] = replace(by_level[level], price=price)
            moves.append(MoveTarget(level, old, price))
    after = tuple(by_level.values())
    prices = [target.price for target in after if target.status is TargetStatus.PENDING]
    if prices != sorted(prices):
        raise _invalid("targets", "in rising order")
    return after, tuple(moves)


def _require_on_tick(plan: RegimeExitPlan, name: str, price: Decimal) -> None:
    is_valid = price.is_finite() and price > 0
    if not is_valid or quantity_to_step(price, plan.price_step) != price:
        raise _invalid(name, f"above zero, in ticks of {plain(plan.price_step)}")


def _widening(message: str) -> Conflict:
    return Conflict("stop_widening_refused", message)


def _invalid(pointer: str, message: str) -> Invalid:
    fault = FieldFault(f"/{pointer}", "out_of_range", message)
    return Invalid("invalid_plan", f"{pointer}: {message}.", errors=(fault,))
