"""Instants are aware UTC datetimes; their one text form is RFC 3339 with microseconds and Z."""

from datetime import UTC, datetime
from functools import lru_cache


# The instant of one command is written into a dozen columns, events and answers.
@lru_cache(maxsize=256)
def rfc3339(instant: datetime) -> str:
    """`2026-01-05T15:00:00.000000Z`: fixed width, so text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> datetime:
    """Inverse of `rfc3339`; ValueError when the text carries no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return instant.astimezone(UTC)
