"""Append-only event log: gapless sequence, hash chain, per-aggregate order.

hash = SHA-256(previous hash ‖ canonical JSON of the event without its hash), hex. One batch of the
writer owns the head of the chain from BEGIN to COMMIT, so the sequence has no gaps and no forks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from json.encoder import encode_basestring

from sqlalchemy import bindparam, func, insert, select

from application.context import RequestContext
from application.ports.repositories import EventFilter
from domain.shared.canonical import canonical_json
from domain.shared.events import LoggedEvent, NewEvent
from domain.shared.ids import Prefix
from domain.shared.instants import rfc3339
from infrastructure.ids import UuidIds
from infrastructure.persistence.repositories.reports import SqlTrades
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.platform import events
from infrastructure.persistence.types import from_json

GENESIS = "0" * 64
_AGGREGATE = "aggregate"

_INSERT = insert(events)
_HEAD = select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1)
_LAST_OF_AGGREGATE = select(func.max(events.c.aggregate_seq).label("last")).where(
    events.c.aggregate_id == bindparam("aggregate_id")
)
_RANGE = (
    select(events)
    .where(events.c.seq > bindparam("after_seq"))
    .order_by(events.c.seq)
    .limit(bindparam("row_limit"))
)


@dataclass(slots=True)
class ChainHead:
    """Sequence number and hash of the newest event; moved by every append of the batch."""

    seq: int
    hash: str

    def copy(self) -> "ChainHead":
        """A mark to return to when a command is undone."""
        return ChainHead(self.seq, self.hash)


def read_head(session: SqlSession) -> ChainHead:
    """Head of the chain as stored."""
    row = session.one(_HEAD)
    return ChainHead(0, GENESIS) if row is None else ChainHead(row["seq"], row["hash"])


def link(previous_hash: str, event: LoggedEvent, data_json: str) -> str:
    """Hash of the event, chained to its predecessor. `data_json` is the canonical text of its data.

    The members stand in the canonical order of their names, so the text is canonical JSON.
    """
    quoted = encode_basestring
    account = "null" if event.account_id is None else quoted(event.account_id)
    text = (
        f'{{"account_id":{account},"actor":{quoted(event.actor)},'
        f'"aggregate_id":{quoted(event.aggregate_id)},"aggregate_seq":{event.aggregate_seq},'
        f'"aggregate_type":{quoted(event.aggregate_type)},"data":{data_json},'
        f'"id":{quoted(event.id)},"occurred_at":"{rfc3339(event.occurred_at)}",'
        f'"owner_id":{quoted(event.owner_id)},"recorded_at":"{rfc3339(event.recorded_at)}",'
        f'"request_id":{quoted(event.request_id)},"schema_version":{event.schema_version},'
        f'"seq":{event.seq},"type":{quoted(event.type)}}}'
    )
    return sha256(f"{previous_hash}{text}".encode()).hexdigest()


class SqlEvents:
    """`Events` on SQL."""

    def __init__(
        self, session: SqlSession, context: RequestContext, now: datetime, head: ChainHead | None
    ) -> None:
        self._session = session
        self._context = context
        self._now = now
        self._head = head

    def append(self, new: Sequence[NewEvent]) -> Sequence[LoggedEvent]:
        """Give events their numbers and hashes and insert them."""
        assert self._head is not None, "events are appended by commands only"
        rows: list[Row] = []
        logged: list[LoggedEvent] = []
        for item in new:
            number = 1 + self._last_of(item.aggregate_id)
            self._session.remember(_AGGREGATE, item.aggregate_id, number)
            event, row = self._logged(item, number)
            logged.append(event)
            rows.append(row)
        self._session.run_many(_INSERT, rows)
        SqlTrades(self._session).project(logged)
        return logged

    def _last_of(self, aggregate_id: str) -> int:
        known: int | None = self._session.recall(_AGGREGATE, aggregate_id)
        if known is not None:
            return known
        row = self._session.one(_LAST_OF_AGGREGATE, aggregate_id=aggregate_id)
        return (row["last"] or 0) if row else 0

    def _logged(self, item: NewEvent, aggregate_seq: int) -> tuple[LoggedEvent, Row]:
        assert self._head is not None
        fields: Row = {
            "seq": self._head.seq + 1,
            "id": UuidIds().new(Prefix.EVENT),
            "type": item.type,
            "schema_version": item.schema_version,
            "occurred_at": item.occurred_at,
            "recorded_at": self._now,
            "owner_id": self._context.owner_id,
            "actor": self._context.actor,
            "request_id": self._context.request_id,
            "account_id": item.account_id,
            "aggregate_type": item.aggregate_type,
            "aggregate_id": item.aggregate_id,
            "aggregate_seq": aggregate_seq,
        }
        text = canonical_json(item.data)
        event = LoggedEvent(**fields, data=item.data)
        digest = link(self._head.hash, event, text)
        self._head.seq, self._head.hash = event.seq, digest
        return replace(event, hash=digest), {**fields, "data": text, "hash": digest}

    def list(self, where: EventFilter) -> Sequence[LoggedEvent]:
        """Events of the owner after a sequence number."""
        query = select(events).where(
            events.c.seq > where.after_seq, events.c.owner_id == self._context.owner_id
        )
        if where.types:
            query = query.where(events.c.type.in_(where.types))
        if where.aggregate_id is not None:
            query = query.where(events.c.aggregate_id == where.aggregate_id)
        rows = self._session.built(query.order_by(events.c.seq).limit(where.limit))
        return [event_from_row(row) for row in rows]

    def all_after(self, seq: int, limit: int) -> Sequence[LoggedEvent]:
        """Events of every owner: for consumers that deliver, not for callers that ask."""
        return [
            event_from_row(r) for r in self._session.all(_RANGE, after_seq=seq, row_limit=limit)
        ]

    def last_seq(self) -> int:
        """Newest sequence number, 0 for an empty log."""
        return read_head(self._session).seq


def event_from_row(row: Row) -> LoggedEvent:
    """Stored row as an event."""
    return LoggedEvent(**{**row, "data": from_json(row["data"])})
