"""Ratios of a series of simple returns, sampled once per period (a day, unless said otherwise).

A = periods per year: 252 for exchange sessions, 365 for round-the-clock markets. Definitions agree
with empyrical and quantstats to rounding; where a denominator is zero there is no ratio.
"""

import numpy as np
from numpy.typing import NDArray

from domain.quant.figure import Figure, known, missing

FloatArray = NDArray[np.float64]

RETURNS_MIN = 5
# Deviations below this share of the mean are what rounding leaves of a constant series.
_ROUNDING = 1e-9


def simple_returns(levels: FloatArray) -> FloatArray:
    """L_t / L_{t−1} − 1, one fewer than the levels; 0 after a level of 0. Levels are ≥ 0."""
    checked = _series(levels)
    if checked.size and checked.min() < 0.0:
        raise ValueError("levels must not be negative")
    before, after = checked[:-1], checked[1:]
    ratios = np.ones(before.shape)
    np.divide(after, before, out=ratios, where=before > 0.0)
    return ratios - 1.0


def sharpe_ratio(returns: FloatArray, periods_per_year: int, risk_free_rate: float = 0.0) -> Figure:
    """(mean(r) − rf/A) / sd(r, ddof 1) · √A (Sharpe 1994); `risk_free_rate` is per year.

    Missing: `fewer_than_5_days`, `zero_variance`.
    """
    r = _series(returns)
    if r.size < RETURNS_MIN:
        return missing("fewer_than_5_days")
    mean, deviation = float(r.mean()), float(r.std(ddof=1))
    if deviation <= _ROUNDING * abs(mean):
        return missing("zero_variance")
    excess = mean - risk_free_rate / periods_per_year
    return known(excess / deviation * np.sqrt(periods_per_year))


def sortino_ratio(returns: FloatArray, periods_per_year: int, target_rate: float = 0.0) -> Figure:
    """A·(mean(r) − τ) / √(A·mean(min(r − τ, 0)²)), the mean over all n (Sortino, van der Meer
    1991); `target_rate` is per year and τ = target_rate/A.

    Missing: `fewer_than_5_days`, `no_downside`.
    """
    r = _series(returns)
    if r.size < RETURNS_MIN:
        return missing("fewer_than_5_days")
    beyond = r - target_rate / periods_per_year
    mean = float(beyond.mean())
    downside = float(np.sqrt(np.mean(np.minimum(beyond, 0.0) ** 2)))
    if downside <= _ROUNDING * abs(mean):
        flat = not beyond.any()
        return missing("zero_variance" if flat else "no_downside")
    return known(mean / downside * np.sqrt(periods_per_year))


def growth_rate(growth: float, years: float) -> Figure:
    """CAGR: growth^(1/years) − 1, growth = last level / first level ≥ 0.

    Missing: `short_period` when no time has passed, `out_of_range`.
    """
    if years <= 0.0:
        return missing("short_period")
    if growth <= 0.0:
        return known(-1.0)
    log_rate = float(np.log(growth)) / years
    return missing("out_of_range") if log_rate > 100.0 else known(float(np.expm1(log_rate)))


def calmar_ratio(annual_growth: Figure, drawdown_max: float) -> Figure:
    """CAGR / |max drawdown| over the whole sample (Young 1991 used 36 months).

    Missing: the reason of the growth rate, else `no_drawdown`.
    """
    if annual_growth.value is None:
        return annual_growth
    if drawdown_max == 0.0:
        return missing("no_drawdown")
    return known(annual_growth.value / abs(drawdown_max))


def drawdown(levels: FloatArray) -> FloatArray:
    """Positive fraction below the running peak; 0 at a new high. Levels are ≥ 0, the first > 0."""
    checked = _series(levels)
    if checked.size and (checked[0] <= 0.0 or checked.min() < 0.0):
        raise ValueError("levels must start above zero and never be negative")
    return 1.0 - checked / np.maximum.accumulate(checked)


def _series(values: FloatArray) -> FloatArray:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError("a series is one-dimensional and finite")
    return array
