"""Jobs on SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, or_, select, update

from application.context import RequestContext
from application.jobs.job import HELD, Fingerprint, Job, JobError, JobState
from application.jobs.progress import Progress
from application.ports.jobs import JobFilter
from application.ports.repositories import Page
from domain.shared.errors import NotFound, StaleVersion
from infrastructure.persistence.paging import paged
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.jobs import jobs

_FIELDS = tuple(f.name for f in fields(Job))
_COLUMNS = [jobs.c[name] for name in _FIELDS]
_MUTABLE = (
    "state", "progress", "attempts", "started_at", "finished_at", "error", "result_url", "worker",
    "beat_at", "version",
)  # fmt: skip
_IS_HELD = or_(*(jobs.c.state == state.value for state in sorted(HELD)))

_INSERT = insert(jobs)
_BY_ID = select(*_COLUMNS).where(
    jobs.c.id == bindparam("id"), jobs.c.owner_id == bindparam("owner_id")
)
_UPDATE = (
    update(jobs)
    .where(jobs.c.id == bindparam("key"), jobs.c.version == bindparam("before"))
    .values({name: bindparam(name) for name in _MUTABLE})
)
_FINISHED = (
    select(*_COLUMNS)
    .where(
        jobs.c.owner_id == bindparam("owner_id"),
        jobs.c.spec_hash == bindparam("spec_hash"),
        jobs.c.kind == bindparam("kind"),
        jobs.c.engine_version == bindparam("engine_version"),
        jobs.c.state == JobState.SUCCEEDED.value,
    )
    .order_by(jobs.c.id.desc())
)
_RESULT = select(jobs.c.result).where(
    jobs.c.id == bindparam("id"), jobs.c.owner_id == bindparam("owner_id")
)
_STORE_RESULT = (
    update(jobs)
    .where(jobs.c.id == bindparam("key"), jobs.c.owner_id == bindparam("owner_id"))
    .values(result=bindparam("result"))
)
_QUEUED = (
    select(*_COLUMNS)
    .where(jobs.c.state == JobState.QUEUED.value)
    .order_by(jobs.c.id)
    .limit(bindparam("row_limit"))
)
_QUEUED_COUNT = select(func.count().label("n")).where(jobs.c.state == JobState.QUEUED.value)
_ALL_HELD = select(*_COLUMNS).where(_IS_HELD).order_by(jobs.c.id)
_BEAT = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("key"),
        jobs.c.worker == bindparam("holder"),
        _IS_HELD,
    )
    .values(beat_at=bindparam("beat_at"), progress=bindparam("progress"))
)
_STATE = select(jobs.c.state).where(jobs.c.id == bindparam("id"))


class SqlJobs:
    """`Jobs` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def get(self, job_id: str) -> Job:
        row = self._session.one(_BY_ID, id=job_id, owner_id=self._owner_id)
        if row is None:
            raise NotFound("job_not_found", f"No job {job_id}.")
        return _job(row)

    def add(self, job: Job) -> None:
        self._session.run(_INSERT, **_row(job, _FIELDS), result=None)

    def save(self, job: Job) -> None:
        row = _row(job, _MUTABLE)
        if self._session.run(_UPDATE, key=job.id, before=job.version - 1, **row) != 1:
            raise StaleVersion("stale_version", f"Job {job.id} changed meanwhile.")

    def list(self, where: JobFilter, page: Page) -> Sequence[Job]:
        query = paged(self._filtered(select(*_COLUMNS), where), jobs.c.id, page)
        return [_job(row) for row in self._session.built(query)]

    def count(self, where: JobFilter) -> int:
        counted = self._filtered(select(func.count().label("n")).select_from(jobs), where)
        return int(self._session.built(counted)[0]["n"])

    def _filtered(self, query: Select[Any], where: JobFilter) -> Select[Any]:
        query = query.where(jobs.c.owner_id == self._owner_id)
        if where.kind is not None:
            query = query.where(jobs.c.kind == where.kind)
        if where.state is not None:
            query = query.where(jobs.c.state == where.state.value)
        return query

    def find_finished(self, fingerprint: Fingerprint) -> Job | None:
        rows = self._session.all(
            _FINISHED,
            owner_id=self._owner_id,
            spec_hash=fingerprint.spec_hash,
            kind=fingerprint.kind,
            engine_version=fingerprint.engine_version,
        )
        # Seed and data hash may be NULL, which SQL does not compare; equal specs are few.
        found = (job for job in map(_job, rows) if job.fingerprint == fingerprint)
        return next(found, None)

    def result(self, job_id: str) -> str | None:
        row = self._session.one(_RESULT, id=job_id, owner_id=self._owner_id)
        return None if row is None else row["result"]

    def store_result(self, job_id: str, text: str) -> None:
        self._session.run(_STORE_RESULT, key=job_id, owner_id=self._owner_id, result=text)

    def queued(self, limit: int) -> Sequence[Job]:
        return [_job(row) for row in self._session.all(_QUEUED, row_limit=limit)]

    def queued_count(self) -> int:
        row = self._session.one(_QUEUED_COUNT)
        return int(row["n"]) if row else 0

    def held(self) -> Sequence[Job]:
        return [_job(row) for row in self._session.all(_ALL_HELD)]

    def interrupted(self, attempts_max_by_kind: Mapping[str, int]) -> Sequence[Job]:
        if not attempts_max_by_kind:
            return []
        returnable: list[ColumnElement[bool]] = [
            and_(jobs.c.kind == kind, jobs.c.attempts < attempts_max)
            for kind, attempts_max in attempts_max_by_kind.items()
        ]
        query = select(*_COLUMNS).where(
            jobs.c.state == JobState.INTERRUPTED.value, or_(*returnable)
        )
        return [_job(row) for row in self._session.built(query.order_by(jobs.c.id))]

    def beat(self, job_id: str, worker: str, progress: Progress, at: datetime) -> JobState | None:
        beaten = self._session.run(
            _BEAT, key=job_id, holder=worker, beat_at=at, progress=asdict(progress)
        )
        if beaten != 1:
            return None
        row = self._session.one(_STATE, id=job_id)
        return None if row is None else JobState(row["state"])


def _row(job: Job, names: Sequence[str]) -> Row:
    row: Row = {name: getattr(job, name) for name in names}
    row["progress"] = asdict(job.progress)
    row["error"] = None if job.error is None else asdict(job.error)
    return row


def _job(row: Row) -> Job:
    progress = row["progress"]
    eta_s = progress["eta_s"]
    row["progress"] = Progress(**{**progress, "eta_s": None if eta_s is None else float(eta_s)})
    row["error"] = None if row["error"] is None else JobError(**row["error"])
    row["state"] = JobState(row["state"])
    return Job(**row)
