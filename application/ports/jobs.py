"""Where jobs are kept, what the function of a job sees, and where large results lie."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from application.jobs.job import Fingerprint, Job, JobState
from application.jobs.progress import Progress
from application.ports.compute import Chunk, Compute
from application.ports.repositories import Page


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Equality filters; None does not filter."""

    kind: str | None = None
    state: JobState | None = None


class Jobs(Protocol):
    """Jobs of the owner; the methods marked «any owner» serve the supervisor.

    `get` raises NotFound `job_not_found`; `save` raises StaleVersion `stale_version` when the
    stored version is not the predecessor of the value's.
    """

    def get(self, job_id: str) -> Job: ...
    def add(self, job: Job) -> None: ...
    def save(self, job: Job) -> None: ...
    def list(self, where: JobFilter, page: Page) -> Sequence[Job]:
        """By id, which is the order of submission."""
        ...

    def count(self, where: JobFilter) -> int: ...
    def find_finished(self, fingerprint: Fingerprint) -> Job | None:
        """The newest job of the owner that succeeded with the fingerprint."""
        ...

    def result(self, job_id: str) -> str | None:
        """JSON text kept in the row; None when there is none or it lies in a file."""
        ...

    def store_result(self, job_id: str, text: str) -> None:
        """Keep a small result beside its job."""
        ...

    def queued(self, limit: int) -> Sequence[Job]:
        """Any owner: oldest first."""
        ...

    def queued_count(self) -> int:
        """Any owner."""
        ...

    def held(self) -> Sequence[Job]:
        """Any owner: running and cancelling."""
        ...

    def interrupted(self, attempts_max_by_kind: Mapping[str, int]) -> Sequence[Job]:
        """Any owner: interrupted jobs of these kinds with attempts left, oldest first."""
        ...

    def beat(self, job_id: str, worker: str, progress: Progress, at: datetime) -> JobState | None:
        """Any owner: note progress and that `worker` is alive, without a new version.

        The state the job is in, or None when `worker` does not hold it any more.
        """
        ...


class JobContext(Protocol):
    """What the function of a job may use. Valid in its own process, until it returns."""

    @property
    def job_id(self) -> str: ...
    @property
    def owner_id(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def seed(self) -> int | None: ...
    @property
    def data_dir(self) -> Path: ...
    @property
    def database_url(self) -> str: ...
    @property
    def scratch_dir(self) -> Path:
        """A folder of this job alone; gone after the job ended."""
        ...

    @property
    def compute(self) -> Compute:
        """Made when first asked for."""
        ...

    def report_progress(
        self, done: int, total: int | None = None, unit: str = "", message: str = ""
    ) -> None:
        """Cheap enough for a call per step: reports are merged."""
        ...

    def map_chunks(
        self, chunk_fn_name: str, chunks: Sequence[Chunk], *, seed: int | None = None
    ) -> Iterator[object]:
        """`compute.map` that keeps finished chunks of resumable kinds and starts after them.

        Results are JSON values; `seed` defaults to the job's.
        """
        ...


class JobFiles(Protocol):
    """Results too large for a row."""

    def read_result(self, job_id: str) -> bytes:
        """JSON. NotFound `job_result_missing` when no file is there."""
        ...
