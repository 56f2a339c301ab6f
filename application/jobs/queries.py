"""Read jobs and their results."""

from collections.abc import Callable, Sequence

from application.jobs.job import Job, JobState
from application.ports.jobs import JobFiles, JobFilter
from application.ports.repositories import Page
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import Conflict


def get_job(job_id: str, work: UnitOfWork) -> Job:
    """The owner's job; NotFound `job_not_found`."""
    return work.jobs.get(job_id)


def list_jobs(where: JobFilter, page: Page, work: UnitOfWork) -> Sequence[Job]:
    """The owner's jobs in order of submission."""
    return work.jobs.list(where, page)


def job_result(job_id: str, work: UnitOfWork, files: JobFiles) -> Callable[[], bytes]:
    """A reader of the JSON result, to be called outside the transaction: it may be a large file.

    Conflict `job_not_finished` before the end, `job_has_no_result` when it failed or was cancelled.
    """
    job = work.jobs.get(job_id)
    if job.state is not JobState.SUCCEEDED:
        code = "job_has_no_result" if job.is_ended else "job_not_finished"
        raise Conflict(code, f"Job {job_id} is {job.state}.", context={"state": job.state.value})
    text = work.jobs.result(job_id)
    if text is None:
        return lambda: files.read_result(job_id)
    return text.encode
