"""One piece of heavy work: a row that says what to do, how far it is and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from application.jobs.progress import NOT_BEGUN, Progress
from domain.shared.errors import Defect


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class JobFact(StrEnum):
    """What happens to a job."""

    CLAIMED = "claimed"
    FINISHED = "finished"
    BROKE = "broke"
    CANCEL_ASKED = "cancel_asked"
    LOST = "lost"
    REQUEUED = "requeued"


TRANSITIONS: Mapping[tuple[JobState, JobFact], JobState] = {
    (JobState.QUEUED, JobFact.CLAIMED): JobState.RUNNING,
    (JobState.QUEUED, JobFact.CANCEL_ASKED): JobState.CANCELLED,
    (JobState.RUNNING, JobFact.FINISHED): JobState.SUCCEEDED,
    (JobState.RUNNING, JobFact.BROKE): JobState.FAILED,
    (JobState.RUNNING, JobFact.CANCEL_ASKED): JobState.CANCELLING,
    (JobState.RUNNING, JobFact.LOST): JobState.INTERRUPTED,
    # Whatever ends the child first, the caller was told that the job is being cancelled.
    (JobState.CANCELLING, JobFact.FINISHED): JobState.CANCELLED,
    (JobState.CANCELLING, JobFact.BROKE): JobState.CANCELLED,
    (JobState.CANCELLING, JobFact.LOST): JobState.CANCELLED,
    (JobState.INTERRUPTED, JobFact.REQUEUED): JobState.QUEUED,
    (JobState.INTERRUPTED, JobFact.CANCEL_ASKED): JobState.CANCELLED,
}

FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
ENDED = FINAL | {JobState.INTERRUPTED}
HELD = frozenset({JobState.RUNNING, JobState.CANCELLING})


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed: a code clients switch on and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a pure result depends on; equal fingerprints have equal results."""

    kind: str
    spec_hash: str
    seed: int | None
    data_hash: str | None
    engine_version: str


@dataclass(frozen=True, slots=True)
class Job:
    """`worker` and `beat_at` say which supervisor holds a running job and when it last said so."""

    id: str
    owner_id: str
    kind: str
    spec: Mapping[str, object] = field(hash=False)
    spec_hash: str
    seed: int | None
    data_hash: str | None
    engine_version: str
    memory_mb_max: int
    timeout_s: int
    submitted_at: datetime
    state: JobState = JobState.QUEUED
    progress: Progress = NOT_BEGUN
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: JobError | None = None
    result_url: str | None = None
    worker: str | None = None
    beat_at: datetime | None = None
    version: int = 1

    @property
    def is_ended(self) -> bool:
        """True when nothing works on it; an interrupted job may be queued again."""
        return self.state in ENDED

    @property
    def fingerprint(self) -> Fingerprint:
        """Key of its result."""
        return Fingerprint(
            self.kind, self.spec_hash, self.seed, self.data_hash, self.engine_version
        )

    def claimed(self, worker: str, at: datetime) -> "Job":
        """One more attempt begins under `worker`."""
        moved = self._after(JobFact.CLAIMED)
        return replace(
            moved,
            attempts=self.attempts + 1,
            worker=worker,
            beat_at=at,
            started_at=at,
            progress=NOT_BEGUN,
        )

    def finished(self, at: datetime, result_url: str) -> "Job":
        """The child delivered; a job that is being cancelled ends cancelled all the same."""
        moved = self._released(JobFact.FINISHED, at)
        return replace(moved, result_url=result_url) if moved.state is JobState.SUCCEEDED else moved

    def broke(self, at: datetime, error: JobError) -> "Job":
        """The child failed, died or was stopped at a limit."""
        moved = self._released(JobFact.BROKE, at)
        return replace(moved, error=error) if moved.state is JobState.FAILED else moved

    def cancel_asked(self, at: datetime) -> "Job":
        """Ends at once what does not run; asks the supervisor to stop what does."""
        if self.state in HELD:
            return self._after(JobFact.CANCEL_ASKED)
        return self._released(JobFact.CANCEL_ASKED, at)

    def lost(self, at: datetime) -> "Job":
        """The supervisor went away while it ran."""
        return self._released(JobFact.LOST, at)

    def requeued(self) -> "Job":
        """Waits for another attempt."""
        return replace(self._after(JobFact.REQUEUED), finished_at=None)

    def _released(self, fact: JobFact, at: datetime) -> "Job":
        return replace(self._after(fact), worker=None, beat_at=None, finished_at=at)

    def _after(self, fact: JobFact) -> "Job":
        state = TRANSITIONS.get((self.state, fact))
        if state is None:
            raise Defect(
                "illegal_job_transition",
                f"A job that is {self.state} cannot be {fact}.",
                context={"job_id": self.id, "state": self.state.value, "fact": fact.value},
            )
        return replace(self, state=state, version=self.version + 1)
