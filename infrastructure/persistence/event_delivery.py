"""The event log for consumers, and their cursors, on SQL."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from sqlalchemy import bindparam, insert, select

from application.context import SYSTEM, RequestContext
from application.ports.event_log import ParkedEvent
from application.ports.repositories import EventFilter
from application.ports.unit_of_work import UnitOfWork
from domain.shared.events import LoggedEvent, NewEvent, explained
from infrastructure.persistence.store import SqlStore
from infrastructure.persistence.tables.platform import event_cursors, parked_events
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from infrastructure.persistence.upsert import upsert

T = TypeVar("T")
CONSUMER = "consumer"

_CURSOR = select(event_cursors.c.seq).where(event_cursors.c.consumer == bindparam("consumer"))
_PARK = insert(parked_events)
_PARKED = (
    select(parked_events)
    .where(parked_events.c.consumer == bindparam("consumer"))
    .order_by(parked_events.c.seq)
)


_ADVANCE = upsert(event_cursors)


def _read(store: SqlStore, query: Callable[[SqlUnitOfWork], T], owner_id: str = "") -> T:
    context = RequestContext(owner_id, SYSTEM.actor, SYSTEM.request_id) if owner_id else SYSTEM
    return store.query(lambda work: query(cast(SqlUnitOfWork, work)), context)


class SqlEventLog:
    """`EventLog` on SQL."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def after(self, seq: int, limit: int) -> Sequence[LoggedEvent]:
        return _read(self._store, lambda work: work.events.all_after(seq, limit))

    def of_owner_after(self, owner_id: str, seq: int, limit: int) -> Sequence[LoggedEvent]:
        where = EventFilter(after_seq=seq, limit=limit)
        return _read(self._store, lambda work: work.events.list(where), owner_id)

    def last_seq(self) -> int:
        return _read(self._store, lambda work: work.events.last_seq())


class SqlEventDeliveries:
    """`EventDeliveries` on SQL; writes go through the writer like every command."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def cursor(self, consumer: str) -> int | None:
        row = _read(self._store, lambda work: work.session.one(_CURSOR, consumer=consumer))
        return None if row is None else int(row["seq"])

    def advance(self, consumer: str, seq: int) -> None:
        self._store.command(lambda work: _move(work, consumer, seq), SYSTEM).result()

    def park(self, consumer: str, event: LoggedEvent, attempts: int, error: str) -> None:
        def set_aside(work: UnitOfWork) -> None:
            cast(SqlUnitOfWork, work).session.run(
                _PARK,
                consumer=consumer,
                seq=event.seq,
                attempts=attempts,
                error=error,
                parked_at=work.now,
            )
            _move(work, consumer, event.seq)
            if event.aggregate_type != CONSUMER:
                work.events.append([_alert(consumer, event, attempts, error, work)])

        context = RequestContext(event.owner_id, SYSTEM.actor, event.request_id)
        self._store.command(set_aside, context).result()

    def parked(self, consumer: str) -> Sequence[ParkedEvent]:
        rows = _read(self._store, lambda work: work.session.all(_PARKED, consumer=consumer))
        return [ParkedEvent(**row) for row in rows]


def _move(work: UnitOfWork, consumer: str, seq: int) -> None:
    session = cast(SqlUnitOfWork, work).session
    statement = _ADVANCE[session.dialect_name]
    session.run(statement, consumer=consumer, seq=seq, updated_at=work.now)


def _alert(
    consumer: str, event: LoggedEvent, attempts: int, error: str, work: UnitOfWork
) -> NewEvent:
    data = explained(
        f"{consumer} could not handle {event.type} after {attempts} tries; it goes on without it.",
        inputs={
            "code": "event_parked",
            "consumer": consumer,
            "seq": event.seq,
            "event_id": event.id,
            "type": event.type,
        },
        outputs={"attempts": attempts, "error": error},
    )
    return NewEvent("alert_raised", CONSUMER, consumer, None, data, work.now)
