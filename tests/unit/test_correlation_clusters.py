"""Clusters of what moves together, and honesty about short history."""

from datetime import date, timedelta

import numpy as np
import pytest

from domain.risk.correlation_clusters import cluster_of, correlation

DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(80)]


def closes(moves, days=DAYS):
    return dict(zip(days, 100 * np.cumprod(1 + np.asarray(moves)), strict=True))


RANDOM = np.random.default_rng(7)
MARKET = RANDOM.normal(0, 0.01, 80)
OWN = RANDOM.normal(0, 0.01, (3, 80))
BOOK = {
    "A": closes(MARKET + 0.1 * OWN[0]),
    "B": closes(MARKET + 0.1 * OWN[1]),
    "HEDGE": closes(-MARKET + 0.1 * OWN[2]),
    "ALONE": closes(OWN[0]),
}


def test_what_moves_together_is_one_cluster_and_a_hedge_never_joins():
    assert cluster_of("A", ["B", "HEDGE", "ALONE"], BOOK) == (frozenset("AB"), True)
    assert cluster_of("HEDGE", ["A", "B"], BOOK) == (frozenset({"HEDGE"}), True)


def test_correlation_is_that_of_the_newest_sixty_common_returns():
    left, right = BOOK["A"], BOOK["ALONE"]
    days = DAYS[-61:]
    returns = [
        np.diff([c[d] for d in days]) / np.array([c[d] for d in days[:-1]]) for c in (left, right)
    ]
    assert correlation(left, right) == pytest.approx(np.corrcoef(*returns)[0, 1])


def test_thirty_common_returns_are_needed():
    short = {day: BOOK["A"][day] for day in DAYS[-31:]}
    too_short = {day: BOOK["A"][day] for day in DAYS[-30:]}
    assert correlation(short, BOOK["B"]) is not None
    assert correlation(too_short, BOOK["B"]) is None


def test_short_history_stands_alone_and_is_not_known():
    book = {**BOOK, "NEW": dict.fromkeys(DAYS[:5], 1.0)}
    assert cluster_of("NEW", ["A", "B"], book) == (frozenset({"NEW"}), False)
    assert cluster_of("A", ["B", "NEW"], book) == (frozenset("AB"), False)


def test_with_nobody_to_compare_with_there_is_nothing_unknown():
    assert cluster_of("NEW", [], {}) == (frozenset({"NEW"}), True)
    assert cluster_of("NEW", ["NEW"], {}) == (frozenset({"NEW"}), True)


def test_a_price_that_never_moved_has_no_correlation():
    assert correlation(closes(np.zeros(80)), BOOK["A"]) is None
