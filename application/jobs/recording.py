"""The event each step of a job appends."""

from typing import Final

from application.jobs.job import Job, JobState
from application.ports.unit_of_work import UnitOfWork
from domain.shared.events import NewEvent, explained

EVENT_OF_STATE: Final = {
    JobState.QUEUED: "job_submitted",
    JobState.RUNNING: "job_started",
    JobState.CANCELLING: "job_cancel_requested",
    JobState.SUCCEEDED: "job_succeeded",
    JobState.FAILED: "job_failed",
    JobState.CANCELLED: "job_cancelled",
    JobState.INTERRUPTED: "job_interrupted",
}


def record(work: UnitOfWork, job: Job, message: str, *, event_type: str | None = None) -> None:
    """Append what happened to the job, named after the state it is in now."""
    outputs: dict[str, object] = {"state": job.state.value, "attempts": job.attempts}
    if job.error is not None:
        outputs["error"] = {"code": job.error.code, "message": job.error.message}
    work.events.append(
        [
            NewEvent(
                type=event_type or EVENT_OF_STATE[job.state],
                aggregate_type="job",
                aggregate_id=job.id,
                account_id=None,
                data=explained(message, inputs={"kind": job.kind}, outputs=outputs),
                occurred_at=work.now,
            )
        ]
    )
