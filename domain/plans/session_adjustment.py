"""How the change from the last session to this one scales the stops and targets of a plan.

Computed once per session from the market's state, stored with its reason, applied once. Without an
earlier session the factors are neutral.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ONE


class AdjustmentCause(StrEnum):
    """Which change of the market scaled a plan."""

    VIX_JUMP = "vix_jump"
    VIX_DROP = "vix_drop"
    BREADTH_DROP = "breadth_drop"
    BREADTH_SURGE = "breadth_surge"
    MOMENTUM_DROP = "momentum_drop"
    MOMENTUM_SURGE = "momentum_surge"
    BREADTH_COLLAPSE = "breadth_collapse"
    VOLATILITY_EXPLOSION = "volatility_explosion"
    MOMENTUM_COLLAPSE = "momentum_collapse"


@dataclass(frozen=True, slots=True)
class AdjustmentStep:
    """One row that applied; a factor of 1 and an urgency of 1 change nothing.

    `trigger` says the measured change in words.
    """

    cause: AdjustmentCause
    trigger: str
    stop_factor: Decimal = ONE
    profit_factor: Decimal = ONE
    urgency: Decimal = ONE


@dataclass(frozen=True, slots=True)
class SessionAdjustment:
    """The product of all rows that applied in `session`; `emergency` is the one that did, if any.

    Both factors are unrounded. `urgency` > 1 shortens the hold, at entry only.
    """

    session: date
    stop_factor: Decimal = ONE
    profit_factor: Decimal = ONE
    urgency: Decimal = ONE
    steps: tuple[AdjustmentStep, ...] = ()
    emergency: AdjustmentStep | None = None
    has_history: bool = True

    @property
    def text(self) -> str:
        """The rows in words, empty when none applied."""
        return "; ".join(f"{step.cause}: {step.trigger}" for step in self.steps)

    @property
    def reason(self) -> str:
        """The rows in words, else `no_history` or `none`."""
        return self.text or ("none" if self.has_history else "no_history")
