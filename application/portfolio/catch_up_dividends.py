"""Ex-dates that a bar already knows of, booked before the bar is judged.

The process that books ex-dates looks every few seconds; the first prices of an ex-date may be
reported before it does. They lack the dividend, so levels that still hold it would be hit by the
dividend alone.
"""

from datetime import date, datetime

from application.portfolio.ex_session import ex_session_opens_at
from application.portfolio.process_ex_date import ProcessExDate
from application.ports.calendars import CalendarTables
from application.ports.repositories import Page
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.dividend import Dividend
from domain.portfolio.position import Position

DIVIDENDS_PER_READ = 200
"""Far above the ex-dates that one holding meets; more are left to the process."""


class CatchUpDividends:
    """Books what is due for one position; what is booked already stays as it is."""

    def __init__(self, process: ProcessExDate, calendars: CalendarTables) -> None:
        self._process = process
        self._calendars = calendars

    def __call__(self, position: Position, session: date, work: UnitOfWork) -> Position:
        """The position after every ex-date up to the session that has opened by now.

        A dividend in another currency is left to the process, which raises the alert: it must not
        keep a stop from being judged.
        """
        known: set[str] | None = None
        for dividend in work.dividends.list(
            Page(limit=DIVIDENDS_PER_READ),
            instrument=position.instrument,
            ex_date_from=position.opened_at.date(),
        ):
            opens_at = ex_session_opens_at(position.calendar, dividend.ex_date, self._calendars)
            is_due = dividend.ex_date <= session and opens_at <= work.now
            if not is_due or not _concerns(dividend, position, opens_at):
                continue
            if known is None:
                known = {e.dividend_id for e in work.dividends.entitlements_of(position.id)}
            if dividend.id not in known:
                position = self._process.of_position(dividend, position, opens_at, work)
        return position


def _concerns(dividend: Dividend, position: Position, opens_at: datetime) -> bool:
    return position.opened_at < opens_at and dividend.currency == position.currency
