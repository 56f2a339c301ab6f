"""Ask for heavy work: one row in the queue, or the finished result of an equal request."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.jobs.job import Fingerprint, Job
from application.jobs.kinds import JobKind, JobKinds
from application.jobs.recording import record
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.shared.canonical import signature
from domain.shared.errors import FieldFault, Invalid, Unavailable
from domain.shared.ids import Prefix

QUEUED_MAX = 200
RETRY_AFTER_S = 10
SEED_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """`spec` holds JSON values only. `data_hash` names the data the job reads, if it reads any.

    `memory_mb_max` and `timeout_s` may only lower what the kind allows.
    """

    kind: str
    spec: Mapping[str, object] = field(hash=False)
    seed: int | None = None
    data_hash: str | None = None
    memory_mb_max: int | None = None
    timeout_s: int | None = None
    accepts_cached: bool = True


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """The job; `cached` when it had already succeeded and nothing was queued."""

    job: Job
    cached: bool


class SubmitJobHandler:
    """Queue a job of a registered kind."""

    def __init__(self, ids: Ids, kinds: JobKinds, *, queued_max: int = QUEUED_MAX) -> None:
        self._ids = ids
        self._kinds = kinds
        self._queued_max = queued_max

    def __call__(self, request: SubmitJob, work: UnitOfWork) -> SubmittedJob:
        """Unavailable `queue_full` at the bound; Invalid for a seed outside 0…2^63−1."""
        kind = self._kinds.get(request.kind)
        if request.seed is not None and not 0 <= request.seed <= SEED_MAX:
            fault = FieldFault("/seed", "out_of_range", "0 to 2^63−1")
            raise Invalid("invalid_seed", "A seed is 0 to 2^63−1.", errors=(fault,))
        fingerprint = Fingerprint(
            kind=kind.name,
            spec_hash=signature(request.spec),
            seed=request.seed,
            data_hash=request.data_hash,
            engine_version=kind.engine_version,
        )
        if kind.is_pure and request.accepts_cached:
            finished = work.jobs.find_finished(fingerprint)
            if finished is not None:
                return SubmittedJob(finished, cached=True)
        if work.jobs.queued_count() >= self._queued_max:
            raise Unavailable(
                "queue_full",
                f"{self._queued_max} jobs are waiting already.",
                retry_after_s=RETRY_AFTER_S,
            )
        job = self._job(kind, request, fingerprint, work)
        work.jobs.add(job)
        record(work, job, f"Job of kind {kind.name} was queued.")
        return SubmittedJob(job, cached=False)

    def _job(
        self, kind: JobKind, request: SubmitJob, fingerprint: Fingerprint, work: UnitOfWork
    ) -> Job:
        return Job(
            id=self._ids.new(Prefix.JOB),
            owner_id=work.context.owner_id,
            kind=kind.name,
            spec=request.spec,
            spec_hash=fingerprint.spec_hash,
            seed=request.seed,
            data_hash=request.data_hash,
            engine_version=kind.engine_version,
            memory_mb_max=min(kind.memory_mb_max, request.memory_mb_max or kind.memory_mb_max),
            timeout_s=min(kind.timeout_s, request.timeout_s or kind.timeout_s),
            submitted_at=work.now,
        )
