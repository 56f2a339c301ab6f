"""What dividends and splits do to a regime-exit plan: prices change meaning, nothing is loosened.

Both are applied before the first bar of the ex-date; bars of earlier sessions are refused after.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from domain.plans.exit_levels import stop_to_tick, target_to_tick
from domain.plans.regime_exit_plan import RegimeExitPlan, unanswered
from domain.shared.decimals import divide, quantity_to_step

PRICE_STEP = Decimal("1e-12")
"""Prices that are not levels keep 12 decimals through a split."""

Rescaling = Callable[[Decimal], Decimal]


def shifted_by_dividend(plan: RegimeExitPlan, dps: Decimal, ex_date: date) -> RegimeExitPlan:
    """Stop, targets and high water minus the gross `dps`, on the tick and never under one tick.

    The entry price and the excursions stay: they measure the price return of the trade. Levels that
    are measured from the entry later are lowered by what has been paid since.
    """

    def lower(price: Decimal) -> Decimal:
        return price - dps

    shifted = _with_levels(plan, lower, ex_date)
    return replace(
        shifted,
        high_water=max(plan.price_step, plan.high_water - dps),
        dividends_per_share=plan.dividends_per_share + dps,
    )


def rescaled_by_split(plan: RegimeExitPlan, ratio: Decimal, ex_date: date) -> RegimeExitPlan:
    """Prices ÷ ratio, quantity × ratio; the stop goes down to its tick, targets up to theirs.

    `ratio` = new shares per old share. The quantity is cut to the lot, toward zero.
    """

    def divided(price: Decimal) -> Decimal:
        return max(PRICE_STEP, _quotient(price, ratio))

    rescaled = _with_levels(plan, lambda price: divide(price, ratio), ex_date)
    initial_qty = plan.initial_qty
    return replace(
        rescaled,
        entry_price=divided(plan.entry_price),
        true_range=divided(plan.true_range),
        high_water=divided(plan.high_water),
        highest_price=divided(plan.highest_price),
        lowest_price=divided(plan.lowest_price),
        dividends_per_share=_quotient(plan.dividends_per_share, ratio),
        initial_qty=(
            None if initial_qty is None else quantity_to_step(initial_qty * ratio, plan.lot)
        ),
    )


def _quotient(amount: Decimal, ratio: Decimal) -> Decimal:
    return divide(amount, ratio).quantize(PRICE_STEP, rounding=ROUND_HALF_EVEN)


def _with_levels(plan: RegimeExitPlan, change: Rescaling, ex_date: date) -> RegimeExitPlan:
    step = plan.price_step

    def stop(price: Decimal) -> Decimal:
        return max(step, stop_to_tick(change(price), step))

    def target(price: Decimal) -> Decimal:
        return max(step, target_to_tick(change(price), step))

    running = plan.running
    if running is not None:
        prices = tuple(target(price) for price in running.target_prices)
        running = replace(running, stop=stop(running.stop), target_prices=prices)
    after = replace(
        plan,
        stop=replace(plan.stop, price=stop(plan.stop.price)),
        targets=tuple(replace(t, price=target(t.price)) for t in plan.targets),
        running=running,
        levels_since=max(plan.levels_since, ex_date),
    )
    return unanswered(after)
