"""Where the first stop and the targets of a long lie, and how much is sold at each target.

The farther of a percentage of the entry and a multiple of the true range is taken; size follows
from the stop, so a wide stop never means more money at risk.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.market.market_regime import MarketRegime
from domain.plans.regime_rules import ExitRules
from domain.plans.session_adjustment import SessionAdjustment


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
    """One staged exit: at `price`, `cumulative_fraction` of the initial quantity has been sold."""

    level: int
    price: Decimal
    cumulative_fraction: Decimal
    status: TargetStatus = TargetStatus.PENDING


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


def resolved_true_range(
    requested: Decimal | None, atr: Decimal | None, entry_price: Decimal
) -> tuple[Decimal, TrueRangeSource]:
    """The request's true range, else ATR(14) of the bars before entry, else 2 % of the entry."""
    raise NotImplementedError


def entry_stop(basis: LevelBasis) -> Decimal:
    """`entry − distance`, down to the tick."""
    raise NotImplementedError


def entry_targets(basis: LevelBasis) -> tuple[Target, ...]:
    """Strictly rising targets; a level that does not rise is merged into the one before it."""
    raise NotImplementedError


def slice_quantities(
    targets: tuple[Target, ...], initial_qty: Decimal, lot: Decimal
) -> tuple[Decimal, ...]:
    """What each target sells: floored cumulative quantities, the exact rest at the last."""
    raise NotImplementedError


def risk_per_share(entry_price: Decimal, stop: Decimal, rules: ExitRules) -> Decimal:
    """R: `entry − stop + cost_rate·(entry + stop)`, the loss per share at the stop with costs."""
    raise NotImplementedError


def breakeven_price(entry_price: Decimal, rules: ExitRules) -> Decimal:
    """Entry plus round-trip costs per share: `entry·(1 + 2·cost_rate)`, unrounded."""
    raise NotImplementedError
