"""Stop a job: at once while it waits, through its supervisor while it runs."""

from application.jobs.job import Job, JobState
from application.jobs.recording import record
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import Conflict


def cancel_job(job_id: str, work: UnitOfWork) -> Job:
    """The job, cancelled or cancelling. Asking twice is the same as asking once.

    Conflict `job_finished` when it has succeeded or failed.
    """
    job = work.jobs.get(job_id)
    if job.state in (JobState.CANCELLING, JobState.CANCELLED):
        return job
    if job.state in (JobState.SUCCEEDED, JobState.FAILED):
        raise Conflict(
            "job_finished", f"Job {job_id} has {job.state}.", context={"state": job.state.value}
        )
    asked = job.cancel_asked(work.now)
    work.jobs.save(asked)
    record(work, asked, "Cancelling was asked for.")
    return asked
