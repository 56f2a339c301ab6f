"""A store with its tables, supervisors on it, and ways to wait for what they do."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from application.context import RequestContext
from application.jobs.cancel import cancel_job
from application.jobs.job import Job, JobState
from application.jobs.queries import get_job, job_result, list_jobs
from application.jobs.submit import SubmitJob, SubmitJobHandler, SubmittedJob
from application.ports.jobs import JobFilter
from application.ports.repositories import EventFilter, Page
from infrastructure.clock import SystemClock
from infrastructure.compute.job_files import JobFolder
from infrastructure.compute.json_text import decode
from infrastructure.compute.launcher import JobSurroundings
from infrastructure.compute.supervisor import DEFAULT_LIMITS, JobSupervisor, SupervisorLimits
from infrastructure.ids import UuidIds
from infrastructure.messaging.in_process_bus import InProcessBus
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore
from infrastructure.persistence.tables import METADATA
from tests.support.databases import empty, opened, sqlite_address
from tests.support.job_kinds import all_kinds

OWNER = RequestContext("usr_owner", "usr_owner", "req_test")
OTHER = RequestContext("usr_other", "usr_other", "req_test")
PATIENCE_S = 20.0


def open_store(address: str) -> SqlStore:
    """A store whose tables exist."""
    database = open_database(address)
    METADATA.create_all(database.writes)
    return SqlStore(database, SystemClock())


@contextmanager
def fresh_address(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """`request.param` names the database: a file in the folder, or the session's PostgreSQL."""
    if request.param == "sqlite":
        yield sqlite_address(folder)
        return
    address: str = request.getfixturevalue("postgresql_address")
    with opened(address) as database:
        empty(database)
    yield address


class JobService:
    """One service process's worth of jobs on a database, restartable."""

    def __init__(
        self, address: str, data_dir: Path, limits: SupervisorLimits = DEFAULT_LIMITS
    ) -> None:
        self.store = open_store(address)
        self.bus = InProcessBus()
        self.kinds = all_kinds()
        self.data_dir = data_dir
        self.files = JobFolder(data_dir)
        self._surroundings = JobSurroundings(data_dir, address)
        self._limits = limits
        self.submit_handler = SubmitJobHandler(UuidIds(), self.kinds)
        self.supervisor = self.new_supervisor()

    def new_supervisor(self) -> JobSupervisor:
        """Not started yet."""
        return JobSupervisor(
            self.store, self.bus, self.kinds, self._surroundings, limits=self._limits
        )

    def restart_supervisor(self) -> None:
        """What a graceful restart of the service does to jobs."""
        self.supervisor.close()
        self.supervisor = self.new_supervisor()
        self.supervisor.start()

    def submit(self, kind: str, spec: dict[str, Any] | None = None, **options: Any) -> Job:
        """Queue a job of the owner."""
        return self.submit_for_answer(kind, spec, **options).job

    def submit_for_answer(
        self, kind: str, spec: dict[str, Any] | None = None, **options: Any
    ) -> SubmittedJob:
        """The same, with the cached flag."""
        request = SubmitJob(kind, spec or {}, **options)
        return self.store.command(lambda work: self.submit_handler(request, work), OWNER).result(10)

    def job(self, job_id: str) -> Job:
        """As stored now."""
        return self.store.query(lambda work: get_job(job_id, work), OWNER)

    def cancel(self, job_id: str) -> Job:
        """As a caller cancels it."""
        return self.store.command(lambda work: cancel_job(job_id, work), OWNER).result(10)

    def result(self, job_id: str) -> Any:
        """The decoded result."""
        read = self.store.query(lambda work: job_result(job_id, work, self.files), OWNER)
        return decode(read())

    def list(self) -> Sequence[Job]:
        """The owner's jobs."""
        return self.store.query(lambda work: list_jobs(JobFilter(), Page(), work), OWNER)

    def events(self, job_id: str) -> Sequence[str]:
        """Types of the job's events in order."""
        where = EventFilter(aggregate_id=job_id)
        return [e.type for e in self.store.query(lambda work: work.events.list(where), OWNER)]

    def until(self, job_id: str, *states: JobState) -> Job:
        """The job once it is in one of the states."""
        job = self.job(job_id)

        def arrived() -> bool:
            nonlocal job
            job = self.job(job_id)
            return job.state in states

        wait_until(arrived, lambda: f"{job_id} is {job.state} ({job.error}), not {states}")
        return job

    def ended(self, job_id: str) -> Job:
        """The job once it succeeded, failed or was cancelled."""
        return self.until(job_id, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)

    def close(self) -> None:
        """Stop everything."""
        self.supervisor.close()
        self.store.close()


def wait_until(
    is_true: Callable[[], bool], otherwise: Callable[[], str] = lambda: "it never came true"
) -> None:
    """Poll until true; fails with the sentence after `PATIENCE_S`."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > deadline_s:
            pytest.fail(otherwise())
        time.sleep(0.01)


def lines_of(path: Path) -> list[str]:
    """Lines a job function wrote, none when it has not yet."""
    return path.read_text().splitlines() if path.exists() else []


def is_alive(pid: int) -> bool:
    """False for a process that is gone or only waits for its parent."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
