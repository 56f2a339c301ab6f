"""Runs queued jobs in children: claims, limits, follows, cancels, records; takes over lost ones.

One thread of the service process. Several supervisors, in one process or many, may share a store:
a job is claimed in one transaction and held by a beat; whoever finds a beat older than the lease,
or a holder whose process is gone, marks the job interrupted and queues it again if its kind allows.
"""

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait

import structlog

from application.jobs.job import HELD, Job, JobError, JobState
from application.jobs.kinds import JobKinds
from application.ports.bus import Bus
from application.ports.unit_of_work import Store
from domain.shared.errors import Unavailable
from infrastructure.compute.job_desk import JobDesk
from infrastructure.compute.job_files import JobFolder
from infrastructure.compute.launcher import ChildLauncher, JobSurroundings
from infrastructure.compute.memory_use import held_mb_by_group
from infrastructure.compute.running_child import RunningChild, StopReason
from infrastructure.compute.worker_identity import new_worker_id

log = structlog.get_logger("ballast.jobs")

CLOSE_TIMEOUT_S = 10.0
KILL_WAIT_S = 3.0
RETRY_AFTER_FAILURE_S = 0.5


@dataclass(frozen=True, slots=True)
class SupervisorLimits:
    """`save_interval_s` spaces writes of progress; `lease_s` is how long a holder may be silent."""

    concurrent_max: int = 2
    look_interval_s: float = 0.5
    look_spacing_s: float = 0.02
    watch_interval_s: float = 0.2
    save_interval_s: float = 0.5
    recover_interval_s: float = 5.0
    lease_s: float = 15.0


DEFAULT_LIMITS = SupervisorLimits()


@dataclass(slots=True)
class SupervisorStatistics:
    """Counters for metrics; written by the supervisor's thread only.

    The start latency counts from the claim's commit to the child's first word.
    """

    started: int = 0
    running: int = 0
    failures: int = 0
    last_start_latency_ms: float | None = None


class JobSupervisor:
    """Start it once per service process; `close` leaves no child behind."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        kinds: JobKinds,
        surroundings: JobSurroundings,
        *,
        limits: SupervisorLimits = DEFAULT_LIMITS,
        preload: Sequence[str] = (),
    ) -> None:
        self._kinds = kinds
        self._limits = limits
        self._desk = JobDesk(store, bus, kinds, new_worker_id())
        self._launcher = ChildLauncher(surroundings, preload)
        self._files = JobFolder(surroundings.data_dir)
        self._children: list[RunningChild] = []
        self._stop = threading.Event()
        self._is_roused = threading.Event()
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._looked_s = self._watched_s = self._recovered_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name="ballast-jobs", daemon=True)
        self.statistics = SupervisorStatistics()
        store.on_commit(lambda _seq: self.wake())

    def start(self) -> None:
        """Begin with what an earlier run left behind, then with the queue."""
        self._is_roused.set()
        self._thread.start()

    def wake(self) -> None:
        """Look at the store soon. Callable from any thread, never blocks."""
        if not self._is_roused.is_set() and not self._stop.is_set():
            self._is_roused.set()
            with suppress(OSError):
                self._mouth.send(b".")

    @property
    def is_alive(self) -> bool:
        """True while the supervising thread runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Kill what runs, mark it interrupted, stop within 10 s. Idempotent."""
        if self._thread.is_alive():
            self.wake()
            self._stop.set()
            self._thread.join(CLOSE_TIMEOUT_S)
        if not self._thread.is_alive():
            self._ear.close()
            self._mouth.close()

    def _run(self) -> None:
        self._launcher.warm()
        while not self._stop.is_set():
            try:
                self._pause()
                self._turn()
            except Unavailable as outage:
                self.statistics.failures += 1
                log.warning("job_supervisor_waits", reason=outage.message)
                self._stop.wait(RETRY_AFTER_FAILURE_S)
            except Exception:
                self.statistics.failures += 1
                log.exception("job_supervisor_turn_failed")
                self._stop.wait(RETRY_AFTER_FAILURE_S)
        self._leave()

    def _pause(self) -> None:
        limits = self._limits
        if self._is_roused.is_set():
            timeout_s = max(0.0, self._looked_s + limits.look_spacing_s - time.monotonic())
        else:
            timeout_s = limits.watch_interval_s if self._children else limits.look_interval_s
        watched = [item for child in self._children for item in child.waitables]
        wait([self._ear, *watched], timeout_s)
        with suppress(BlockingIOError):
            self._ear.recv(64)

    def _turn(self) -> None:
        for child in self._children:
            if child.pump():
                self._desk.announce(child)
            self._note_start(child)
        self._settle_exited()
        self._enforce_limits()
        self._save_progress()
        since_look_s = time.monotonic() - self._looked_s
        is_spaced = since_look_s >= self._limits.look_spacing_s
        if (self._is_roused.is_set() and is_spaced) or since_look_s >= self._limits.look_interval_s:
            self._look()

    def _note_start(self, child: RunningChild) -> None:
        if child.start_latency_ms is not None:
            self.statistics.last_start_latency_ms = child.start_latency_ms

    def _settle_exited(self) -> None:
        for child in [child for child in self._children if child.has_exited]:
            child.pump()
            if child.stop_reason is not StopReason.DISOWNED:
                self._settle(child)
            self._drop(child)
            self._is_roused.set()

    def _settle(self, child: RunningChild) -> None:
        ended = self._desk.settle(child)
        if ended is not None:
            self._files.forget(ended.id, keep_result=ended.state is JobState.SUCCEEDED)

    def _drop(self, child: RunningChild) -> None:
        self._children.remove(child)
        self.statistics.running = len(self._children)
        child.release()

    def _enforce_limits(self) -> None:
        now_s = time.monotonic()
        if not self._children or now_s - self._watched_s < self._limits.watch_interval_s:
            return
        self._watched_s = now_s
        groups = {child.process.pid for child in self._children if child.process.pid is not None}
        held_mb = held_mb_by_group(groups)
        for child in self._children:
            if child.overstays(now_s):
                child.kill()
            elif child.has_outcome:
                continue
            elif held_mb.get(child.process.pid or 0, 0.0) > child.job.memory_mb_max:
                child.stop(StopReason.MEMORY)
            elif now_s - child.begun_s > child.job.timeout_s:
                child.stop(StopReason.TIMEOUT)

    def _save_progress(self) -> None:
        now_s = time.monotonic()
        for child in self._children:
            has_news = child.progress != child.saved_progress
            interval_s = self._limits.save_interval_s if has_news else self._limits.lease_s / 3
            if now_s - child.beat_s >= interval_s:
                child.beat_s = now_s
                self._heed(child, self._desk.beat(child))

    def _heed(self, child: RunningChild, state: JobState | None) -> None:
        if state is JobState.CANCELLING:
            child.stop(StopReason.CANCELLED)
        elif state not in HELD:
            child.stop(StopReason.DISOWNED)

    def _look(self) -> None:
        self._is_roused.clear()
        self._looked_s = time.monotonic()
        now, held = self._desk.held()
        lease_s = self._limits.lease_s
        states = {(job.id, job.attempts): job.state for job in held if self._is_mine(job)}
        for child in self._children:
            self._heed(child, states.pop((child.job.id, child.job.attempts), None))
        for job in held:
            # A job held in this name without a child was claimed just as the store failed.
            is_orphan = (job.id, job.attempts) in states
            is_left = not self._is_mine(job) and self._desk.is_abandoned(job, now, lease_s)
            if is_orphan or is_left:
                self._lose(job)
        if self._looked_s - self._recovered_s >= self._limits.recover_interval_s:
            self._recovered_s = self._looked_s
            self._desk.requeue_interrupted()
        free = self._limits.concurrent_max - len(self._children)
        if free > 0 and not self._stop.is_set():
            for job in self._desk.claim(free):
                self._launch(job)

    def _is_mine(self, job: Job) -> bool:
        return job.worker == self._desk.worker

    def _lose(self, job: Job) -> None:
        lost = self._desk.lose(job)
        if lost is None:
            return
        log.warning("job_interrupted", job_id=job.id, kind=job.kind, attempt=job.attempts)
        self._recovered_s = float("-inf")
        kind = self._kinds.find(job.kind)
        if lost.state is JobState.CANCELLED or kind is None or not kind.is_resumable:
            self._files.forget(job.id, keep_result=False)

    def _launch(self, job: Job) -> None:
        kind = self._kinds.find(job.kind)
        if kind is None:
            message = f"This service has no job kind {job.kind}."
            self._desk.fail(job, JobError("job_kind_unknown", message))
            return
        try:
            child = self._launcher.launch(job, kind)
        except OSError as error:
            message = f"No process could be started: {type(error).__name__}."
            self._desk.fail(job, JobError("child_not_started", message))
            return
        self._children.append(child)
        self.statistics.started += 1
        self.statistics.running = len(self._children)

    def _leave(self) -> None:
        for child in self._children:
            child.pump()
            if not child.has_outcome:
                child.stop(StopReason.SHUTDOWN)
        deadline_s = time.monotonic() + KILL_WAIT_S
        for child in list(self._children):
            child.process.join(max(0.0, deadline_s - time.monotonic()))
            child.pump()
            try:
                self._hand_back(child)
            except Exception:
                # Its row stays held by a name that is gone; the next supervisor takes it over.
                log.exception("job_not_handed_back", job_id=child.job.id)

    def _hand_back(self, child: RunningChild) -> None:
        if child.has_outcome or child.stop_reason is not StopReason.SHUTDOWN:
            self._settle(child)
            return
        self._desk.beat(child)
        self._desk.lose(child.job)
