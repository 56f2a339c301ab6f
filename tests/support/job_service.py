"""A store with its tables, supervisors on it, and ways to wait for what they do."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

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
from tests.support.job_kinds import all_kinds

DEFAULT_POSTGRES = "postgresql+psycopg://root@127.0.0.1:5432/test"
OWNER = RequestContext("usr_owner", "usr_owner", "req_test")
OTHER = RequestContext("usr_other", "usr_other", "req_test")
PATIENCE_S = 20.0


def open_store(address: str) -> SqlStore:
    """A store whose tables exist."""
    database = open_database(address)
    METADATA.create_all(database.writes)
    return SqlStore(database, SystemClock())


def sqlite_address(folder: Path) -> str:
    """A database file in the folder."""
    return f"sqlite:///{folder / 'ballast.db'}"


def postgres_url() -> str:
    """BALLAST_TEST_DATABASE_URL, else the local server."""
    return os.environ.get("BALLAST_TEST_DATABASE_URL") or DEFAULT_POSTGRES


@cache
def why_no_postgres() -> str | None:
    """None if the server answers, else a sentence for the skip report."""
    url = make_url(postgres_url())
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return f"No PostgreSQL at {url.host}:{url.port} ({type(error).__name__})."
    return None


@contextmanager
def postgres_address() -> Iterator[str]:
    """A schema of its own on the server, dropped afterwards; skips without a server."""
    reason = why_no_postgres()
    if reason is not None:
        pytest.skip(reason)
    url = make_url(postgres_url())
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    schema = f"jobs_{uuid4().hex[:12]}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
    own = url.update_query_dict({"options": f"-csearch_path={schema}"})
    try:
        yield own.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


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
