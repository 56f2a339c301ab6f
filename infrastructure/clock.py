"""The wall clock."""

from datetime import UTC, datetime


class SystemClock:
    """`Clock` port on the operating system's time."""

    def now(self) -> datetime:
        """Current instant in UTC."""
        return datetime.now(UTC)
