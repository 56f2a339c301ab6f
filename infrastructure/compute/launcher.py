"""Starts children from a warm fork server, so that a job begins in milliseconds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from application.jobs.job import Job
from application.jobs.kinds import JobKind
from infrastructure.compute.child import pack, run_job
from infrastructure.compute.child_context import Assignment, ComputePlace
from infrastructure.compute.fork_server import fork_context, warm
from infrastructure.compute.running_child import RunningChild


@dataclass(frozen=True, slots=True)
class JobSurroundings:
    """What every child is told about this installation."""

    data_dir: Path
    database_url: str
    compute: ComputePlace = ComputePlace()  # noqa: RUF009 - frozen


class ChildLauncher:
    """`preload` names modules the fork server imports once, so that no child has to.

    The fork server is one per process: the first launcher's list counts.
    """

    def __init__(self, surroundings: JobSurroundings, preload: Sequence[str] = ()) -> None:
        self._surroundings = surroundings
        self._context = fork_context(preload)

    def warm(self) -> None:
        """Start the fork server if it does not run yet."""
        warm()

    def launch(self, job: Job, kind: JobKind) -> RunningChild:
        """Start the attempt's child; OSError when the system has no room for it."""
        begun_s = time.monotonic()
        packed = pack(self._assignment(job, kind))
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=run_job, args=(theirs, packed), name=f"ballast-{job.id}", daemon=True
        )
        try:
            process.start()
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return RunningChild(job, kind, process, ours, begun_s)

    def _assignment(self, job: Job, kind: JobKind) -> Assignment:
        place = self._surroundings
        return Assignment(
            job_id=job.id,
            owner_id=job.owner_id,
            attempt=job.attempts,
            run=kind.run,
            seed=job.seed,
            is_resumable=kind.is_resumable,
            memory_mb_max=job.memory_mb_max,
            data_dir=str(place.data_dir),
            database_url=place.database_url,
            compute=place.compute,
            spec=job.spec,
        )
