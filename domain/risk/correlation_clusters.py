"""Which positions lose together: average linkage on the correlation of their daily returns.

Distance `√(0.5 · (1 − ρ))`, cut where the average distance exceeds that of ρ = 0.7. Fewer than 30
common returns are no correlation at all: such an instrument stands alone.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

RETURNS_USED = 60
RETURNS_NEEDED = 30
SAME_CLUSTER_FROM = 0.7
_CUT = float(np.sqrt(0.5 * (1.0 - SAME_CLUSTER_FROM)))

DailyCloses = Mapping[date, float]


def correlation(left: DailyCloses, right: DailyCloses) -> float | None:
    """Pearson correlation of the newest 60 simple returns between common days.

    Null with fewer than 30 of them, or when one of the two never moved.
    """
    days = sorted(left.keys() & right.keys())[-(RETURNS_USED + 1) :]
    if len(days) <= RETURNS_NEEDED:
        return None
    moves = [_returns([closes[day] for day in days]) for closes in (left, right)]
    if any(float(np.std(move)) == 0.0 for move in moves):
        return None
    return float(np.corrcoef(moves[0], moves[1])[0, 1])


def cluster_of(
    name: str, others: Sequence[str], closes: Mapping[str, DailyCloses]
) -> tuple[frozenset[str], bool]:
    """The names that move with `name`, itself included, and whether its history decided that.

    With nobody else to compare with there is nothing to know, so the answer counts as known.
    """
    long_enough = {n for n in {name, *others} if len(closes.get(n, ())) > RETURNS_NEEDED}
    strangers = set(others) - {name}
    if name not in long_enough:
        return frozenset((name,)), not strangers
    known: dict[frozenset[str], float] = {}
    for left, right in combinations(sorted(long_enough), 2):
        rho = correlation(closes[left], closes[right])
        if rho is not None:
            known[frozenset((left, right))] = float(np.sqrt(0.5 * (1.0 - min(1.0, rho))))
    is_known = all(frozenset((name, other)) in known for other in strangers)
    clusters = _linked([frozenset((each,)) for each in sorted(long_enough)], known)
    return next(cluster for cluster in clusters if name in cluster), is_known


def _linked(
    clusters: list[frozenset[str]], distances: Mapping[frozenset[str], float]
) -> list[frozenset[str]]:
    while len(clusters) > 1:
        pairs = [
            (_average(left, right, distances), left, right)
            for left, right in combinations(clusters, 2)
        ]
        nearest, left, right = min(pairs, key=lambda pair: pair[0])
        if nearest > _CUT + 1e-12:
            break
        clusters = [c for c in clusters if c not in (left, right)] + [left | right]
    return clusters


def _average(
    left: frozenset[str], right: frozenset[str], distances: Mapping[frozenset[str], float]
) -> float:
    """Mean distance; a pair without a correlation counts as unrelated."""
    unrelated = float(np.sqrt(0.5))
    spans = [distances.get(frozenset((a, b)), unrelated) for a in left for b in right]
    return sum(spans) / len(spans)


def _returns(closes: Sequence[float]) -> NDArray[np.float64]:
    levels = np.asarray(closes, dtype=np.float64)
    return levels[1:] / levels[:-1] - 1.0
