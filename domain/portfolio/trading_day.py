"""The trading day an instant belongs to: the calendar date where the instrument trades."""

from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_TIMEZONES: dict[str, tzinfo] = {"XNYS": ZoneInfo("America/New_York")}


def timezone_of(calendar: str) -> tzinfo:
    """Time zone of a calendar; UTC for round-the-clock markets and calendars not listed."""
    return _TIMEZONES.get(calendar, UTC)


def session_date(calendar: str, instant: datetime) -> date:
    """Local date of the instant: New York for XNYS, UTC for 24/7."""
    return instant.astimezone(timezone_of(calendar)).date()


@lru_cache(maxsize=64)
def _start_of(calendar: str, day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone_of(calendar)).astimezone(UTC)


def day_start(calendar: str, instant: datetime) -> datetime:
    """Instant at which the trading day of `instant` began."""
    return _start_of(calendar, session_date(calendar, instant))
