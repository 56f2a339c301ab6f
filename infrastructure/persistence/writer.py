"""One writer thread, many commands, one COMMIT: group commit with a savepoint per command.

Each turn takes what is queued (up to `BATCH_MAX`), runs every command inside its own SAVEPOINT and
commits once; only then are the callers answered. A command that raises is rolled back to its
savepoint
and answered with its fault; the rest of the batch stands. If the COMMIT itself fails nobody is told
success: every caller of the batch gets Unavailable `store_unavailable` and may retry with its key.

Several processes on PostgreSQL take turns batch by batch through a transaction-scoped advisory
lock,
because a gapless, hash-chained log has exactly one end. SQLite's BEGIN IMMEDIATE does the same.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Engine

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import Unavailable
from infrastructure.persistence.event_log import ChainHead, read_head
from infrastructure.persistence.session import SqlSession, StatementCache
from infrastructure.persistence.unit_of_work import SqlUnitOfWork

T = TypeVar("T")

BATCH_MAX = 64
QUEUE_MAX = 10_000
ADVISORY_LOCK = 0x62616C6C617374


Reply = Callable[[Any, BaseException | None], None]


@dataclass(slots=True)
class _Job:
    work: Callable[[UnitOfWork], Any]
    context: RequestContext
    reply: Reply
    executed: threading.Event | None = None


@dataclass(slots=True)
class WriterStatistics:
    """Counters for metrics and tests; written by the writer thread only."""

    batches: int = 0
    commands: int = 0
    largest_batch: int = 0
    last_statements: int = 0


class BatchedWriter:
    """Owns the only writing connection of the process."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._cache = StatementCache(engine.dialect)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._listeners: list[Callable[[int], None]] = []
        self._settled_listeners: list[Callable[[], None]] = []
        self._closed = False
        self._connection: Any = None
        self._memory: dict[tuple[str, str], Any] = {}
        self._seen: ChainHead | None = None
        self.statistics = WriterStatistics()
        self._thread = threading.Thread(target=self._run, name="ballast-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> "Future[T]":
        """Queue a command; Unavailable `queue_full` at the bound, `shutting_down` after close."""
        future: Future[T] = Future()
        self.post(work, context, lambda result, error: _settle(future, result, error))
        return future

    def post(
        self,
        work: Callable[[UnitOfWork], T],
        context: RequestContext,
        reply: Reply,
        executed: threading.Event | None = None,
    ) -> None:
        """Queue a command whose outcome goes to `reply`, on the writer thread, after the commit.

        `executed` is set earlier: when the command has run and only the commit is left.
        """
        if self._closed:
            raise Unavailable("shutting_down", "The service is shutting down.", retry_after_s=5)
        if self._queue.qsize() >= QUEUE_MAX:
            raise Unavailable("queue_full", "Too many commands are waiting.", retry_after_s=1)
        self._queue.put(_Job(work, context, reply, executed))

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Listeners run on the writer thread and must only hand the number on."""
        self._listeners.append(listener)

    def on_settled(self, listener: Callable[[], None]) -> None:
        """Listeners run on the writer thread once all replies of a batch were given."""
        self._settled_listeners.append(listener)

    def _settled(self) -> None:
        for listener in self._settled_listeners:
            listener()

    @property
    def depth(self) -> int:
        """Commands waiting."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            job = self._queue.get()
            if job is None:
                self._disconnect()
                return
            batch = [job]
            stop = False
            while len(batch) < BATCH_MAX:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stop = True
                    break
                batch.append(following)
            self._commit(batch)
            if stop:
                self._disconnect()
                return

    def _commit(self, batch: list[_Job]) -> None:
        outcomes: list[tuple[Reply, Any, BaseException | None]] = []
        try:
            session = self._begin_on_a_live_connection()
            head = read_head(session)
            if head != self._seen:
                self._memory.clear()
            first_seq = head.seq
            for job in batch:
                outcomes.append(self._execute(job, session, head))
                if job.executed is not None:
                    job.executed.set()
            session.text("COMMIT")
        except Exception as broken:  # noqa: BLE001 - process loop: a dead store must answer, not die
            self._disconnect()
            fault = Unavailable(
                "store_unavailable",
                f"The store did not commit: {type(broken).__name__}.",
                retry_after_s=1,
            )
            fault.__cause__ = broken
            for job in batch:
                if job.executed is not None:
                    job.executed.set()
                job.reply(None, fault)
            self._settled()
            return
        self._seen = head.copy()
        self._count(len(batch), session.statements)
        if head.seq > first_seq:
            for listener in self._listeners:
                listener(head.seq)
        for reply, result, error in outcomes:
            reply(result, error)
        self._settled()

    def _execute(
        self, job: _Job, session: SqlSession, head: ChainHead
    ) -> tuple[Reply, Any, BaseException | None]:
        mark = head.copy()
        session.text("SAVEPOINT command")
        try:
            work = SqlUnitOfWork(session, job.context, self._clock.now(), head)
            result = job.work(work)
        except Exception as error:  # noqa: BLE001 - process loop: one command's failure is its caller's
            session.text("ROLLBACK TO SAVEPOINT command")
            session.text("RELEASE SAVEPOINT command")
            head.seq, head.hash = mark.seq, mark.hash
            self._memory.clear()
            return job.reply, None, error
        session.text("RELEASE SAVEPOINT command")
        return job.reply, result, None

    def _begin_on_a_live_connection(self) -> SqlSession:
        """A kept connection may have died while nothing was asked of it; nothing ran on it yet,
        so a fresh one is safe to try."""
        if self._connection is None:
            return self._begin()
        try:
            return self._begin()
        except self._engine.dialect.loaded_dbapi.Error:
            self._disconnect()
            return self._begin()

    def _begin(self) -> SqlSession:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        driver = self._connection.driver_connection
        cursor = driver.cursor()
        session = SqlSession(cursor, self._cache, self._memory)
        if session.dialect_name == "sqlite":
            session.text("BEGIN IMMEDIATE")
        else:
            # psycopg opened the transaction implicitly with the first statement.
            session.text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
            cursor.fetchall()
        return session

    def _disconnect(self) -> None:
        self._memory.clear()
        if self._connection is not None:
            with suppress(Exception):
                self._connection.invalidate()
            self._connection = None

    def _count(self, commands: int, statements: int) -> None:
        counters = self.statistics
        counters.batches += 1
        counters.commands += commands
        counters.largest_batch = max(counters.largest_batch, commands)
        counters.last_statements = statements


def _settle(future: "Future[Any]", result: object, error: BaseException | None) -> None:
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
