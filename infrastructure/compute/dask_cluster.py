"""`Compute` on a Dask cluster; the client library is imported when the first map needs it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from threading import Lock
from typing import Any

from application.ports.compute import Chunk
from domain.shared.errors import Unavailable
from infrastructure.compute.chunk_runner import ChunkTask, Pending, in_order, run_chunk, tasks_of

AHEAD_PER_THREAD = 2
CONNECT_TIMEOUT_S = 10


class DaskCluster:
    """Maps over the workers of the scheduler at `address`, such as `tcp://scheduler:8786`.

    The workers need this package installed in the same version.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = Lock()
        self._client: Any = None

    def map(
        self,
        chunk_fn_name: str,
        chunks: Sequence[Chunk],
        *,
        seed: int | None = None,
        first_index: int = 0,
    ) -> Iterator[object]:
        """See `Compute.map`; Unavailable `compute_lost` when the scheduler cannot be reached."""
        return self._results(tasks_of(chunk_fn_name, chunks, seed, first_index))

    def _results(self, tasks: Sequence[ChunkTask]) -> Iterator[object]:
        from distributed import KilledWorker  # noqa: PLC0415
        from distributed.client import FutureCancelledError  # noqa: PLC0415
        from distributed.comm.core import CommClosedError  # noqa: PLC0415

        client = self._connected()

        def submit(task: ChunkTask) -> Pending:
            # pure=False: equal chunks are computed as often as they are asked for.
            future: Pending = client.submit(run_chunk, task, pure=False)
            return future

        try:
            ahead = AHEAD_PER_THREAD * max(1, sum(client.nthreads().values()))
            yield from in_order(submit, tasks, ahead)
        except (
            KilledWorker,
            FutureCancelledError,
            CancelledError,
            CommClosedError,
            OSError,
        ) as lost:
            self.close()
            message = f"The cluster lost a chunk: {type(lost).__name__}."
            raise Unavailable("compute_lost", message, retry_after_s=5) from None

    def close(self) -> None:
        """Disconnect; the cluster stays. A later map connects again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close(timeout=2)

    def _connected(self) -> Any:
        from distributed import Client  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                try:
                    self._client = Client(  # type: ignore[no-untyped-call]
                        self._address, timeout=CONNECT_TIMEOUT_S, set_as_default=False
                    )
                except OSError as unreachable:
                    message = f"No Dask scheduler answers: {type(unreachable).__name__}."
                    raise Unavailable("compute_lost", message, retry_after_s=10) from None
            return self._client
