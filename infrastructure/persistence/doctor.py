"""Verifies what must always hold: the event chain, the ledger, and the books rebuilt from fills.

It reads one consistent snapshot and changes nothing, so it may run beside a serving process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import bindparam, select

from domain.shared.events import LoggedEvent
from infrastructure.persistence.doctor_book import examine_book
from infrastructure.persistence.doctor_projections import examine_projections
from infrastructure.persistence.doctor_simulation import examine_simulation
from infrastructure.persistence.engine import Database
from infrastructure.persistence.event_log import GENESIS, event_from_row, link
from infrastructure.persistence.examination import Ailment, Examination
from infrastructure.persistence.session import Row, SqlSession, StatementCache
from infrastructure.persistence.tables.platform import events

EVENTS_PER_READ = 1000


def examine(database: Database) -> Examination:
    """Run every check on one snapshot."""
    examination = Examination()
    with _snapshot(database) as session:
        examine_chain(session, examination)
        examine_book(session, examination)
        examine_projections(session, examination)
        examine_simulation(session, examination)
    return examination


@contextmanager
def _snapshot(database: Database) -> Iterator[SqlSession]:
    connection = database.reads.raw_connection()
    try:
        driver: Any = connection.driver_connection
        cursor = driver.cursor()
        session = SqlSession(cursor, StatementCache(database.reads.dialect))
        if database.is_sqlite:
            session.text("BEGIN")
        else:
            session.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield session
    finally:
        connection.rollback()
        connection.close()


_AFTER = (
    select(events)
    .where(events.c.seq > bindparam("after_seq"))
    .order_by(events.c.seq)
    .limit(EVENTS_PER_READ)
)


def examine_chain(session: SqlSession, examination: Examination) -> None:
    """No gap in the sequence, each hash made from its predecessor, aggregates counted 1, 2, 3…"""
    last_seq, last_hash = 0, GENESIS
    last_of_aggregate: dict[str, int] = {}
    examination.looked("events", 0)
    while rows := session.all(_AFTER, after_seq=last_seq):
        examination.looked("events", len(rows))
        for row in rows:
            event = event_from_row(row)
            subject = f"event {event.seq}"
            examination.expect(Ailment.EVENT_GAP, subject, last_seq + 1, event.seq)
            made = _hash_of(last_hash, event, row)
            examination.expect(Ailment.EVENT_HASH, subject, made, event.hash)
            number = last_of_aggregate.get(event.aggregate_id, 0) + 1
            examination.expect(
                Ailment.EVENT_AGGREGATE_ORDER,
                f"{subject} of {event.aggregate_id}",
                number,
                event.aggregate_seq,
            )
            last_of_aggregate[event.aggregate_id] = event.aggregate_seq
            # Going on from what is stored names each broken link once.
            last_seq, last_hash = event.seq, event.hash


def _hash_of(previous_hash: str, event: LoggedEvent, row: Row) -> str:
    return link(previous_hash, event, str(row["data"]))
