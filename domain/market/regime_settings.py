"""What regimes and breadth are read with: one typed, versioned document."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from domain.market.breadth import DEFAULT_WEIGHTS, BreadthRules, checked_weights
from domain.market.market_regime import MarketRegime
from domain.market.vix_regime import PROFILES, RegimeProfile, SecondFactor, VixBands, VixRules
from domain.shared.errors import FieldFault, Invalid

CONFIRM_SESSIONS_MAX = 60
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class RegimeBounds:
    """Own bounds in VIX points instead of the profile's: 0 < low < bull < high."""

    low: Decimal
    bull: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class RegimeThresholds:
    """When breadth is weak or strong, and when its score is bullish or bearish."""

    weak_t2108: Decimal = SecondFactor().weak_t2108
    weak_ratio: Decimal = SecondFactor().weak_ratio
    strong_t2108: Decimal = SecondFactor().strong_t2108
    strong_ratio: Decimal = SecondFactor().strong_ratio
    bullish_above: Decimal = BreadthRules().bullish_above
    bearish_below: Decimal = BreadthRules().bearish_below


@dataclass(frozen=True, slots=True)
class RegimeSettings:
    """`bounds` null: those of the profile. `use_computed_breadth`: breadth computed from stored
    series may stand in for t2108, although it reads about 8 points higher. `profile` and
    `force_regime` are kept in the configuration, everything else beside it."""

    profile: RegimeProfile = RegimeProfile.STANDARD
    bounds: RegimeBounds | None = None
    hysteresis_points: Decimal = VixRules().hysteresis_points
    confirm_sessions: int = VixRules().confirm_sessions
    force_regime: MarketRegime | None = None
    breadth_weights: Mapping[str, Decimal] = field(
        default_factory=lambda: DEFAULT_WEIGHTS, hash=False
    )
    thresholds: RegimeThresholds = RegimeThresholds()
    use_computed_breadth: bool = False
    version: int = 1
    updated_at: datetime | None = None

    def rules(self, profile: RegimeProfile | None = None) -> VixRules:
        """Rules of classification; another profile is read with that profile's own bounds."""
        chosen = profile or self.profile
        bands = PROFILES[chosen].bands
        if self.bounds is not None and profile in (None, self.profile):
            own = self.bounds
            bands = VixBands(own.low, own.bull, own.high, bands.includes_high)
        limits = self.thresholds
        return VixRules(
            profile=chosen,
            bands=bands,
            hysteresis_points=self.hysteresis_points,
            confirm_sessions=self.confirm_sessions,
            second_factor=SecondFactor(
                limits.weak_t2108, limits.weak_ratio, limits.strong_t2108, limits.strong_ratio
            ),
            force_regime=self.force_regime,
        )

    @property
    def own(self) -> "RegimeSettings":
        """Without what the configuration keeps: `profile` and `force_regime` at their defaults."""
        return replace(self, profile=RegimeProfile.STANDARD, force_regime=None)

    @property
    def breadth_rules(self) -> BreadthRules:
        """Rules of the breadth score."""
        return BreadthRules(
            self.breadth_weights, self.thresholds.bullish_above, self.thresholds.bearish_below
        )

    def following(self, wanted: "RegimeSettings", at: datetime) -> "RegimeSettings":
        """The next version with the wanted values. Invalid `weights_sum` or
        `invalid_regime_config`."""
        checked_weights(wanted.breadth_weights)
        faults = tuple(_faults(wanted))
        if faults:
            raise Invalid(
                "invalid_regime_config", "The regime settings are not valid.", errors=faults
            )
        return replace(wanted, version=self.version + 1, updated_at=at)


def forced_regime(name: str | None) -> MarketRegime | None:
    """One of the four labels or None. Invalid `invalid_regime` for anything else."""
    if name is None:
        return None
    try:
        return MarketRegime(name)
    except ValueError:
        known = ", ".join(MarketRegime)
        fault = FieldFault("/force_regime", "unknown_regime", f"one of: {known}")
        raise Invalid("invalid_regime", f"A regime is one of: {known}.", errors=(fault,)) from None


def _faults(wanted: RegimeSettings) -> list[FieldFault]:
    bounds, limits = wanted.bounds, wanted.thresholds
    checks = {
        "/bounds": bounds is None or 0 < bounds.low < bounds.bull < bounds.high <= _HUNDRED,
        "/hysteresis_points": 0 <= wanted.hysteresis_points <= _HUNDRED,
        "/confirm_sessions": 1 <= wanted.confirm_sessions <= CONFIRM_SESSIONS_MAX,
        "/thresholds/weak_t2108": 0 <= limits.weak_t2108 <= limits.strong_t2108 <= _HUNDRED,
        "/thresholds/weak_ratio": 0 <= limits.weak_ratio <= limits.strong_ratio <= _HUNDRED,
        "/thresholds/bearish_below": 0 <= limits.bearish_below <= limits.bullish_above <= _HUNDRED,
    }
    return [
        FieldFault(pointer, "out_of_range", "outside its range or out of order")
        for pointer, holds in checks.items()
        if not holds
    ]
