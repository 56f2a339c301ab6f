"""The hint that a job moved: newest wins, so a watcher that is late still sees where the job is."""

import json
from dataclasses import asdict, dataclass

from application.jobs.job import JobState
from application.jobs.progress import Progress


@dataclass(frozen=True, slots=True)
class JobSignal:
    """`step` counts the reports of one attempt, so (attempt, step) grows while a job runs."""

    state: JobState
    attempt: int
    step: int
    progress: Progress


def topic_of(job_id: str) -> str:
    """Topic on the bus."""
    return f"job.{job_id}"


def to_payload(signal: JobSignal) -> bytes:
    """JSON bytes."""
    return json.dumps(asdict(signal), separators=(",", ":")).encode()


def from_payload(payload: bytes) -> JobSignal:
    """Inverse of `to_payload`."""
    fields = json.loads(payload)
    return JobSignal(
        state=JobState(fields["state"]),
        attempt=fields["attempt"],
        step=fields["step"],
        progress=Progress(**fields["progress"]),
    )
