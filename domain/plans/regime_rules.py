"""What each market regime asks of an exit plan, as data: two profiles, four regimes, three levels.

Every number is a fraction of the entry price or a multiple of the true range, never a percentage.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.market.market_regime import MarketRegime
from domain.shared.decimals import ONE, ZERO
from domain.shared.errors import FieldFault, Invalid

STOP_DISTANCE_MAX = Decimal("0.50")
PROFIT_TARGET_MAX = Decimal(10)
COST_MAX = Decimal("0.50")
TIME_EXIT_SESSIONS_MAX = 10_000


class ExitProfile(StrEnum):
    """`standard` tightens in stress and adds breadth and a floor; `legacy` keeps older numbers."""

    STANDARD = "standard"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class RegimeRule:
    """One row: the farther of `base_stop`·entry and `stop_ranges`·TR is the stop distance.

    Targets pair a fraction of the entry with a multiple of the true range; `cumulative_fractions`
    say how much of the first quantity is sold once each is reached. `risk_multiplier` ≤ 1 scales
    the money at risk.
    """

    base_stop: Decimal
    stop_ranges: Decimal
    target_fractions: tuple[Decimal, ...]
    target_ranges: tuple[Decimal, ...]
    cumulative_fractions: tuple[Decimal, ...]
    hold_sessions: int
    risk_multiplier: Decimal


@dataclass(frozen=True, slots=True)
class ExitRules:
    """What the owner configured for exits; raises `Invalid` (`invalid_plan`) out of range.

    Distances and targets are fractions of the entry; `commission_rate` and `slippage` fractions of
    a notional, per side. `time_exit_sessions` replaces the hold of the regime where it is set.
    """

    profile: ExitProfile = ExitProfile.STANDARD
    min_stop_distance: Decimal = Decimal("0.02")
    max_stop_distance: Decimal = Decimal("0.25")
    max_profit_target: Decimal = ONE
    trailing: bool = True
    time_exit_sessions: int | None = None
    disable_transitions: bool = False
    emergency_protocols: bool = True
    commission_rate: Decimal = ZERO
    slippage: Decimal = ZERO

    def __post_init__(self) -> None:
        found = tuple(_faults(self))
        if found:
            fields = ", ".join(fault.pointer for fault in found)
            raise Invalid(
                "invalid_plan", f"The exit rules are out of range: {fields}.", errors=found
            )

    @property
    def cost_rate(self) -> Decimal:
        """What one side costs: commission plus slippage, as a fraction of its notional."""
        return self.commission_rate + self.slippage


def _faults(rules: ExitRules) -> Iterator[FieldFault]:
    fractions = (
        ("min_stop_distance", rules.min_stop_distance, STOP_DISTANCE_MAX),
        ("max_stop_distance", rules.max_stop_distance, STOP_DISTANCE_MAX),
        ("max_profit_target", rules.max_profit_target, PROFIT_TARGET_MAX),
    )
    for name, value, highest in fractions:
        if not (value.is_finite() and ZERO < value <= highest):
            yield FieldFault(f"/{name}", "out_of_range", f"above 0 and at most {highest}")
    for name, value in (("commission_rate", rules.commission_rate), ("slippage", rules.slippage)):
        if not (value.is_finite() and ZERO <= value <= COST_MAX):
            yield FieldFault(f"/{name}", "out_of_range", f"from 0 to {COST_MAX}; a fraction")
    both_finite = rules.min_stop_distance.is_finite() and rules.max_stop_distance.is_finite()
    if both_finite and rules.min_stop_distance >= rules.max_stop_distance:
        yield FieldFault("/min_stop_distance", "out_of_range", "below max_stop_distance")
    sessions = rules.time_exit_sessions
    if sessions is not None and not 1 <= sessions <= TIME_EXIT_SESSIONS_MAX:
        message = f"from 1 to {TIME_EXIT_SESSIONS_MAX}"
        yield FieldFault("/time_exit_sessions", "out_of_range", message)


def rule_for(profile: ExitProfile, regime: MarketRegime) -> RegimeRule:
    """The row of a regime in a profile."""
    return RULES[profile][regime]


def _row(
    stop: tuple[str, str],
    targets: tuple[str, str, str],
    ranges: tuple[str, str, str],
    *,
    hold_sessions: int,
    risk_multiplier: str,
    cumulative: tuple[str, str, str] = ("0.25", "0.50", "1"),
) -> RegimeRule:
    return RegimeRule(
        Decimal(stop[0]),
        Decimal(stop[1]),
        tuple(map(Decimal, targets)),
        tuple(map(Decimal, ranges)),
        tuple(map(Decimal, cumulative)),
        hold_sessions,
        Decimal(risk_multiplier),
    )


_STANDARD = {
    MarketRegime.CRISIS_OPPORTUNITY: _row(
        ("0.15", "2.5"),
        ("0.20", "0.35", "0.50"),
        ("3.0", "5.0", "7.0"),
        hold_sessions=4,
        risk_multiplier="0.5",
    ),
    MarketRegime.HIGH_VOL_STRESS: _row(
        ("0.064", "1.44"),
        ("0.096", "0.20", "0.32"),
        ("1.6", "2.8", "4.4"),
        hold_sessions=3,
        risk_multiplier="0.6",
    ),
    MarketRegime.BULL_NORMAL: _row(
        ("0.08", "1.8"),
        ("0.12", "0.25", "0.40"),
        ("2.0", "3.5", "5.5"),
        hold_sessions=3,
        risk_multiplier="1.0",
    ),
    MarketRegime.LOW_VOL_COMPLACENCY: _row(
        ("0.05", "1.2"),
        ("0.08", "0.15", "0.25"),
        ("1.8", "3.0", "4.5"),
        hold_sessions=2,
        risk_multiplier="0.75",
        cumulative=("0.30", "0.60", "1"),
    ),
}
_LEGACY = _STANDARD | {
    MarketRegime.HIGH_VOL_STRESS: _row(
        ("0.12", "2.0"),
        ("0.15", "0.28", "0.45"),
        ("2.5", "4.0", "6.0"),
        hold_sessions=3,
        risk_multiplier="0.6",
    ),
}
RULES: Mapping[ExitProfile, Mapping[MarketRegime, RegimeRule]] = {
    ExitProfile.STANDARD: _STANDARD,
    ExitProfile.LEGACY: _LEGACY,
}
