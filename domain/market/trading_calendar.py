"""When a market trades: pure functions of a table of sessions, or of whole UTC days.

A trading day is a session of the instrument's calendar; an early close is a trading day. `24/7` and
`24/5` need no table: every UTC day, and every UTC day from Monday to Friday.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.market.candle import Mask, Times, from_ms, to_ms
from domain.shared.errors import Invalid, Unavailable

ALWAYS_OPEN = "24/7"
WEEKDAYS = "24/5"
DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1)

SESSION_DTYPE = np.dtype(
    [("session", "<i8"), ("open_ms", "<i8"), ("close_ms", "<i8"), ("early", "<i8")]
)
_NEW_YORK = ZoneInfo("America/New_York")
_EXTENDED_HOURS = frozenset({"XNYS", "XNAS"})
_PRE_OPENS = time(4, 0)
_POST_LASTS = timedelta(hours=4)


class MarketPhase(StrEnum):
    """Part of the trading day."""

    PRE = "PRE"
    REGULAR = "REGULAR"
    POST = "POST"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day: opens_at <= trading < closes_at."""

    day: date
    opens_at: datetime
    closes_at: datetime
    is_early_close: bool


@dataclass(frozen=True)
class TradingCalendar:
    """Sessions in ascending order: `days` since 1970-01-01, opens and closes in epoch ms, early
    flags.

    Questions outside `[first_day, last_day]` of a table raise Unavailable `calendar_range`.
    """

    name: str
    days: Times
    opens_ms: Times
    closes_ms: Times
    early: Mask

    @classmethod
    def from_table(cls, name: str, table: NDArray[np.void]) -> "TradingCalendar":
        """Calendar of a `SESSION_DTYPE` table."""
        return cls(
            name, table["session"], table["open_ms"], table["close_ms"], table["early"].astype(bool)
        )

    @classmethod
    def always_open(cls) -> "TradingCalendar":
        """`24/7`: UTC days from 1970 to 2199."""
        return cls._of_days(ALWAYS_OPEN, np.arange(84_000, dtype=np.int64))

    @classmethod
    def weekdays(cls) -> "TradingCalendar":
        """`24/5`: UTC days from Monday to Friday, from 1970 to 2199."""
        days = np.arange(84_000, dtype=np.int64)
        return cls._of_days(WEEKDAYS, days[(days + 3) % 7 < 5])

    @classmethod
    def _of_days(cls, name: str, days: Times) -> "TradingCalendar":
        opens = days * DAY_MS
        return cls(name, days, opens, opens + DAY_MS, np.zeros(len(days), dtype=np.bool_))

    @property
    def has_sessions(self) -> bool:
        """False for the calendars of whole UTC days."""
        return self.name not in (ALWAYS_OPEN, WEEKDAYS)

    @cached_property
    def first_day(self) -> date:
        """First day the table answers for."""
        return _as_date(self.days[0])

    @cached_property
    def last_day(self) -> date:
        """Last day the table answers for."""
        return _as_date(self.days[-1])

    def is_session(self, day: date) -> bool:
        """True on a trading day."""
        index = self._index_at_or_after(day)
        return index < len(self.days) and int(self.days[index]) == _day_number(day)

    def session(self, day: date) -> Session:
        """The session of a trading day. Invalid `not_a_trading_day` on any other day."""
        if not self.is_session(day):
            raise Invalid("not_a_trading_day", f"{day} is not a session of {self.name}.")
        return self._session(self._index_at_or_after(day))

    def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Sessions with start <= day < end; days outside the table hold none."""
        first = int(np.searchsorted(self.days, _day_number(start)))
        last = int(np.searchsorted(self.days, _day_number(end)))
        return tuple(self._session(index) for index in range(first, last))

    def sessions_between(self, start: date, end: date) -> int:
        """Sessions after `start` up to and including `end`: 0 on one day, 1 on the next session.

        Negative when `end` lies before `start`.
        """
        return self._index_after(end) - self._index_after(start)

    def add_sessions(self, day: date, count: int) -> date:
        """The session `count` sessions after `day` (before, when negative).

        A day that is no session counts from the session before it; 0 gives that session.
        """
        index = self._index_after(day) - 1 + count
        if not 0 <= index < len(self.days):
            raise self._outside()
        return _as_date(self.days[index])

    def session_of(self, instant: datetime) -> Session | None:
        """The session whose regular hours hold the instant (open included, close excluded)."""
        at = to_ms(instant)
        index = int(np.searchsorted(self.opens_ms, at, side="right")) - 1
        if index < 0 or at >= int(self.closes_ms[index]):
            return None
        return self._session(index)

    def last_closed(self, instant: datetime) -> Session | None:
        """The newest session that has closed at the instant."""
        index = int(np.searchsorted(self.closes_ms, to_ms(instant), side="right")) - 1
        return self._session(index) if index >= 0 else None

    def next_session(self, instant: datetime) -> Session | None:
        """The first session that opens after the instant; None beyond the table."""
        index = int(np.searchsorted(self.opens_ms, to_ms(instant), side="right"))
        return self._session(index) if index < len(self.days) else None

    def phase(self, instant: datetime) -> MarketPhase:
        """REGULAR inside a session. US equities also have PRE from 04:00 and POST for four hours
        after the close (20:00, or 17:00 on an early close), New York time."""
        if self.session_of(instant) is not None:
            return MarketPhase.REGULAR
        if self.name not in _EXTENDED_HOURS:
            return MarketPhase.CLOSED
        day = instant.astimezone(_NEW_YORK).date()
        if not self.is_session(day):
            return MarketPhase.CLOSED
        today = self.session(day)
        if instant < today.opens_at:
            pre = datetime.combine(day, _PRE_OPENS, tzinfo=_NEW_YORK).astimezone(UTC)
            return MarketPhase.PRE if instant >= pre else MarketPhase.CLOSED
        return MarketPhase.POST if instant < today.closes_at + _POST_LASTS else MarketPhase.CLOSED

    def nominal_hours(self, day: date) -> tuple[int, int]:
        """Epoch ms of open and close: the session's own, else those of the nearest full session
        moved to `day` (for values dated on days without trading)."""
        if self.is_session(day):
            index = self._index_at_or_after(day)
            return int(self.opens_ms[index]), int(self.closes_ms[index])
        index = min(max(self._index_after(day) - 1, 0), len(self.days) - 1)
        while index > 0 and self.early[index]:
            index -= 1
        moved = (_day_number(day) - int(self.days[index])) * DAY_MS
        return int(self.opens_ms[index]) + moved, int(self.closes_ms[index]) + moved

    def _session(self, index: int) -> Session:
        return Session(
            _as_date(self.days[index]),
            from_ms(int(self.opens_ms[index])),
            from_ms(int(self.closes_ms[index])),
            bool(self.early[index]),
        )

    def _index_at_or_after(self, day: date) -> int:
        self._require(day)
        return int(np.searchsorted(self.days, _day_number(day)))

    def _index_after(self, day: date) -> int:
        self._require(day)
        return int(np.searchsorted(self.days, _day_number(day), side="right"))

    def _require(self, day: date) -> None:
        if not self.first_day <= day <= self.last_day:
            raise self._outside()

    def _outside(self) -> Unavailable:
        return Unavailable(
            "calendar_range",
            f"The table of {self.name} covers {self.first_day} to {self.last_day}.",
            context={"first": str(self.first_day), "last": str(self.last_day)},
        )


def _day_number(day: date) -> int:
    return (day - EPOCH).days


def _as_date(number: np.int64 | int) -> date:
    return EPOCH + timedelta(days=int(number))
