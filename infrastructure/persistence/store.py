"""`Store` on SQL: the batched writer for commands, a pool of read-only connections for queries."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import Unavailable
from infrastructure.persistence.engine import Database
from infrastructure.persistence.session import SqlSession, StatementCache
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from infrastructure.persistence.writer import BatchedWriter

T = TypeVar("T")


class SqlStore:
    """Commands through one writer, queries beside it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.writer = BatchedWriter(database.writes, clock)
        self._clock = clock
        self._cache = StatementCache(database.reads.dialect)
        driver = database.reads.dialect.loaded_dbapi
        # What the driver raises when the database is gone, locked or full, and nothing else.
        self._outages = (driver.OperationalError, driver.InterfaceError)

    def command(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> "Future[T]":
        """Queue a command; the future resolves after its commit."""
        return self.writer.submit(work, context)

    def post(
        self,
        work: Callable[[UnitOfWork], T],
        context: RequestContext,
        reply: Callable[[T, BaseException | None], None],
        executed: threading.Event | None = None,
    ) -> None:
        """Queue a command whose outcome goes to `reply` on the writer thread."""
        self.writer.post(work, context, reply, executed)

    def query(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> T:
        """Run a query in this thread, in one read transaction.

        Unavailable `store_unavailable` when the database cannot be reached or does not answer.
        """
        try:
            return self._query(work, context)
        except (*self._outages, NoConnectionLeft) as error:
            raise _unavailable(error) from error
        except DBAPIError as error:
            if isinstance(error.orig, self._outages):
                raise _unavailable(error) from error
            raise

    def _query(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> T:
        connection = self.database.reads.raw_connection()
        try:
            cursor: Any = connection.cursor()
            session = SqlSession(cursor, self._cache)
            if self.database.is_sqlite:
                session.text("BEGIN")
            try:
                return work(SqlUnitOfWork(session, context, self._clock.now(), None))
            finally:
                connection.rollback()
                cursor.close()
        finally:
            connection.close()

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Tell the listener the newest seq after each commit that appended events."""
        self.writer.on_commit(listener)

    def on_settled(self, listener: Callable[[], None]) -> None:
        """Tell the listener when every reply of a batch was given."""
        self.writer.on_settled(listener)

    def close(self) -> None:
        """Finish queued commands, then close every connection."""
        self.writer.close()
        self.database.close()


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(
        "store_unavailable",
        f"The store did not answer: {type(error).__name__}.",
        retry_after_s=1,
    )
