"""Where the first stop and the targets of a long lie, and how much is sold at each target.

The farther of a percentage of the entry and a multiple of the true range is taken; size follows
from the stop, so a wide stop never means more money at risk.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from domain.market.market_regime import MarketRegime
from domain.plans.regime_rules import ExitProfile, ExitRules, RegimeRule, rule_for
from domain.plans.session_adjustment import SessionAdjustment
from domain.shared.decimals import ONE, ZERO, ceil_to, floor_to

TRUE_RANGE_DEFAULT = Decimal("0.02")
WEAK_BREADTH = Decimal(20)
STRONG_BREADTH = Decimal(60)
WEAK_BREADTH_FACTOR = Decimal("0.8")
STRONG_BREADTH_FACTOR = Decimal("1.2")


class TrueRangeSource(StrEnum):
    """Where a plan's true range came from; `default` is 2 % of the entry and deserves a warning."""

    REQUEST = "request"
    ATR = "atr"
    DEFAULT = "default"


class TargetStatus(StrEnum):
    """`skipped`: reached, but its slice holds no whole lot."""

    PENDING = "pending"
    FILLED = "filled"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Target:
    """One staged exit: at `price`, `cumulative_fraction` of the initial quantity has been sold.

    `merged_through` is the last level it stands for: its own, unless later ones were merged in.
    """

    level: int
    price: Decimal
    cumulative_fraction: Decimal
    status: TargetStatus = TargetStatus.PENDING
    merged_through: int = 0


@dataclass(frozen=True, slots=True)
class LevelBasis:
    """What levels are computed from, at entry and when a regime changes; always from the entry."""

    entry_price: Decimal
    true_range: Decimal
    regime: MarketRegime
    adjustment: SessionAdjustment
    price_step: Decimal
    rules: ExitRules
    t2108: Decimal | None = None


def stop_to_tick(price: Decimal, price_step: Decimal) -> Decimal:
    """Stop of a long: down to the tick."""
    return floor_to(price, price_step)


def target_to_tick(price: Decimal, price_step: Decimal) -> Decimal:
    """Target of a long: up to the tick."""
    return ceil_to(price, price_step)


def resolved_true_range(
    requested: Decimal | None, atr: Decimal | None, entry_price: Decimal
) -> tuple[Decimal, TrueRangeSource]:
    """The request's true range, else ATR(14) of the bars before entry, else 2 % of the entry."""
    if requested is not None:
        return requested, TrueRangeSource.REQUEST
    if atr is not None and atr > 0:
        return atr, TrueRangeSource.ATR
    return entry_price * TRUE_RANGE_DEFAULT, TrueRangeSource.DEFAULT


def stop_distance(basis: LevelBasis) -> Decimal:
    """Money per share: `max(base·entry, k·TR) · stop factor · breadth factor`, unrounded.

    `standard` never goes below one true range; then within the configured distances.
    """
    rule, rules, entry = _rule(basis), basis.rules, basis.entry_price
    farther = max(rule.base_stop * entry, rule.stop_ranges * basis.true_range)
    distance = farther * basis.adjustment.stop_factor * _breadth_factor(basis)
    if rules.profile is ExitProfile.STANDARD:
        distance = max(distance, basis.true_range)
    nearest, farthest = rules.min_stop_distance * entry, rules.max_stop_distance * entry
    return min(farthest, max(nearest, distance))


def entry_stop(basis: LevelBasis) -> Decimal:
    """`entry − distance`, down to the tick and never under one tick."""
    exact = basis.entry_price - stop_distance(basis)
    return max(basis.price_step, stop_to_tick(exact, basis.price_step))


def target_prices(basis: LevelBasis) -> tuple[Decimal, ...]:
    """Per level `max(entry·(1 + p·m), entry + TR·t·m)`, capped, up to the tick; not yet merged."""
    rule, entry, factor = _rule(basis), basis.entry_price, basis.adjustment.profit_factor
    highest = entry * (1 + basis.rules.max_profit_target)
    offsets = (
        max(entry * fraction, basis.true_range * ranges) * factor
        for fraction, ranges in zip(rule.target_fractions, rule.target_ranges, strict=True)
    )
    return tuple(
        target_to_tick(min(highest, entry + offset), basis.price_step) for offset in offsets
    )


def entry_targets(basis: LevelBasis) -> tuple[Target, ...]:
    """Strictly rising targets; a level that does not rise is merged into the one before it."""
    merged: list[Target] = []
    fractions = _rule(basis).cumulative_fractions
    priced = zip(target_prices(basis), fractions, strict=True)
    for level, (price, fraction) in enumerate(priced, start=1):
        if merged and price <= merged[-1].price:
            merged[-1] = replace(merged[-1], cumulative_fraction=fraction, merged_through=level)
        else:
            merged.append(Target(level, price, fraction, merged_through=level))
    return tuple(merged)


def slice_quantities(
    targets: tuple[Target, ...], initial_qty: Decimal, lot: Decimal
) -> tuple[Decimal, ...]:
    """What each target sells: differences of floored cumulative quantities, which add up."""
    sold_up_to = [floor_to(target.cumulative_fraction * initial_qty, lot) for target in targets]
    return tuple(now - before for before, now in pairwise([ZERO, *sold_up_to]))


def round_trip_costs(entry_price: Decimal, exit_price: Decimal, rules: ExitRules) -> Decimal:
    """Configured costs per share of both sides: `cost_rate·(entry + exit)`, unrounded."""
    return rules.cost_rate * (entry_price + exit_price)


def breakeven_price(entry_price: Decimal, rules: ExitRules) -> Decimal:
    """Entry plus round-trip costs per share: `entry·(1 + 2·cost_rate)`, unrounded."""
    return entry_price + round_trip_costs(entry_price, entry_price, rules)


def _rule(basis: LevelBasis) -> RegimeRule:
    return rule_for(basis.rules.profile, basis.regime)


def _breadth_factor(basis: LevelBasis) -> Decimal:
    breadth = basis.t2108
    if breadth is None or basis.rules.profile is ExitProfile.LEGACY:
        return ONE
    if breadth < WEAK_BREADTH:
        return WEAK_BREADTH_FACTOR
    return STRONG_BREADTH_FACTOR if breadth > STRONG_BREADTH else ONE
