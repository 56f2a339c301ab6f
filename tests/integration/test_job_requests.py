"""Submitting, listing and cancelling jobs on both databases, with nobody running them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from application.jobs.cancel import cancel_job
from application.jobs.job import JobError, JobState
from application.jobs.kinds import JobKind, JobKinds
from application.jobs.progress import Progress
from application.jobs.queries import get_job, job_result, list_jobs
from application.jobs.submit import SubmitJobHandler
from application.jobs.supervision import Holding, break_job, claim_job, requeue_job
from application.ports.jobs import JobFilter
from application.ports.repositories import Page
from domain.shared.errors import Conflict, Defect, Invalid, NotFound, StaleVersion, Unavailable
from infrastructure.ids import UuidIds
from tests.support.job_service import OTHER, OWNER, JobService, fresh_address


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobService]:
    """Its supervisor is never started."""
    with fresh_address(request, tmp_path) as address:
        idle = JobService(address, tmp_path)
        yield idle
        idle.close()


def test_a_job_comes_back_as_it_was_submitted(service: JobService) -> None:
    spec = {"fee": 0.25, "bars": [1, 2], "name": "é"}
    job = service.submit("trace", spec, seed=2**63 - 1, data_hash="abc", timeout_s=5)
    stored = service.job(job.id)
    assert replace(stored, spec={}) == replace(job, spec={})
    assert {**stored.spec, "fee": float(str(stored.spec["fee"]))} == spec
    assert (stored.seed, stored.timeout_s, stored.memory_mb_max) == (2**63 - 1, 5, 1024)


def test_the_queue_is_bounded_and_says_when_to_come_back(service: JobService) -> None:
    service.submit_handler = SubmitJobHandler(UuidIds(), service.kinds, queued_max=2)
    for _ in range(2):
        service.submit("trace")
    with pytest.raises(Unavailable) as full:
        service.submit("trace")
    assert full.value.code == "queue_full"
    assert full.value.retry_after_s is not None
    assert len(service.list()) == 2


def test_a_request_may_only_lower_the_limits_of_its_kind(service: JobService) -> None:
    job = service.submit("eat_memory", memory_mb_max=5000, timeout_s=10**6)
    assert (job.memory_mb_max, job.timeout_s) == (100, 3600)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_outside_its_range_is_refused(service: JobService, seed: int) -> None:
    with pytest.raises(Invalid) as refused:
        service.submit("trace", seed=seed)
    assert refused.value.errors[0].pointer == "/seed"


def test_another_owner_sees_none_of_it(service: JobService) -> None:
    job = service.submit("trace")
    with pytest.raises(NotFound):
        service.store.query(lambda work: get_job(job.id, work), OTHER)
    with pytest.raises(NotFound):
        service.store.command(lambda work: cancel_job(job.id, work), OTHER).result(10)
    listed = service.store.query(lambda work: list_jobs(JobFilter(), Page(), work), OTHER)
    assert listed == []


def test_lists_filter_and_page_by_id(service: JobService) -> None:
    traces = [service.submit("trace", {"n": n}) for n in range(3)]
    other = service.submit("add_up")
    service.cancel(traces[0].id)

    def ids(where: JobFilter, page: Page) -> list[str]:
        found = service.store.query(lambda work: list_jobs(where, page, work), OWNER)
        return [job.id for job in found]

    assert ids(JobFilter(kind="trace"), Page()) == [job.id for job in traces]
    assert ids(JobFilter(state=JobState.QUEUED), Page(limit=2)) == [traces[1].id, traces[2].id]
    after = Page(after=traces[2].id)
    assert ids(JobFilter(state=JobState.QUEUED), after) == [other.id]
    assert ids(JobFilter(), Page(limit=1, descending=True)) == [other.id]


def test_a_waiting_job_is_cancelled_at_once_and_only_once(service: JobService) -> None:
    job = service.submit("trace")
    assert service.cancel(job.id).state is JobState.CANCELLED
    assert service.cancel(job.id).state is JobState.CANCELLED
    assert service.events(job.id) == ["job_submitted", "job_cancelled"]


def test_a_finished_job_cannot_be_cancelled(service: JobService) -> None:
    job = service.submit("trace")
    claimed = service.store.command(lambda work: claim_job(job.id, "w", work), OWNER).result(10)
    assert claimed is not None
    error = JobError("timeout", "It took too long.")
    holding = Holding(job.id, 1, "w")
    service.store.command(lambda work: break_job(holding, error, work), OWNER).result(10)
    with pytest.raises(Conflict) as refused:
        service.cancel(job.id)
    assert refused.value.code == "job_finished"
    assert service.job(job.id).error == error


def test_a_claimed_job_is_not_claimed_again_nor_ended_by_another(service: JobService) -> None:
    job = service.submit("trace")

    def command(work):  # type: ignore[no-untyped-def]
        first = claim_job(job.id, "first", work)
        second = claim_job(job.id, "second", work)
        stranger = Holding(job.id, 1, "second")
        stale = Holding(job.id, 0, "first")
        ends = [break_job(h, JobError("c", "m"), work) for h in (stranger, stale)]
        return first, second, ends

    first, second, ends = service.store.command(command, OWNER).result(10)
    assert first.attempts == 1
    assert (second, ends) == (None, [None, None])


def test_a_stale_copy_cannot_be_saved(service: JobService) -> None:
    job = service.submit("trace")
    service.cancel(job.id)
    with pytest.raises(StaleVersion):
        service.store.command(
            lambda work: work.jobs.save(job.claimed("late", work.now)), OWNER
        ).result(10)


def test_a_beat_counts_only_for_the_holder(service: JobService) -> None:
    job = service.submit("trace")
    progress = Progress(3, 9, "bar", 1.5, "going")

    def beats(work):  # type: ignore[no-untyped-def]
        claim_job(job.id, "holder", work)
        mine = work.jobs.beat(job.id, "holder", progress, work.now)
        return mine, work.jobs.beat(job.id, "other", Progress(), work.now)

    assert service.store.command(beats, OWNER).result(10) == (JobState.RUNNING, None)
    assert service.job(job.id).progress == progress


def test_a_queued_job_is_not_queued_again(service: JobService) -> None:
    job = service.submit("add_up")
    again = service.store.command(lambda work: requeue_job(job.id, service.kinds, work), OWNER)
    assert again.result(10) is None


def test_there_is_no_result_before_the_end_and_none_of_a_cancelled_job(
    service: JobService,
) -> None:
    job = service.submit("trace")

    def code() -> str:
        with pytest.raises(Conflict) as refused:
            service.store.query(lambda work: job_result(job.id, work, service.files), OWNER)
        return refused.value.code

    assert code() == "job_not_finished"
    service.cancel(job.id)
    assert code() == "job_has_no_result"


def test_kinds_are_unique_and_name_functions_by_dotted_path() -> None:
    good = JobKind("grid", "package.module.run", engine_version="1")
    kinds = JobKinds([good])
    for bad, code in [
        (good, "job_kind_taken"),
        (JobKind("a", "run", engine_version="1"), "job_kind_invalid"),
        (JobKind("b", "package.module:run", engine_version="1"), "job_kind_invalid"),
    ]:
        with pytest.raises(Defect) as refused:
            kinds.register(bad)
        assert refused.value.code == code
    with pytest.raises(Defect):
        kinds.get("nothing")
    attempts = [
        JobKind("k", "a.b", "1", is_pure=pure, is_resumable=resumable).attempts_max
        for pure, resumable in [(False, False), (True, False), (True, True)]
    ]
    assert attempts == [1, 2, 10]
