"""The event log as its consumers read it: everything, in order, from a cursor they keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.shared.events import LoggedEvent


class EventLog(Protocol):
    """Reads of the log; thread-safe. Raises Unavailable `store_unavailable`."""

    def after(self, seq: int, limit: int) -> Sequence[LoggedEvent]:
        """Events of every owner after the sequence number, oldest first."""
        ...

    def of_owner_after(self, owner_id: str, seq: int, limit: int) -> Sequence[LoggedEvent]:
        """Events of one owner after the sequence number, oldest first."""
        ...

    def last_seq(self) -> int:
        """Newest sequence number, 0 for an empty log."""
        ...


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event a consumer could not handle; `error` names the kind of failure, never its text."""

    consumer: str
    seq: int
    attempts: int
    error: str
    parked_at: datetime


class EventDeliveries(Protocol):
    """How far each consumer came. Writes are durable when the call returns; thread-safe.

    Raises Unavailable when the store cannot take the write: the event is then delivered again.
    """

    def cursor(self, consumer: str) -> int | None:
        """Newest event the consumer is done with; null before its first start."""
        ...

    def advance(self, consumer: str, seq: int) -> None:
        """The consumer is done with everything up to `seq`."""
        ...

    def park(self, consumer: str, event: LoggedEvent, attempts: int, error: str) -> None:
        """Set the event aside, move the cursor past it and raise an alert, in one transaction.

        An event about a consumer raises no further alert, so that alerts cannot breed alerts.
        """
        ...

    def parked(self, consumer: str) -> Sequence[ParkedEvent]:
        """Events set aside, oldest first."""
        ...
