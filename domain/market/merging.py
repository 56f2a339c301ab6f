"""Upsert of candles on their open time, and the algebra of fetched ranges.

Merging is idempotent: the same pages in any order or overlap give the same series.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from domain.market.candle import Candles, Flag, same_values

Range = tuple[int, int]


class OnConflict(StrEnum):
    """What a different row for a stored time does: refuse all, keep the stored, take the new."""

    REJECT = "reject"
    KEEP = "keep"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Merged:
    """The series after the merge; `replaced` and `replacing` are the differing pairs, in order."""

    rows: Candles
    inserted: int
    unchanged: int
    replaced: Candles
    replacing: Candles


def merge_candles(stored: Candles, incoming: Candles, on_conflict: OnConflict) -> Merged:
    """Merge sorted unique rows. Under `reject` and `keep` the stored row stays; the caller refuses.

    A replacing row carries flag 2 (revised).
    """
    position = np.searchsorted(stored["open_time"], incoming["open_time"])
    known = np.zeros(len(incoming), dtype=np.bool_)
    within = position < len(stored)
    known[within] = stored["open_time"][position[within]] == incoming["open_time"][within]
    differing = known.copy()
    differing[known] = ~same_values(stored[position[known]], incoming[known])
    replaced = stored[position[differing]].copy()
    replacing = incoming[differing].copy()
    replacing["flags"] |= Flag.REVISED
    merged = stored.copy()
    if on_conflict is OnConflict.REPLACE:
        merged[position[differing]] = replacing
    fresh = incoming[~known]
    if len(fresh):
        is_later = not len(stored) or fresh["open_time"][0] > stored["open_time"][-1]
        merged = np.concatenate([merged, fresh])
        if not is_later:
            merged = merged[np.argsort(merged["open_time"], kind="stable")]
    unchanged = int(known.sum() - differing.sum())
    return Merged(merged, len(fresh), unchanged, replaced, replacing)


def union(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Sorted, disjoint half-open ranges that cover exactly the given ones; touching ranges join."""
    joined: list[Range] = []
    for start, end in sorted(item for item in ranges if item[0] < item[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def difference(ranges: Iterable[Range], taken: Iterable[Range]) -> tuple[Range, ...]:
    """The parts of `ranges` that `taken` does not cover."""
    left = list(union(ranges))
    for start, end in union(taken):
        parts: list[Range] = []
        for a, b in left:
            if end <= a or b <= start:
                parts.append((a, b))
                continue
            parts.extend(part for part in ((a, start), (end, b)) if part[0] < part[1])
        left = parts
    return tuple(left)
