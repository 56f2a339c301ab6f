"""Answers about jobs."""

from typing import Any

from pydantic import Field

from app.api.wire import AnswerModel, Moment
from application.jobs.job import Job, JobState
from application.jobs.progress import Progress


class JobProgressOut(AnswerModel):
    """How far it is, counted in `unit`; null where that is not known."""

    done: int
    total: int | None
    unit: str
    eta_s: float | None = Field(description="Seconds left at the pace of this attempt.")
    message: str


class JobErrorOut(AnswerModel):
    """Why it failed."""

    code: str
    message: str


class JobOut(AnswerModel):
    """A job. `cached` is true where an equal finished job answered a submit."""

    id: str
    kind: str
    state: JobState
    spec: dict[str, Any]
    seed: int | None
    data_hash: str | None
    engine_version: str
    progress: JobProgressOut
    attempts: int
    memory_mb_max: int
    timeout_s: int
    submitted_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    error: JobErrorOut | None
    result_url: str | None
    cached: bool = False


class JobMovedOut(AnswerModel):
    """One step of a stream."""

    id: str
    state: JobState
    attempts: int
    progress: JobProgressOut


def progress_out(progress: Progress) -> JobProgressOut:
    """Progress on the wire."""
    return JobProgressOut(
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        eta_s=progress.eta_s,
        message=progress.message,
    )


def job_out(job: Job, *, cached: bool = False) -> JobOut:
    """A job on the wire."""
    error = (
        None if job.error is None else JobErrorOut(code=job.error.code, message=job.error.message)
    )
    return JobOut(
        id=job.id,
        kind=job.kind,
        state=job.state,
        spec=dict(job.spec),
        seed=job.seed,
        data_hash=job.data_hash,
        engine_version=job.engine_version,
        progress=progress_out(job.progress),
        attempts=job.attempts,
        memory_mb_max=job.memory_mb_max,
        timeout_s=job.timeout_s,
        submitted_at=job.submitted_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        error=None if error is None else JobErrorOut(code=error.code, message=error.message),
        result_url=job.result_url,
        cached=cached,
    )


def moved_out(job: Job) -> JobMovedOut:
    """The part of a job that moves while it runs."""
    return JobMovedOut(
        id=job.id, state=job.state, attempts=job.attempts, progress=progress_out(job.progress)
    )
