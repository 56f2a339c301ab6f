"""The calendar whose sessions the market's state is kept by."""

from datetime import date, datetime

from application.ports.calendars import CalendarTables
from domain.market.market_state import CALENDAR, current_session
from domain.market.trading_calendar import TradingCalendar
from domain.shared.errors import NotFound, Unavailable

RETRY_AFTER_S = 10


class SessionCalendar:
    """Unavailable `calendar_not_ready` until first start has written the table of sessions."""

    def __init__(self, calendars: CalendarTables) -> None:
        self._calendars = calendars

    def __call__(self) -> TradingCalendar:
        """The table."""
        try:
            return self._calendars.calendar(CALENDAR)
        except NotFound:
            raise self._not_ready() from None

    def now(self, at: datetime) -> date:
        """The session that runs, else the last one that closed."""
        session = current_session(self(), at)
        if session is None:
            raise self._not_ready()
        return session

    def _not_ready(self) -> Unavailable:
        return Unavailable(
            "calendar_not_ready",
            f"The sessions of {CALENDAR} are not loaded yet.",
            retry_after_s=RETRY_AFTER_S,
        )
