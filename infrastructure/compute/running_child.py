"""One child as its supervisor sees it: what it reported, whether it lives, how it ended."""

import signal
import time
from enum import StrEnum
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import structlog

from application.jobs.job import Job, JobError, JobState
from application.jobs.kinds import JobKind
from application.jobs.progress import NOT_BEGUN, Progress
from application.jobs.signals import JobSignal
from application.jobs.supervision import Delivered, Holding
from infrastructure.compute.json_text import decode
from infrastructure.compute.kinship import kill_group

log = structlog.get_logger("ballast.jobs")

LEAVING_S_MAX = 2.0


class StopReason(StrEnum):
    """Why the supervisor killed a child."""

    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    SHUTDOWN = "shutdown"
    DISOWNED = "disowned"


class RunningChild:
    """Used by the supervisor's thread only."""

    def __init__(
        self,
        job: Job,
        kind: JobKind,
        process: BaseProcess,
        connection: Connection,
        begun_s: float,
    ) -> None:
        assert job.worker is not None
        self.job = job
        self.kind = kind
        self.holding = Holding(job.id, job.attempts, job.worker)
        self.process = process
        self.connection = connection
        self.begun_s = self.beat_s = begun_s
        self.start_latency_ms: float | None = None
        self.progress: Progress = NOT_BEGUN
        self.saved_progress: Progress = NOT_BEGUN
        self.stop_reason: StopReason | None = None
        self._step = 0
        self._outcome: Delivered | JobError | None = None
        self._outcome_s = 0.0
        self._is_open = True

    @property
    def waitables(self) -> list[Connection | int]:
        """What becomes ready when the child says something or ends."""
        if self._is_open:
            return [self.connection, self.process.sentinel]
        return [self.process.sentinel]

    @property
    def has_exited(self) -> bool:
        """True once the process is gone."""
        return self.process.exitcode is not None

    @property
    def has_outcome(self) -> bool:
        """True once the child said how it went."""
        return self._outcome is not None

    def pump(self) -> bool:
        """Read what the child said; True when its progress moved."""
        before = self._step
        try:
            while self._is_open and self.connection.poll():
                self._take(self.connection.recv_bytes())
        except (EOFError, OSError):
            self._is_open = False
        return self._step != before

    def _take(self, data: bytes) -> None:
        message = decode(data)
        kind = message["type"]
        if kind == "started":
            self.start_latency_ms = (time.monotonic() - self.begun_s) * 1000
        elif kind == "progress":
            self.progress = Progress(**message["progress"])
            self._step += 1
        else:
            self._outcome_s = time.monotonic()
            self._outcome = self._ending(message)

    def _ending(self, message: dict[str, str | None]) -> Delivered | JobError:
        if message["type"] == "result":
            url = self.kind.result_url.format(job_id=self.job.id)
            return Delivered(message["text"], url)
        if message["trace"]:
            log.error("job_failed", job_id=self.job.id, kind=self.kind.name, trace=message["trace"])
        return JobError(str(message["code"]), str(message["message"]))

    def stop(self, reason: StopReason) -> None:
        """Kill it, once; its end is seen like any other."""
        if self.stop_reason is None and not self.has_exited:
            self.stop_reason = reason
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the child and its group, unless it is gone already."""
        if self.process.pid is not None and not self.has_exited:
            kill_group(self.process.pid)

    def overstays(self, now_s: float) -> bool:
        """True when it has delivered and still does not leave."""
        return self.has_outcome and now_s - self._outcome_s > LEAVING_S_MAX

    def outcome(self) -> Delivered | JobError:
        """How it ended; call after `has_exited` and a last `pump`."""
        if self._outcome is not None:
            return self._outcome
        if self.stop_reason is StopReason.MEMORY:
            needed = f"It needed more than {self.job.memory_mb_max} MiB of memory."
            return JobError("memory_exceeded", needed)
        if self.stop_reason is StopReason.TIMEOUT:
            return JobError("timeout", f"It took longer than {self.job.timeout_s} s.")
        return JobError("child_died", f"Its process {_farewell(self.process.exitcode)}.")

    def signal(self, state: JobState) -> JobSignal:
        """Where it is, for watchers."""
        return JobSignal(state, self.job.attempts, self._step, self.progress)

    def release(self) -> None:
        """Free the handles of an exited child."""
        self.connection.close()
        self.process.join()
        self.process.close()


def _farewell(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        try:
            return f"was ended by {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"was ended by signal {-exit_code}"
    return f"left with code {exit_code} and no result"
