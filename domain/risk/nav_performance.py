"""What a daily NAV says: return, drawdown and its durations, Sharpe, Sortino, growth, Calmar.

One module for the performance answer, the report and the simulation, so that they cannot differ.
All figures are fractions; days are calendar days between session dates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from domain.quant.figure import Figure, missing
from domain.quant.return_ratios import (
    calmar_ratio,
    growth_rate,
    sharpe_ratio,
    simple_returns,
    sortino_ratio,
)
from domain.risk.nav import UnitNav
from domain.shared.decimals import ONE, ZERO, fraction

SESSIONS_FOR_GROWTH_MIN = 20
DAYS_PER_YEAR = 365
ROUND_THE_CLOCK = 365
EXCHANGE_SESSIONS = 252


def periods_per_year(calendar: str) -> int:
    """365 daily returns a year for 24/7 accounts, 252 for accounts that follow sessions."""
    return ROUND_THE_CLOCK if calendar == "24/7" else EXCHANGE_SESSIONS


@dataclass(frozen=True, slots=True)
class DailyNav:
    """NAV at the close of a session; stale when a holding had no new mark in it."""

    day: date
    nav: Decimal
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class NavHistory:
    """NAV 1 at `opened_on`, one value per closed session since then in order, and the one now.

    Several values of one day count as its last.
    """

    opened_on: date
    days: Sequence[DailyNav]
    current: UnitNav
    today: date


@dataclass(frozen=True, slots=True)
class NavPerformance:
    """Figures of a NAV; a null one has its reason under the field's name.

    `drawdown_days` is the longest time below a peak, a running one counted up to today;
    `recovery_days` the time from the deepest trough back to its peak.
    """

    total_return: Decimal
    current_drawdown: Decimal
    max_drawdown: Decimal
    drawdown_days: int
    recovery_days: int | None
    sharpe_ratio: Decimal | None
    sortino_ratio: Decimal | None
    annualized_return: Decimal | None
    calmar_ratio: Decimal | None
    stale_days: int
    daily_returns: int
    reasons: dict[str, str]


def nav_performance(
    history: NavHistory, periods_per_year: int, risk_free_rate: Decimal = ZERO
) -> NavPerformance:
    """Ratios from closed sessions; return and drawdown up to now; `risk_free_rate` per year."""
    days = _last_of_each_day(history.days)
    levels = np.array([1.0, *(float(d.nav) for d in days)])
    returns, rf = simple_returns(levels), float(risk_free_rate)
    growth = _growth(history.opened_on, days)
    figures = {
        "sharpe_ratio": sharpe_ratio(returns, periods_per_year, rf),
        "sortino_ratio": sortino_ratio(returns, periods_per_year, rf),
        "annualized_return": growth,
        "calmar_ratio": calmar_ratio(growth, float(history.current.max_drawdown)),
    }
    reasons = {name: figure.reason for name, figure in figures.items() if figure.reason}
    longest, recovery, unrecovered = _durations(history, days)
    if unrecovered:
        reasons["recovery_days"] = unrecovered
    return NavPerformance(
        total_return=fraction(history.current.nav - ONE),
        current_drawdown=fraction(history.current.drawdown),
        max_drawdown=fraction(history.current.max_drawdown),
        drawdown_days=longest,
        recovery_days=recovery,
        **{name: figure.to_decimal() for name, figure in figures.items()},
        stale_days=sum(day.is_stale for day in days),
        daily_returns=returns.size,
        reasons=reasons,
    )


def _last_of_each_day(days: Sequence[DailyNav]) -> list[DailyNav]:
    return list({day.day: day for day in days}.values())


def _growth(opened_on: date, days: Sequence[DailyNav]) -> Figure:
    if len(days) < SESSIONS_FOR_GROWTH_MIN:
        return missing("fewer_than_20_sessions")
    elapsed = (days[-1].day - opened_on).days
    return growth_rate(float(days[-1].nav), elapsed / DAYS_PER_YEAR)


def _durations(history: NavHistory, days: Sequence[DailyNav]) -> tuple[int, int | None, str | None]:
    """Longest time below a peak, trough to recovery of the deepest, and why that is null."""
    path = [(history.opened_on, ONE), *((d.day, d.nav) for d in days)]
    path.append((max(history.today, path[-1][0]), history.current.nav))
    peak_day, peak = path[0]
    longest, deepest, trough_day = 0, ZERO, path[0][0]
    recovery: int | None = None
    is_below = False
    for day, nav in path:
        if nav < peak or is_below:
            longest = max(longest, (day - peak_day).days)
        if nav >= peak:
            if is_below and recovery is None:
                recovery = (day - trough_day).days
            is_below, peak_day, peak = False, day, nav
        else:
            is_below, depth = True, ONE - nav / peak
            if depth > deepest:
                deepest, trough_day, recovery = depth, day, None
    if deepest:
        return longest, recovery, None if recovery is not None else "not_recovered"
    within_one_session = history.current.max_drawdown > 0
    return longest, *((0, None) if within_one_session else (None, "no_drawdown"))
