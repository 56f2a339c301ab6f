"""Which trading day an instant or a declared date belongs to, on the instrument's calendar."""

from dataclasses import dataclass
from datetime import date, datetime

from application.ports.calendars import CalendarTables
from domain.market.market_state import current_session
from domain.market.trading_calendar import TradingCalendar
from domain.portfolio.trading_day import session_date
from domain.shared.errors import BadInput, NotFound, Unavailable


@dataclass(frozen=True, slots=True)
class BarTime:
    """The session a bar stands for, and the instant its prices were true."""

    session: date
    at: datetime


@dataclass(frozen=True, slots=True)
class TradeCalendar:
    """Sessions of one instrument at `now`. A closed market's current session is its last one."""

    table: TradingCalendar
    now: datetime

    @property
    def today(self) -> date:
        """The newest session that has begun."""
        return self.session_at(self.now)

    def session_at(self, instant: datetime) -> date:
        """The session that runs at the instant, else the last one before it."""
        session = current_session(self.table, instant)
        if session is None:
            raise Unavailable("calendar_range", "The calendar's table begins later.")
        return session

    def sessions_after(self, entry: date, session: date) -> int:
        """Sessions after the entry session up to and including another."""
        return self.table.sessions_between(entry, session)

    def bar_time(self, as_of: date | datetime | None) -> BarTime:
        """BadInput `bar_in_future`; Invalid `not_a_trading_day` for a date without a session.

        A date stands for its session's close, or now while the session runs.
        """
        if as_of is None:
            return BarTime(self.today, self.now)
        if isinstance(as_of, datetime):
            if as_of > self.now:
                raise _in_future()
            return BarTime(self.session_at(as_of), as_of)
        is_ahead = as_of > self.today and self.table.is_session(as_of)
        if is_ahead or as_of > session_date(self.table.name, self.now):
            raise _in_future()
        return BarTime(as_of, min(self.table.session(as_of).closes_at, self.now))


def trade_calendar(name: str, tables: CalendarTables, now: datetime) -> TradeCalendar:
    """Unavailable `calendar_not_ready` while the table is not written yet: days held are
    sessions, and are not guessed.
    """
    try:
        return TradeCalendar(tables.calendar(name), now)
    except NotFound:
        raise Unavailable(
            "calendar_not_ready", f"The sessions of {name} are not loaded yet.", retry_after_s=10
        ) from None


def _in_future() -> BadInput:
    return BadInput("bar_in_future", "The bar lies in the future.")
