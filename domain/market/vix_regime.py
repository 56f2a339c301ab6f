"""The four VIX regimes: a stateless band, hysteresis over sessions, and breadth as second factor.

One table of profiles and one function; every reader of a regime asks here. VIX is the 30-day index
in points, `t2108` a percentage 0…100, `momentum_ratio` stocks up ≥ 4 % over stocks down ≥ 4 %.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.market.market_regime import MarketRegime
from domain.shared.decimals import ZERO, divide, fraction

CALMEST_FIRST = tuple(MarketRegime)
STRESS_LEVELS = {regime: level for level, regime in enumerate(CALMEST_FIRST)}

_CONFIDENCE_LEAST = Decimal("0.30")
_CONFIDENCE_MOST = Decimal("0.95")
_CONFIDENCE_AT_BOUND = Decimal("0.50")
_DISTANCE_WEIGHT = Decimal("0.35")
_DISTANCE_FULL_POINTS = Decimal(5)
_AGREEMENT = Decimal("0.10")
_PER_MISSING = Decimal("0.05")
_BREADTH_HALF = Decimal(50)
_RATIO_EVEN = Decimal(1)


class RegimeProfile(StrEnum):
    """Named sets of bounds."""

    STANDARD = "standard"
    LEGACY = "legacy"


class ShiftedBy(StrEnum):
    """What moved the regime away from the one VIX alone gives."""

    WEAK_BREADTH = "weak_breadth"
    STRONG_BREADTH = "strong_breadth"


@dataclass(frozen=True, slots=True)
class VixBands:
    """Bounds in VIX points: low [0, low), bull [low, bull), high from bull to `high`, crisis above.

    `includes_high`: a VIX of exactly `high` is still high. The low band is tested first.
    """

    low: Decimal
    bull: Decimal
    high: Decimal
    includes_high: bool

    def band(self, vix: Decimal) -> MarketRegime:
        """The band a VIX lies in."""
        if vix < self.low:
            return MarketRegime.LOW_VOL_COMPLACENCY
        if vix < self.bull:
            return MarketRegime.BULL_NORMAL
        if vix < self.high or (self.includes_high and vix == self.high):
            return MarketRegime.HIGH_VOL_STRESS
        return MarketRegime.CRISIS_OPPORTUNITY

    def upper(self, regime: MarketRegime) -> Decimal | None:
        """Upper bound of a band; None for crisis."""
        return (self.low, self.bull, self.high, None)[STRESS_LEVELS[regime]]

    def distance(self, vix: Decimal) -> Decimal:
        """Points to the nearest bound."""
        return min(abs(vix - bound) for bound in (self.low, self.bull, self.high))


@dataclass(frozen=True, slots=True)
class VixProfile:
    """Bands, and below which VIX strong breadth calms a regime (None: at any VIX)."""

    bands: VixBands
    high_to_bull_below: Decimal | None
    bull_to_low_below: Decimal


PROFILES: dict[RegimeProfile, VixProfile] = {
    RegimeProfile.STANDARD: VixProfile(
        VixBands(Decimal(12), Decimal(20), Decimal(35), includes_high=True),
        high_to_bull_below=Decimal(25),
        bull_to_low_below=Decimal(15),
    ),
    RegimeProfile.LEGACY: VixProfile(
        VixBands(Decimal(15), Decimal(30), Decimal(50), includes_high=False),
        high_to_bull_below=None,
        bull_to_low_below=Decimal(20),
    ),
}


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Breadth is weak below both weak bounds and strong above both strong ones."""

    weak_t2108: Decimal = Decimal(20)
    weak_ratio: Decimal = Decimal("0.8")
    strong_t2108: Decimal = Decimal(60)
    strong_ratio: Decimal = Decimal("2.0")


@dataclass(frozen=True, slots=True)
class VixRules:
    """Everything a classification depends on beside its numbers."""

    profile: RegimeProfile = RegimeProfile.STANDARD
    bands: VixBands = PROFILES[RegimeProfile.STANDARD].bands
    hysteresis_points: Decimal = Decimal("1.5")
    confirm_sessions: int = 5
    second_factor: SecondFactor = SecondFactor()
    force_regime: MarketRegime | None = None


@dataclass(frozen=True, slots=True)
class VixInputs:
    """One session's numbers, or those of a request."""

    vix: Decimal
    t2108: Decimal | None = None
    momentum_ratio: Decimal | None = None


@dataclass(frozen=True, slots=True)
class HeldRegime:
    """What hysteresis remembers: the primary regime, and how many sessions in a row VIX has been
    in a calmer band."""

    regime: MarketRegime
    sessions_below: int = 0


@dataclass(frozen=True, slots=True)
class VixLabel:
    """`band` from VIX alone, `primary` after hysteresis, `regime` after breadth or by force."""

    band: MarketRegime
    primary: MarketRegime
    regime: MarketRegime
    shifted_by: ShiftedBy | None
    confidence: Decimal
    sessions_below: int = 0
    is_forced: bool = False

    @property
    def held(self) -> HeldRegime:
        """What the next session's hysteresis needs."""
        return HeldRegime(self.primary, self.sessions_below)


def classify(inputs: VixInputs, rules: VixRules, before: HeldRegime | None = None) -> VixLabel:
    """Label of one session after `before`; without it, as for a request, the band is primary.

    Confidence = 0.50 + 0.35·min(1, d/5) ± 0.10 − 0.05 per missing optional input, within
    0.30…0.95; d = VIX points to the nearest bound, ± whether breadth agrees with the primary
    regime. A forced regime has confidence 1.
    """
    band = rules.bands.band(inputs.vix)
    held = next_held(before, inputs.vix, rules)
    shifted_by = _breadth(inputs, rules.second_factor)
    regime = _shifted(held.regime, inputs.vix, shifted_by, PROFILES[rules.profile])
    if rules.force_regime is not None:
        return VixLabel(
            band, held.regime, rules.force_regime, None, Decimal(1), held.sessions_below, True
        )
    return VixLabel(
        band,
        held.regime,
        regime,
        shifted_by if regime is not held.regime else None,
        _confidence(inputs, held.regime, rules.bands),
        held.sessions_below,
    )


def next_held(before: HeldRegime | None, vix: Decimal, rules: VixRules) -> HeldRegime:
    """A higher band takes effect at once. A calmer one does when VIX ≤ its upper bound −
    `hysteresis_points` (the calmest such band), or after `confirm_sessions` sessions in a row below
    the held band: then the band of that session.
    """
    band = rules.bands.band(vix)
    if before is None or STRESS_LEVELS[band] >= STRESS_LEVELS[before.regime]:
        return HeldRegime(band)
    for calmer in CALMEST_FIRST[STRESS_LEVELS[band] : STRESS_LEVELS[before.regime]]:
        upper = rules.bands.upper(calmer)
        if upper is not None and vix <= upper - rules.hysteresis_points:
            return _settled(calmer, band)
    below = before.sessions_below + 1
    return HeldRegime(band) if below >= rules.confirm_sessions else HeldRegime(before.regime, below)


def _settled(regime: MarketRegime, band: MarketRegime) -> HeldRegime:
    return HeldRegime(regime, 1 if STRESS_LEVELS[band] < STRESS_LEVELS[regime] else 0)


def _breadth(inputs: VixInputs, bounds: SecondFactor) -> ShiftedBy | None:
    t2108, ratio = inputs.t2108, inputs.momentum_ratio
    if t2108 is None or ratio is None:
        return None
    if t2108 < bounds.weak_t2108 and ratio < bounds.weak_ratio:
        return ShiftedBy.WEAK_BREADTH
    if t2108 > bounds.strong_t2108 and ratio > bounds.strong_ratio:
        return ShiftedBy.STRONG_BREADTH
    return None


def _shifted(
    primary: MarketRegime, vix: Decimal, breadth: ShiftedBy | None, profile: VixProfile
) -> MarketRegime:
    low, bull, high, _ = CALMEST_FIRST
    if breadth is ShiftedBy.WEAK_BREADTH:
        return {low: bull, bull: high}.get(primary, primary)
    if breadth is ShiftedBy.STRONG_BREADTH:
        limit = profile.high_to_bull_below
        if primary is high and (limit is None or vix < limit):
            return bull
        if primary is bull and vix < profile.bull_to_low_below:
            return low
    return primary


def _confidence(inputs: VixInputs, primary: MarketRegime, bands: VixBands) -> Decimal:
    nearness = min(Decimal(1), divide(bands.distance(inputs.vix), _DISTANCE_FULL_POINTS))
    missing = sum(value is None for value in (inputs.t2108, inputs.momentum_ratio))
    confidence = (
        _CONFIDENCE_AT_BOUND
        + _DISTANCE_WEIGHT * nearness
        + _AGREEMENT * _agreement(inputs, primary)
        - _PER_MISSING * missing
    )
    return fraction(max(_CONFIDENCE_LEAST, min(_CONFIDENCE_MOST, confidence)))


def _agreement(inputs: VixInputs, primary: MarketRegime) -> Decimal:
    """+1 when both breadth numbers point the way of the regime, −1 when both point the other."""
    if inputs.t2108 is None or inputs.momentum_ratio is None:
        return ZERO
    is_broad = inputs.t2108 >= _BREADTH_HALF
    if is_broad != (inputs.momentum_ratio >= _RATIO_EVEN):
        return ZERO
    is_calm = STRESS_LEVELS[primary] <= STRESS_LEVELS[MarketRegime.BULL_NORMAL]
    return Decimal(1) if is_broad is is_calm else Decimal(-1)
