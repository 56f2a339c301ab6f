"""The four regimes of the whole market and what one session's state offers to a plan."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class MarketRegime(StrEnum):
    """Calmest first; the values are the wire names."""

    LOW_VOL_COMPLACENCY = "low_vol_complacency"
    BULL_NORMAL = "bull_normal"
    HIGH_VOL_STRESS = "high_vol_stress"
    CRISIS_OPPORTUNITY = "crisis_opportunity"


@dataclass(frozen=True, slots=True)
class SessionState:
    """The market of one session, the same for every position.

    `vix` is the 30-day index in points, `t2108` the percentage of stocks above their 40-day
    average, `momentum_ratio` stocks up ≥ 4 % over stocks down ≥ 4 %. `vix_change` is in points to
    the previous session's row, `t2108_change` in points over five sessions, `momentum_previous` the
    previous session's ratio; each null without such history. `regime` is the only label plans use.
    """

    session: date
    vix: Decimal
    regime: MarketRegime
    t2108: Decimal | None = None
    momentum_ratio: Decimal | None = None
    vix_change: Decimal | None = None
    t2108_change: Decimal | None = None
    momentum_previous: Decimal | None = None
