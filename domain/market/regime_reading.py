"""One result type for every regime, and what a history of labels says: changes, segments,
transitions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from domain.shared.decimals import divide, fraction

MARKET_SCOPE = "market"
TRANSITIONS_LEAST = 20
SESSIONS_PER_YEAR = 252


class Taxonomy(StrEnum):
    """Families of labels that are read from stored state."""

    VIX_REGIME = "vix_regime"


class ReadingStatus(StrEnum):
    """Whether a reading may be acted on."""

    OK = "ok"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class RegimeReading:
    """A label with everything it was read from.

    `since` is the first session of the label, `duration_bars` the sessions it has lasted.
    `strength` and `mapped_from` are null where a taxonomy measures none and was not mapped.
    """

    taxonomy: Taxonomy
    scope: str
    label: str
    stress_level: int
    as_of: date
    since: date
    duration_bars: int
    previous_label: str | None
    confidence: Decimal | None
    inputs: Mapping[str, Decimal] = field(hash=False)
    profile: str
    source: str
    status: ReadingStatus = ReadingStatus.OK
    reason: str | None = None
    shifted_by: str | None = None
    n: int = 1
    n_required: int = 1
    scores: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    strength: Decimal | None = None
    mapped_from: str | None = None

    def stale(self, age_sessions: int) -> "RegimeReading":
        """The same reading, marked as too old to act on."""
        reason = f"The newest row is {age_sessions} sessions old."
        return replace(self, status=ReadingStatus.STALE, reason=reason)


@dataclass(frozen=True, slots=True)
class LabelledSession:
    """One session's label."""

    session: date
    label: str


@dataclass(frozen=True, slots=True)
class Segment:
    """An unbroken run of one label. `total_return`, `volatility` (a year) and `max_drawdown` are
    fractions of a price's daily closes, null where a close is missing."""

    label: str
    start: date
    end: date
    bars: int
    total_return: Decimal | None = None
    volatility: Decimal | None = None
    max_drawdown: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Transitions:
    """How often one label followed another, and how probable each is.

    Probabilities of a label are null with fewer than 20 transitions out of it.
    """

    n: int
    counts: Mapping[str, Mapping[str, int]] = field(hash=False)
    probabilities: Mapping[str, Mapping[str, Decimal] | None] = field(hash=False)


def segments(stretch: Sequence[LabelledSession]) -> list[Segment]:
    """Runs of equal labels in an unbroken stretch, ascending, without figures of a price."""
    result = []
    for label, run in groupby(stretch, key=lambda item: item.label):
        sessions = [item.session for item in run]
        result.append(Segment(label, sessions[0], sessions[-1], len(sessions)))
    return result


def transitions(stretches: Sequence[Sequence[LabelledSession]]) -> Transitions:
    """Counts over consecutive segments; nothing is counted across two stretches."""
    pairs = Counter(
        (a.label, b.label) for stretch in stretches for a, b in pairwise(segments(stretch))
    )
    counts: dict[str, dict[str, int]] = {}
    for (origin, following), times in sorted(pairs.items()):
        counts.setdefault(origin, {})[following] = times
    return Transitions(
        sum(pairs.values()), counts, {label: _shares(row) for label, row in counts.items()}
    )


def _shares(counts: Mapping[str, int]) -> Mapping[str, Decimal] | None:
    total = sum(counts.values())
    if total < TRANSITIONS_LEAST:
        return None
    return {
        label: fraction(divide(Decimal(times), Decimal(total))) for label, times in counts.items()
    }


@dataclass(frozen=True, slots=True)
class PricePath:
    """Daily closes by session, ascending: days since 1970-01-01, and float64 prices > 0."""

    days: NDArray[np.int64]
    closes: NDArray[np.float64]

    def measured(self, segment: Segment, previous_session: date | None) -> Segment:
        """The segment with its figures; returns count from the close before its first session.

        The figures stay null when any of its closes, or the one before, is not there.
        """
        if previous_session is None:
            return segment
        first = int(np.searchsorted(self.days, _number(previous_session)))
        last = int(np.searchsorted(self.days, _number(segment.end), side="right"))
        days, closes = self.days[first:last], self.closes[first:last]
        expected = segment.bars + 1
        if len(days) != expected or int(days[0]) != _number(previous_session):
            return segment
        steps = np.diff(np.log(closes))
        fall = 1.0 - closes / np.maximum.accumulate(closes)
        spread = float(np.std(steps, ddof=1)) * SESSIONS_PER_YEAR**0.5 if len(steps) > 1 else None
        return Segment(
            segment.label,
            segment.start,
            segment.end,
            segment.bars,
            _decimal(float(closes[-1] / closes[0]) - 1.0),
            None if spread is None else _decimal(spread),
            _decimal(float(fall.max())),
        )


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _decimal(value: float) -> Decimal:
    return fraction(Decimal(repr(value)))
