"""What each bar of a trade was answered, so that the same bar sent twice changes nothing."""

from collections.abc import Mapping
from datetime import date
from typing import Protocol

Answer = Mapping[str, object]


class BarAnswers(Protocol):
    """Answers by (position, session, signature of the bar), kept for the newest session of each
    position: an older one is refused anyway.
    """

    def find(self, position_id: str, session: date, signature: str) -> Answer | None: ...
    def put(self, position_id: str, session: date, signature: str, answer: Answer) -> None:
        """Insert or replace. Numbers are Decimal or int, and come back as the same numbers."""
        ...

    def forget_before(self, position_id: str, session: date) -> None:
        """Delete the answers of earlier sessions of the position."""
        ...
