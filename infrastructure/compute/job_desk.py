"""The supervisor's side of the store: each step of a job is one command, then told to watchers."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from application.context import SYSTEM, RequestContext
from application.jobs.job import Job, JobError, JobState
from application.jobs.kinds import JobKinds
from application.jobs.signals import JobSignal, to_payload, topic_of
from application.jobs.supervision import (
    Holding,
    break_job,
    claim_job,
    finish_job,
    lose_job,
    requeue_job,
)
from application.ports.bus import Bus
from application.ports.unit_of_work import Store, UnitOfWork
from infrastructure.compute.running_child import RunningChild
from infrastructure.compute.worker_identity import is_surely_gone

T = TypeVar("T")

ACTOR = "job_supervisor"
COMMAND_TIMEOUT_S = 30.0


class JobDesk:
    """Commands of one supervisor, named `worker`. Used by its thread only."""

    def __init__(self, store: Store, bus: Bus, kinds: JobKinds, worker: str) -> None:
        self._store = store
        self._bus = bus
        self._kinds = kinds
        self.worker = worker

    def held(self) -> tuple[datetime, Sequence[Job]]:
        """The store's clock and every job that some supervisor holds."""
        return self._store.query(lambda work: (work.now, work.jobs.held()), SYSTEM)

    def claim(self, count: int) -> list[Job]:
        """Up to `count` queued jobs, now running under this worker."""
        waiting = self._store.query(lambda work: work.jobs.queued(count), SYSTEM)
        claimed = (self._command(job, partial(claim_job, job.id, self.worker)) for job in waiting)
        taken = [job for job in claimed if job is not None]
        for job in taken:
            self._tell(job)
        return taken

    def beat(self, child: RunningChild) -> JobState | None:
        """Note progress and life; the job's state, None when it is held by nobody or another."""
        progress, job_id = child.progress, child.job.id
        state = self._command(
            child.job, lambda work: work.jobs.beat(job_id, self.worker, progress, work.now)
        )
        child.saved_progress = progress
        return state

    def settle(self, child: RunningChild) -> Job | None:
        """Record how a child ended; None when its attempt is not this supervisor's any more."""
        outcome = child.outcome()

        def record(work: UnitOfWork) -> Job | None:
            work.jobs.beat(child.job.id, self.worker, child.progress, work.now)
            if isinstance(outcome, JobError):
                return break_job(child.holding, outcome, work)
            return finish_job(child.holding, outcome, work)

        ended = self._command(child.job, record)
        if ended is not None:
            self.announce(child, ended.state)
        return ended

    def fail(self, job: Job, error: JobError) -> None:
        """Record that a claimed job could not be started."""
        holding = Holding(job.id, job.attempts, self.worker)
        self._tell(self._command(job, partial(break_job, holding, error)))

    def lose(self, job: Job) -> Job | None:
        """Mark a held job whose holder is gone."""
        holding = Holding(job.id, job.attempts, job.worker or "")
        kind = self._kinds.find(job.kind)
        lost = self._command(job, partial(lose_job, holding, kind))
        self._tell(lost)
        return lost

    def is_abandoned(self, job: Job, now: datetime, lease_s: float) -> bool:
        """True when the holder's process is gone or has been silent for longer than the lease."""
        if job.worker is None or job.beat_at is None:
            return True
        return is_surely_gone(job.worker) or now - job.beat_at > timedelta(seconds=lease_s)

    def requeue_interrupted(self) -> None:
        """Queue interrupted jobs again as far as their kinds allow."""
        limits = {kind.name: kind.attempts_max for kind in self._kinds if kind.attempts_max > 1}
        for job in self._store.query(lambda work: work.jobs.interrupted(limits), SYSTEM):
            self._tell(self._command(job, partial(requeue_job, job.id, self._kinds)))

    def announce(self, child: RunningChild, state: JobState | None = None) -> None:
        """Tell watchers where a child's job is."""
        signal = child.signal(state or JobState.RUNNING)
        self._bus.publish(topic_of(child.job.id), to_payload(signal))

    def _tell(self, job: Job | None) -> None:
        if job is not None:
            signal = JobSignal(job.state, job.attempts, 0, job.progress)
            self._bus.publish(topic_of(job.id), to_payload(signal))

    def _command(self, job: Job, command: Callable[[UnitOfWork], T]) -> T:
        context = RequestContext(job.owner_id, ACTOR, job.id)
        return self._store.command(command, context).result(timeout=COMMAND_TIMEOUT_S)
