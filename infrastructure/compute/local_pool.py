"""`Compute` on the processes of this machine: a pool forked from a warm, thread-free server."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Lock

from application.ports.compute import Chunk
from domain.shared.errors import Unavailable
from infrastructure.compute.chunk_runner import ChunkTask, Pending, in_order, run_chunk, tasks_of
from infrastructure.compute.fork_server import fork_context
from infrastructure.compute.kinship import join_group_of_parent

AHEAD_PER_WORKER = 2


class LocalPool:
    """Workers start with the first map and stay until `close`; they die with their parent."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._lock = Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._is_closed = False

    def map(
        self,
        chunk_fn_name: str,
        chunks: Sequence[Chunk],
        *,
        seed: int | None = None,
        first_index: int = 0,
    ) -> Iterator[object]:
        """See `Compute.map`."""
        tasks = tasks_of(chunk_fn_name, chunks, seed, first_index)
        return self._results(tasks)

    def _results(self, tasks: Sequence[ChunkTask]) -> Iterator[object]:
        executor = self._running()

        def submit(task: ChunkTask) -> Pending:
            return executor.submit(run_chunk, task)

        try:
            yield from in_order(submit, tasks, self.workers * AHEAD_PER_WORKER)
        except BrokenProcessPool:
            self._forget(executor)
            message = "A worker process died while it computed a chunk."
            raise Unavailable("compute_lost", message, retry_after_s=5) from None
        except (CancelledError, RuntimeError):
            if not self._is_closed:
                raise
            raise _closed() from None

    def close(self) -> None:
        """Drop the chunks that wait, let those that run finish, and wait for the workers to leave.

        A process that ends with workers still leaving can lock up in its own exit handlers.
        """
        with self._lock:
            self._is_closed = True
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._is_closed:
                raise _closed()
            if self._executor is None:
                self._executor = ProcessPoolExecutor(self.workers, fork_context(), _begin_worker)
            return self._executor

    def _forget(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._executor is broken:
                self._executor = None
        broken.shutdown(wait=False, cancel_futures=True)


def _closed() -> Unavailable:
    return Unavailable("compute_lost", "The compute pool is closed.", retry_after_s=5)


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    join_group_of_parent()
