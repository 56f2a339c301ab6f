"""`JobContext` inside the child: reports over the pipe, folders, fan-out."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from application.jobs.progress import Pace, Progress
from application.ports.compute import Chunk, Compute
from domain.shared.canonical import signature
from infrastructure.compute.dask_cluster import DaskCluster
from infrastructure.compute.job_files import JobFolder, write_whole
from infrastructure.compute.json_text import decode, encode
from infrastructure.compute.local_pool import LocalPool

REPORT_INTERVAL_S = 0.02


@dataclass(frozen=True, slots=True)
class ComputePlace:
    """Where a child fans out to: a Dask scheduler if there is one, else processes of its own."""

    dask_scheduler: str | None = None
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Everything a child is told; travels as JSON."""

    job_id: str
    owner_id: str
    attempt: int
    run: str
    seed: int | None
    is_resumable: bool
    memory_mb_max: int
    data_dir: str
    database_url: str
    compute: ComputePlace
    spec: Mapping[str, object] = field(hash=False)


class ProgressReporter:
    """Sends the newest report, at most one per `REPORT_INTERVAL_S`, and never loses the last."""

    def __init__(self, send: Callable[[Mapping[str, object]], None]) -> None:
        self._send = send
        self._latest: Progress | None = None
        self._pace: Pace | None = None
        self._wake = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._pump, name="ballast-progress", daemon=True).start()

    def report(self, done: int, total: int | None, unit: str, message: str) -> None:
        """Note where the work is."""
        now_s = time.monotonic()
        if self._pace is None:
            self._pace = Pace(done, now_s)
        eta_s = self._pace.eta_s(done, total, now_s)
        self._latest = Progress(done, total, unit, eta_s, message)
        self._wake.set()

    def flush(self) -> None:
        """Send what was not sent yet."""
        with self._lock:
            latest, self._latest = self._latest, None
            if latest is not None:
                self._send({"type": "progress", "progress": asdict(latest)})

    def _pump(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            self.flush()
            time.sleep(REPORT_INTERVAL_S)


class ChildContext:
    """`JobContext` of one attempt."""

    def __init__(self, assignment: Assignment, reporter: ProgressReporter) -> None:
        self._assignment = assignment
        self._reporter = reporter
        self._files = JobFolder(Path(assignment.data_dir))
        self.job_id = assignment.job_id
        self.owner_id = assignment.owner_id
        self.attempt = assignment.attempt
        self.seed = assignment.seed
        self.data_dir = Path(assignment.data_dir)
        self.database_url = assignment.database_url

    @cached_property
    def scratch_dir(self) -> Path:
        return self._files.scratch(self.job_id)

    @cached_property
    def compute(self) -> Compute:
        place = self._assignment.compute
        if place.dask_scheduler:
            return DaskCluster(place.dask_scheduler)
        return LocalPool(place.workers)

    def report_progress(
        self, done: int, total: int | None = None, unit: str = "", message: str = ""
    ) -> None:
        self._reporter.report(done, total, unit, message)

    def map_chunks(
        self, chunk_fn_name: str, chunks: Sequence[Chunk], *, seed: int | None = None
    ) -> Iterator[object]:
        seed = self.seed if seed is None else seed
        if not self._assignment.is_resumable:
            results = self.compute.map(chunk_fn_name, chunks, seed=seed)
            yield from (decode(encode(result)) for result in results)
            return
        paths = self._chunk_paths(chunk_fn_name, chunks, seed)
        stored = 0
        while stored < len(paths) and paths[stored].exists():
            yield decode(paths[stored].read_bytes())
            stored += 1
        rest = self.compute.map(chunk_fn_name, chunks[stored:], seed=seed, first_index=stored)
        for path, result in zip(paths[stored:], rest, strict=True):
            data = encode(result)
            write_whole(path, data)
            yield decode(data)

    def _chunk_paths(
        self, fn_name: str, chunks: Sequence[Chunk], seed: int | None
    ) -> Sequence[Path]:
        folder = self._files.chunks(self.job_id)
        return [
            folder / f"{index:06d}-{signature([fn_name, seed, dict(chunk)])[:24]}.json"
            for index, chunk in enumerate(chunks)
        ]

    def close(self) -> None:
        """Let the workers go, if there are any."""
        made: Any = self.__dict__.get("compute")
        if made is not None:
            made.close()
