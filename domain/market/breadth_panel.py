"""Breadth computed from daily closes: the share of symbols above their 40-day average.

A stand-in for t2108: on a small universe it reads several points higher, so every value carries
the number of symbols it was computed from.
"""

import numpy as np
from numpy.typing import NDArray

AVERAGE_SESSIONS = 40
SYMBOLS_LEAST = 10

ClosesByDayAndSymbol = NDArray[np.float64]


def pct_above_sma40(
    closes: ClosesByDayAndSymbol,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """100 · #{close > mean of its last 40 closes} / #{symbols with 40 closes}, and that count.

    Rows are sessions, columns symbols, NaN where a symbol has no close. A symbol counts on a day
    when that day and the 39 sessions before have a close. NaN under 10 symbols.
    """
    days, symbols = closes.shape
    share = np.full(days, np.nan)
    counted = np.zeros(days, dtype=np.int64)
    if days < AVERAGE_SESSIONS or not symbols:
        return share, counted
    windows = np.lib.stride_tricks.sliding_window_view(closes, AVERAGE_SESSIONS, axis=0)
    averages = windows.mean(axis=-1)
    known = np.isfinite(averages)
    above = known & (closes[AVERAGE_SESSIONS - 1 :] > averages)
    counted[AVERAGE_SESSIONS - 1 :] = known.sum(axis=1)
    enough = counted >= SYMBOLS_LEAST
    above_count = np.zeros(days, dtype=np.int64)
    above_count[AVERAGE_SESSIONS - 1 :] = above.sum(axis=1)
    share[enough] = 100.0 * above_count[enough] / counted[enough]
    return share, counted
