"""The supervisor's commands: take a job, end it, give it back. Each reads the row again inside its
transaction, so several supervisors on one store never hold the same attempt."""

from dataclasses import dataclass

from application.jobs.job import HELD, Job, JobError, JobState
from application.jobs.kinds import JobKind, JobKinds
from application.jobs.recording import record
from application.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Holding:
    """One attempt under one supervisor."""

    job_id: str
    attempt: int
    worker: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The child's result: JSON text for the row, or None when the child wrote a file."""

    text: str | None
    result_url: str


def claim_job(job_id: str, worker: str, work: UnitOfWork) -> Job | None:
    """The running job, or None when somebody else took or cancelled it first."""
    job = work.jobs.get(job_id)
    if job.state is not JobState.QUEUED:
        return None
    claimed = job.claimed(worker, work.now)
    work.jobs.save(claimed)
    record(work, claimed, f"Attempt {claimed.attempts} began.")
    return claimed


def finish_job(holding: Holding, delivered: Delivered, work: UnitOfWork) -> Job | None:
    """Store the result; None when the attempt is not this supervisor's any more."""
    job = _held(holding, work)
    if job is None:
        return None
    ended = job.finished(work.now, delivered.result_url)
    if ended.state is JobState.SUCCEEDED and delivered.text is not None:
        work.jobs.store_result(job.id, delivered.text)
    return _ended(ended, "The result is stored.", work)


def break_job(holding: Holding, error: JobError, work: UnitOfWork) -> Job | None:
    """Record a failure; None when the attempt is not this supervisor's any more."""
    job = _held(holding, work)
    return None if job is None else _ended(job.broke(work.now, error), error.message, work)


def lose_job(holding: Holding, kind: JobKind | None, work: UnitOfWork) -> Job | None:
    """Mark an attempt whose supervisor stops or died; None when it has ended or moved on."""
    job = _held(holding, work)
    if job is None:
        return None
    can_return = kind is not None and job.attempts < kind.attempts_max
    message = "The service stopped while it ran; " + (
        "it will be queued again." if can_return else "it is not queued again."
    )
    return _ended(job.lost(work.now), message, work)


def requeue_job(job_id: str, kinds: JobKinds, work: UnitOfWork) -> Job | None:
    """Queue an interrupted job again if its kind has attempts left; None when it has not."""
    job = work.jobs.get(job_id)
    kind = kinds.find(job.kind)
    if job.state is not JobState.INTERRUPTED or kind is None or job.attempts >= kind.attempts_max:
        return None
    queued = job.requeued()
    work.jobs.save(queued)
    record(work, queued, "It was queued again.", event_type="job_requeued")
    return queued


def _held(holding: Holding, work: UnitOfWork) -> Job | None:
    job = work.jobs.get(holding.job_id)
    is_mine = job.worker == holding.worker and job.attempts == holding.attempt
    return job if is_mine and job.state in HELD else None


def _ended(job: Job, message: str, work: UnitOfWork) -> Job:
    work.jobs.save(job)
    if job.state is JobState.CANCELLED:
        message = "It was cancelled."
    record(work, job, message)
    return job
