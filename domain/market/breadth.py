"""Market breadth of one session: ratio, score, signal and entry filter. Missing stays missing.

Counts are of common stocks: `up4`/`down4` moved ≥ 4 % that day, `up25q` up ≥ 25 % in a quarter,
`up25m`, `up50m` in a month, `up13` up ≥ 13 % in 34 days. `t2108` is in percent, 0…100.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from domain.shared.decimals import ONE, ZERO, divide, fraction
from domain.shared.errors import FieldFault, Invalid

BREADTH_FIELDS = (
    "up4", "down4", "ratio5", "ratio10", "up25q", "down25q", "up25m", "down25m", "up50m",
    "down50m", "up13", "down13", "universe", "sp_close", "pct_above_sma40", "universe_size",
)  # fmt: skip
MOMENTUM_CAP = Decimal(50)
WEIGHTS_TOLERANCE = Decimal("0.01")
WEIGHT_LEAST = Decimal("0.30")
_HUNDRED = Decimal(100)


class BreadthSignal(StrEnum):
    """What the score says."""

    BULLISH = "bullish"
    BEARISH = "bearish"
    NEUTRAL = "neutral"


class EntryFilter(StrEnum):
    """Advice on entering; it never raises a size above a limit."""

    AVOID_ENTRY = "avoid_entry"
    BIG_OPPORTUNITY = "big_opportunity"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class _Part:
    """`value / full` limited to 1; `is_inverse`: 1 − value / full, at least 0."""

    full: Decimal
    weight: Decimal
    is_inverse: bool = False

    def of(self, value: Decimal) -> Decimal:
        share = divide(value, self.full)
        return max(ONE - share, ZERO) if self.is_inverse else min(share, ONE)


SCORE_PARTS: Mapping[str, _Part] = MappingProxyType(
    {
        "t2108": _Part(Decimal(100), Decimal("0.20")),
        "up4": _Part(Decimal(1000), Decimal("0.15")),
        "down4": _Part(Decimal(1000), Decimal("0.15"), is_inverse=True),
        "ratio5": _Part(Decimal(2), Decimal("0.15")),
        "ratio10": _Part(Decimal(2), Decimal("0.10")),
        "up25q": _Part(Decimal(2000), Decimal("0.08")),
        "down25q": _Part(Decimal(2000), Decimal("0.08"), is_inverse=True),
        "up13": _Part(Decimal(3000), Decimal("0.05")),
        "down13": _Part(Decimal(1500), Decimal("0.04"), is_inverse=True),
    }
)
DEFAULT_WEIGHTS: Mapping[str, Decimal] = MappingProxyType(
    {name: part.weight for name, part in SCORE_PARTS.items()}
)


@dataclass(frozen=True, slots=True)
class BreadthRules:
    """Weights by part, and the scores above which breadth is bullish, below which bearish."""

    weights: Mapping[str, Decimal] = field(default_factory=lambda: DEFAULT_WEIGHTS)
    bullish_above: Decimal = Decimal(70)
    bearish_below: Decimal = Decimal(30)


@dataclass(frozen=True, slots=True)
class BreadthScore:
    """`score` 0…100, null with `reason` when the present parts weigh less than 0.30.

    `parts` holds each present part as 0…1, `weight` the sum of their weights.
    """

    score: Decimal | None
    signal: BreadthSignal | None
    parts: Mapping[str, Decimal]
    weight: Decimal
    reason: str | None = None


def momentum_ratio(up4: Decimal, down4: Decimal) -> Decimal | None:
    """Stocks up ≥ 4 % / stocks down ≥ 4 %, at most 50; none down → 50, none either way → null."""
    if not down4:
        return MOMENTUM_CAP if up4 else None
    return min(MOMENTUM_CAP, fraction(divide(up4, down4)))


def summed_ratio(counts: list[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Sum of ups / sum of downs over the sessions given as (up4, down4), at most 50."""
    ups = sum((up for up, _ in counts), ZERO)
    downs = sum((down for _, down in counts), ZERO)
    return momentum_ratio(ups, downs)


def checked_weights(weights: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """The weights when they are one per part, not negative, and sum to 1 ± 0.01.

    Invalid `weights_sum` otherwise.
    """
    faults = [
        FieldFault(f"/{name}", "unknown_field", "not a part of the score")
        for name in weights
        if name not in SCORE_PARTS
    ]
    faults += [
        FieldFault(f"/{name}", "missing", "every part needs a weight")
        for name in SCORE_PARTS
        if name not in weights
    ]
    faults += [
        FieldFault(f"/{name}", "out_of_range", "0 to 1")
        for name, weight in weights.items()
        if not ZERO <= weight <= ONE
    ]
    total = sum(weights.values(), ZERO)
    if faults or abs(total - ONE) > WEIGHTS_TOLERANCE:
        raise Invalid(
            "weights_sum",
            f"The weights of the breadth score sum to 1 ± 0.01, these to {total}.",
            context={"sum": total},
            errors=tuple(faults),
        )
    return MappingProxyType(dict(weights))


def breadth_score(values: Mapping[str, Decimal], rules: BreadthRules) -> BreadthScore:
    """100·Σ weight·part / Σ weight over the parts that have a value."""
    parts = {name: part.of(values[name]) for name, part in SCORE_PARTS.items() if name in values}
    weight = sum((rules.weights[name] for name in parts), ZERO)
    shown = {name: fraction(value) for name, value in parts.items()}
    if weight < WEIGHT_LEAST:
        return BreadthScore(None, None, shown, weight, "insufficient_data")
    total = sum((rules.weights[name] * value for name, value in parts.items()), ZERO)
    score = fraction(divide(_HUNDRED * total, weight))
    return BreadthScore(score, _signal(score, rules), shown, weight)


def entry_filter(values: Mapping[str, Decimal]) -> EntryFilter | None:
    """`avoid_entry` if up4 < 150, or t2108 > 80, or down4 > up4 and up4 < 300; `big_opportunity`
    if t2108 < 20 and up4 > 1000; else neutral. None when neither up4 nor t2108 is known.
    """
    up4, down4, t2108 = values.get("up4"), values.get("down4"), values.get("t2108")
    if up4 is None and t2108 is None:
        return None
    is_thin = up4 is not None and up4 < 150
    is_hot = t2108 is not None and t2108 > 80
    is_falling = up4 is not None and down4 is not None and down4 > up4 and up4 < 300
    if is_thin or is_hot or is_falling:
        return EntryFilter.AVOID_ENTRY
    if t2108 is not None and up4 is not None and t2108 < 20 and up4 > 1000:
        return EntryFilter.BIG_OPPORTUNITY
    return EntryFilter.NEUTRAL


def _signal(score: Decimal, rules: BreadthRules) -> BreadthSignal:
    if score > rules.bullish_above:
        return BreadthSignal.BULLISH
    return BreadthSignal.BEARISH if score < rules.bearish_below else BreadthSignal.NEUTRAL
