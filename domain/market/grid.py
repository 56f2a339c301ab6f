"""Where bars begin and end: the expected stamps of an interval on a calendar.

Whole-day calendars anchor intraday bars at 00:00 UTC, weeks at Monday, months at their first day.
Session calendars anchor them at the session's open; the last bar may be short and closes with it.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from domain.market.candle import Times
from domain.market.timeframe import Timeframe
from domain.market.trading_calendar import ALWAYS_OPEN, DAY_MS, EPOCH, TradingCalendar
from domain.shared.errors import Invalid

GRID_MAX = 60_000_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Opens and closes of consecutive expected bars, epoch ms."""

    opens: Times
    closes: Times


def grid(frame: Timeframe, calendar: TradingCalendar, start_ms: int, end_ms: int) -> Grid:
    """Bars with start <= open and close <= end. Invalid `range_too_large` above 60 million bars."""
    if frame.seconds is not None and (end_ms - start_ms) // (frame.seconds * 1000) > GRID_MAX:
        raise Invalid("range_too_large", "The range holds more than 60 million bars.")
    if frame.is_intraday:
        opens, closes = _intraday(frame, calendar, start_ms, end_ms)
    elif frame.name == "1d":
        opens, closes = _days(calendar, start_ms, end_ms)
    else:
        opens, closes = _groups(frame, calendar, start_ms, end_ms)
    inside = (opens >= start_ms) & (closes <= end_ms)
    return Grid(opens[inside], closes[inside])


def _days(calendar: TradingCalendar, start_ms: int, end_ms: int) -> tuple[Times, Times]:
    first = max(int(np.searchsorted(calendar.closes_ms, start_ms)) - 1, 0)
    last = int(np.searchsorted(calendar.opens_ms, end_ms))
    return calendar.opens_ms[first:last], calendar.closes_ms[first:last]


def _intraday(
    frame: Timeframe, calendar: TradingCalendar, start_ms: int, end_ms: int
) -> tuple[Times, Times]:
    step = (frame.seconds or 0) * 1000
    if calendar.name == ALWAYS_OPEN:
        opens = np.arange(start_ms // step * step, end_ms, step, dtype=np.int64)
        return opens, opens + step
    day_opens, day_closes = _days(calendar, start_ms, end_ms)
    counts = -((day_closes - day_opens) // -step)
    within = np.arange(int(counts.sum()), dtype=np.int64)
    within -= np.repeat(np.cumsum(counts) - counts, counts)
    opens = np.repeat(day_opens, counts) + within * step
    return opens, np.minimum(opens + step, np.repeat(day_closes, counts))


def _groups(
    frame: Timeframe, calendar: TradingCalendar, start_ms: int, end_ms: int
) -> tuple[Times, Times]:
    margin = 40 * DAY_MS
    first = int(np.searchsorted(calendar.opens_ms, start_ms - margin))
    last = int(np.searchsorted(calendar.opens_ms, end_ms + margin))
    days = calendar.days[first:last]
    labels = _labels(frame, calendar, days)
    starts = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1)) if len(labels) else labels
    ends = np.append(starts[1:], len(days)) - 1 if len(starts) else starts
    opens = calendar.opens_ms[first:last][starts]
    closes = calendar.closes_ms[first:last][ends]
    return opens, closes


def _labels(frame: Timeframe, calendar: TradingCalendar, days: Times) -> NDArray[np.int64]:
    if frame.name == "1w":
        return (days + 3) // 7
    if frame.name == "1M":
        return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    if calendar.name == ALWAYS_OPEN:
        return days // 3
    raise Invalid(
        "unknown_timeframe", f"{frame.name} bars are not defined on the calendar {calendar.name}."
    )


def close_times(frame: Timeframe, calendar: TradingCalendar, opens: Times) -> Times:
    """Close of each bar: the grid's; for a time off the grid, open + length or the usual
    session."""
    if not len(opens):
        return opens
    margin = (frame.seconds or 31 * 86_400) * 1000 + 31 * DAY_MS
    bars = grid(frame, calendar, int(opens.min()), int(opens.max()) + margin)
    at = np.minimum(np.searchsorted(bars.opens, opens), max(len(bars.opens) - 1, 0))
    length = (frame.seconds or 0) * 1000
    if frame.name == "1d" and calendar.has_sessions:
        length = int(np.median(calendar.closes_ms - calendar.opens_ms))
    if not len(bars.opens):
        return opens + length
    closes: Times = np.where(bars.opens[at] == opens, bars.closes[at], opens + length)
    return closes


def session_opens(calendar: TradingCalendar, days: Times) -> Times:
    """Open of each dated session (days since 1970-01-01); a day without trading gets the hour its
    market usually opens, so that the value keeps its place in time."""
    at = np.minimum(np.searchsorted(calendar.days, days), len(calendar.days) - 1)
    opens = calendar.opens_ms[at].copy()
    for index in np.flatnonzero(calendar.days[at] != days).tolist():
        day = EPOCH + timedelta(days=int(days[index]))
        opens[index] = calendar.nominal_hours(day)[0]
    return opens
