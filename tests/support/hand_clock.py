"""A clock that a test sets by hand."""

from datetime import UTC, datetime, timedelta


class HandClock:
    """`Clock` that moves a microsecond per look and jumps where the test says."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        self._now += timedelta(microseconds=1)
        return self._now

    def jump(self, text: str) -> None:
        """Set the time, such as `2025-03-20T14:00:00Z`."""
        self._now = datetime.fromisoformat(text).astimezone(UTC)
