"""What one bar sells: the stop before any target, targets before time, each at its own price.

A gap beyond a level is filled at the open; a price that nobody gave is never used.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from domain.plans.exit_actions import Exit, ExitCause
from domain.plans.exit_levels import TargetStatus, slice_quantities
from domain.plans.price_bar import PriceBar
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.shared.decimals import divide
from domain.shared.errors import Defect


@dataclass(frozen=True, slots=True)
class BarLevels:
    """Levels that were active when the bar began; `target_prices` one per target of the plan."""

    stop: Decimal
    target_prices: tuple[Decimal, ...]
    sessions_held: int


@dataclass(frozen=True, slots=True)
class JudgedBar:
    """A bar with its levels. `is_since_entry`: it may hold prices of before the entry, so its open
    says nothing.
    """

    bar: PriceBar
    levels: BarLevels
    is_since_entry: bool


@dataclass(frozen=True, slots=True)
class Sale:
    """Quantity, price and cause of an exit; `level` is the target's number."""

    qty: Decimal
    price: Decimal
    cause: ExitCause
    reason: str
    level: int | None = None


def exits_of_bar(
    plan: RegimeExitPlan, held_qty: Decimal, judged: JudgedBar
) -> tuple[RegimeExitPlan, tuple[Exit, ...]]:
    """Exits in order and the plan after them; `closed_by` is set when nothing is left.

    The stop sells everything and ends the bar. Reached targets sell their slices, the last one the
    rest. From the last session of the hold on, what is left is sold at a final close.
    """
    stopped_at = stop_fill_price(judged)
    if stopped_at is not None:
        sale = Sale(held_qty, stopped_at, ExitCause.STOP_LOSS, "stop_loss_triggered")
        closed = replace(plan, closed_by=ExitCause.STOP_LOSS)
        return closed, (exit_of(plan, held_qty, sale),)
    plan, held_qty, exits = _take_profits(plan, held_qty, judged)
    if held_qty == 0:
        return replace(plan, closed_by=ExitCause.PROFIT_TAKING), exits
    limit = plan.hold_limit_sessions
    if judged.bar.is_final and judged.levels.sessions_held >= limit:
        reason = f"max_hold_days_{limit}_reached"
        sale = Sale(held_qty, judged.bar.close, ExitCause.TIME_EXIT, reason)
        last = exit_of(plan, held_qty, sale)
        return replace(plan, closed_by=ExitCause.TIME_EXIT), (*exits, last)
    return plan, exits


def stop_fill_price(judged: JudgedBar) -> Decimal | None:
    """Where the stop fills, null when it does not: at an open at or below it, else at the stop.

    An open that nobody gave counts as the close. Since entry the open says nothing, and the fill is
    never above the bar's high.
    """
    bar, stop = judged.bar, judged.levels.stop
    if judged.is_since_entry:
        return min(stop, bar.high) if bar.low <= stop else None
    opening = bar.close if bar.open is None else bar.open
    if opening <= stop:
        return opening
    return stop if bar.low <= stop else None


def target_fill_price(judged: JudgedBar, target: Decimal) -> Decimal | None:
    """Where a target fills, null when it does not: at an open at or above it, else at the target.

    An open that nobody gave counts as the low, the least that the bar proves. Since entry the open
    says nothing.
    """
    bar = judged.bar
    if not judged.is_since_entry:
        opening = bar.low if bar.open is None else bar.open
        if opening >= target:
            return opening
    return target if bar.high >= target else None


def exit_of(plan: RegimeExitPlan, held_qty: Decimal, sale: Sale) -> Exit:
    """The exit action of a sale out of `held_qty`."""
    initial_qty = _initial_qty(plan)
    remaining = held_qty - sale.qty
    amount = (sale.price - plan.entry_price) * sale.qty
    return Exit(
        qty=sale.qty,
        price=sale.price,
        cause=sale.cause,
        reason=sale.reason,
        remaining_qty=remaining,
        closed_fraction=divide(sale.qty, initial_qty),
        remaining_fraction=divide(remaining, initial_qty),
        profit_fraction=divide(sale.price, plan.entry_price) - 1,
        pnl_fraction=divide(amount, initial_qty * plan.entry_price),
        pnl_amount=amount,
        level=sale.level,
    )


def _take_profits(
    plan: RegimeExitPlan, held_qty: Decimal, judged: JudgedBar
) -> tuple[RegimeExitPlan, Decimal, tuple[Exit, ...]]:
    if judged.bar.high < _nearest_pending(plan, judged):
        return plan, held_qty, ()
    slices = slice_quantities(plan.targets, _initial_qty(plan), plan.lot)
    exits: list[Exit] = []
    targets = list(plan.targets)
    for index, target in enumerate(plan.targets):
        price = target_fill_price(judged, judged.levels.target_prices[index])
        if price is None or target.status is not TargetStatus.PENDING or held_qty == 0:
            continue
        is_last = index == len(targets) - 1
        qty = held_qty if is_last else min(slices[index], held_qty)
        status = TargetStatus.FILLED if qty else TargetStatus.SKIPPED
        targets[index] = replace(target, status=status)
        if qty:
            reason = f"profit_target_{target.level}_reached"
            sale = Sale(qty, price, ExitCause.PROFIT_TAKING, reason, target.level)
            exits.append(exit_of(plan, held_qty, sale))
            held_qty -= qty
    return replace(plan, targets=tuple(targets)), held_qty, tuple(exits)


def _nearest_pending(plan: RegimeExitPlan, judged: JudgedBar) -> Decimal:
    priced = zip(plan.targets, judged.levels.target_prices, strict=True)
    pending = (price for target, price in priced if target.status is TargetStatus.PENDING)
    return min(pending, default=judged.bar.high + 1)


def _initial_qty(plan: RegimeExitPlan) -> Decimal:
    if plan.initial_qty is None:
        raise Defect("plan_not_sized", "The plan has no quantity yet.")
    return plan.initial_qty
