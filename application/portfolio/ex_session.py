"""When the ex-date of a dividend or a split takes effect."""

from datetime import UTC, date, datetime, time, timedelta

from application.ports.calendars import CalendarTables
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.trading_day import session_date, timezone_of
from domain.shared.errors import Conflict, NotFound

CALENDAR_DEFAULT = "XNYS"
NEXT_SESSION_WITHIN = timedelta(days=15)


def calendar_of(instrument: str, work: UnitOfWork) -> str:
    """Calendar the instrument trades on."""
    known = work.instruments.find(instrument)
    return CALENDAR_DEFAULT if known is None else known.calendar


def ex_session_opens_at(calendar: str, ex_date: date, tables: CalendarTables) -> datetime:
    """Open of the first session on or after the ex-date; local midnight without a table of it."""
    midnight = datetime.combine(ex_date, time(), tzinfo=timezone_of(calendar)).astimezone(UTC)
    try:
        table = tables.calendar(calendar)
    except NotFound:
        return midnight
    if not table.first_day <= ex_date <= table.last_day:
        return midnight
    sessions = table.sessions(ex_date, ex_date + NEXT_SESSION_WITHIN)
    return sessions[0].opens_at if sessions else midnight


def require_ex_date_reached(calendar: str, ex_date: date, now: datetime) -> None:
    """Conflict `before_ex_date` until the ex-date begins where the instrument trades."""
    if session_date(calendar, now) < ex_date:
        raise Conflict(
            "before_ex_date",
            f"The ex-date is {ex_date.isoformat()}.",
            context={"ex_date": ex_date.isoformat()},
        )
