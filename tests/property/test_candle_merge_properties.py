"""Pages of candles in any order and overlap give one series; ranges stay sorted and disjoint."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.market.candle import content_hash, empty_candles
from domain.market.merging import OnConflict, difference, merge_candles, union
from tests.support.market import hourly

SERIES = hourly(40)
pages = st.lists(st.tuples(st.integers(0, 39), st.integers(1, 40)), min_size=1, max_size=8)
ranges = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), max_size=8)


@given(pages)
def test_the_order_and_overlap_of_pages_never_matters(cuts):
    wanted = np.zeros(40, dtype=bool)
    merged = empty_candles()
    for start, length in cuts:
        wanted[start : start + length] = True
        merged = merge_candles(merged, SERIES[start : start + length], OnConflict.REPLACE).rows
    assert content_hash(merged) == content_hash(SERIES[wanted])


@given(pages)
def test_merging_the_same_rows_again_changes_nothing(cuts):
    stored = SERIES[::2].copy()
    for start, length in cuts:
        page = SERIES[start : start + length]
        once = merge_candles(stored, page, OnConflict.REPLACE)
        twice = merge_candles(once.rows, page, OnConflict.REPLACE)
        assert (twice.inserted, len(twice.replaced), twice.unchanged) == (0, 0, len(page))
        assert content_hash(twice.rows) == content_hash(once.rows)


@given(st.sets(st.integers(0, 39), min_size=1))
def test_differing_rows_are_paired_old_with_new_and_flagged_only_when_they_replace(changed):
    at = sorted(changed)
    incoming = SERIES.copy()
    incoming["high"][at] += 1
    kept = merge_candles(SERIES, incoming, OnConflict.KEEP)
    assert content_hash(kept.rows) == content_hash(SERIES)
    taken = merge_candles(SERIES, incoming, OnConflict.REPLACE)
    assert taken.replaced["open_time"].tolist() == SERIES["open_time"][at].tolist()
    assert (taken.replacing["high"] - taken.replaced["high"] == 1).all()
    assert np.flatnonzero(taken.rows["flags"] & 2).tolist() == at


def points(items):
    return {x for start, end in items for x in range(start, end)}


@given(ranges, ranges)
def test_union_and_difference_keep_ranges_sorted_disjoint_and_exact(left, right):
    joined, rest = union(left + right), difference(left, right)
    assert points(joined) == points(left) | points(right)
    assert points(rest) == points(left) - points(right)
    for result in (joined, rest):
        assert all(start < end for start, end in result)
        assert all(a[1] < b[0] for a, b in pairwise(result))
