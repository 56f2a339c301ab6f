"""`Store` in memory: commands run one at a time in the thread that gives them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import Defect
from infrastructure.persistence.memory.tables import Tables
from infrastructure.persistence.memory.unit_of_work import MemoryUnitOfWork

T = TypeVar("T")


class MemoryStore:
    """One lock, one journal: a command that raises is played back before anyone else looks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tables = Tables()
        self._lock = threading.RLock()
        self._listeners: list[Callable[[int], None]] = []
        self._settled_listeners: list[Callable[[], None]] = []

    def command(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> "Future[T]":
        """Run the command now; the future is done when this returns."""
        future: Future[T] = Future()
        try:
            future.set_result(self._run(work, context))
        except Exception as error:  # noqa: BLE001 - process loop: a command's failure is its caller's
            future.set_exception(error)
        return future

    def post(
        self,
        work: Callable[[UnitOfWork], T],
        context: RequestContext,
        reply: Callable[[T, BaseException | None], None],
        executed: threading.Event | None = None,
    ) -> None:
        """Run the command now and hand its outcome to `reply`."""
        future = self.command(work, context)
        if executed is not None:
            executed.set()
        error = future.exception()
        # On failure the result is not looked at, as with a writer that has none to give.
        reply(None if error else future.result(), error)  # type: ignore[arg-type]
        for listener in self._settled_listeners:
            listener()

    def query(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> T:
        """Run the query under the lock: it sees whole commands only."""
        with self._lock:
            return work(MemoryUnitOfWork(self._tables, context, self._clock.now()))

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Tell the listener the newest seq after each command that appended events."""
        self._listeners.append(listener)

    def on_settled(self, listener: Callable[[], None]) -> None:
        """Every command is a batch of its own here."""
        self._settled_listeners.append(listener)

    def close(self) -> None:
        """Nothing is held outside of memory."""

    def _run(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> T:
        journal = self._tables.journal
        with self._lock:
            if journal.is_writable:
                raise Defect("nested_command", "A command must not give another command.")
            first_seq = len(self._tables.events)
            journal.is_writable = True
            try:
                result = work(MemoryUnitOfWork(self._tables, context, self._clock.now()))
            except BaseException:
                journal.undo_to(0)
                raise
            finally:
                journal.is_writable = False
                journal.forget()
            newest = len(self._tables.events)
            if newest > first_seq:
                for listener in self._listeners:
                    listener(newest)
            return result
