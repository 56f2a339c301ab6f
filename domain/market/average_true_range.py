"""Wilder's average true range: how far one share moves in a bar, gaps included."""

import numpy as np
from numpy.typing import NDArray

ATR_BARS = 14


def average_true_range(
    high: NDArray[np.float64], low: NDArray[np.float64], close: NDArray[np.float64]
) -> float | None:
    """ATR(14) of bars in time order, in price units.

    TR = max(high − low, |high − previous close|, |low − previous close|); the first average is the
    mean of 14 of them, then ATR = (13·ATR + TR)/14. Null below 15 bars with all three prices, or
    when nothing ever moved.
    """
    known = np.isfinite(high) & np.isfinite(low) & np.isfinite(close)
    high, low, close = high[known], low[known], close[known]
    if len(close) <= ATR_BARS:
        return None
    before = close[:-1]
    ranges = np.maximum.reduce(
        (high[1:] - low[1:], np.abs(high[1:] - before), np.abs(low[1:] - before))
    )
    average = float(ranges[:ATR_BARS].mean())
    for true_range in ranges[ATR_BARS:]:
        average += (float(true_range) - average) / ATR_BARS
    return average or None
