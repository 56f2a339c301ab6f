"""Jobs in real children: they deliver, report, fail, stop and leave nothing behind."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.jobs.job import JobState
from application.jobs.kinds import JobKind, JobKinds
from application.jobs.submit import SubmitJob, SubmitJobHandler
from infrastructure.ids import UuidIds
from tests.support.databases import sqlite_address
from tests.support.job_service import (
    OWNER,
    JobService,
    is_alive,
    lines_of,
    wait_until,
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    folder = tmp_path_factory.mktemp("jobs")
    running = JobService(sqlite_address(folder), folder)
    running.supervisor.start()
    yield running
    running.close()


def test_a_submitted_job_runs_in_a_child_and_delivers_its_result(service: JobService) -> None:
    job = service.submit("add_up", {"numbers": ["0.1", "0.2", 3]}, seed=7)
    assert job.state is JobState.QUEUED
    ended = service.ended(job.id)
    assert ended.state is JobState.SUCCEEDED
    assert ended.result_url == f"/api/v1/jobs/{job.id}/result"
    result = service.result(job.id)
    assert (result["total"], result["seed"]) == (3.3, 7)
    assert not is_alive(result["pid"])
    assert (ended.progress.done, ended.progress.total) == (3, 3)
    assert (ended.progress.unit, ended.progress.message) == ("number", "added 3")
    assert service.events(job.id) == ["job_submitted", "job_started", "job_succeeded"]


def test_a_large_result_lies_in_a_file_and_is_read_the_same_way(service: JobService) -> None:
    job = service.ended(service.submit("large_result", {"length": 20_000}).id)
    assert service.store.query(lambda work: work.jobs.result(job.id), OWNER) is None
    assert service.result(job.id)["values"][-1] == 19_999.0
    assert (service.data_dir / "jobs" / job.id / "result.json").exists()


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("refuse", "data_too_short", "Only 3 bars"),
        ("divide_by_zero", "job_failed", "ZeroDivisionError"),
        ("not_json", "job_result_invalid", "object"),
        ("die_by_signal", "child_died", "SIGSEGV"),
        ("leave_early", "child_died", "code 3"),
        ("one_huge_allocation", "memory_exceeded", "1024 MiB"),
    ],
)
def test_a_job_that_goes_wrong_fails_with_a_code(
    service: JobService, kind: str, code: str, words: str
) -> None:
    job = service.ended(service.submit(kind).id)
    assert (job.state, job.result_url) == (JobState.FAILED, None)
    assert job.error is not None
    assert job.error.code == code
    assert words in job.error.message
    assert service.events(job.id)[-1] == "job_failed"


def test_memory_beyond_the_limit_ends_the_job(service: JobService) -> None:
    job = service.ended(service.submit("eat_memory", {"megabytes": 300}).id)
    assert job.error is not None
    assert job.error.code == "memory_exceeded"


def test_time_beyond_the_limit_ends_the_job(service: JobService, tmp_path: Path) -> None:
    job = service.submit("wait_long", {"trace": str(tmp_path / "trace")}, timeout_s=1)
    ended = service.ended(job.id)
    assert ended.error is not None
    assert ended.error.code == "timeout"
    assert not is_alive(int(lines_of(tmp_path / "trace")[0].split()[0]))


def test_cancelling_kills_the_child_and_ends_cancelled(service: JobService, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    job = service.submit("wait_long", {"trace": str(trace)})
    wait_until(lambda: len(lines_of(trace)) == 1)
    pid = int(lines_of(trace)[0].split()[0])
    assert is_alive(pid)
    assert service.cancel(job.id).state is JobState.CANCELLING
    ended = service.ended(job.id)
    assert ended.state is JobState.CANCELLED
    assert not is_alive(pid)
    wait_until(lambda: not (service.data_dir / "jobs" / job.id).exists())
    assert service.events(job.id)[-2:] == ["job_cancel_requested", "job_cancelled"]


def test_cancelling_kills_the_workers_of_the_child_too(service: JobService, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    job = service.submit("fan_out_and_wait", {"trace": str(trace)})
    wait_until(lambda: len(lines_of(trace)) == 2)
    pids = [int(line.split()[0]) for line in lines_of(trace)]
    service.cancel(job.id)
    assert service.ended(job.id).state is JobState.CANCELLED
    wait_until(lambda: not any(is_alive(pid) for pid in pids), lambda: f"{pids} live")


def test_progress_is_stored_while_the_job_runs(service: JobService, tmp_path: Path) -> None:
    job = service.submit("wait_long", {"trace": str(tmp_path / "trace")})
    wait_until(lambda: service.job(job.id).progress.done == 1)
    progress = service.job(job.id).progress
    assert (progress.total, progress.unit, progress.message) == (10, "step", "sleeping")
    service.cancel(job.id)
    service.ended(job.id)


def test_no_more_jobs_run_at_once_than_allowed(service: JobService, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    jobs = [service.submit("wait_long", {"trace": str(trace)}) for _ in range(3)]
    wait_until(lambda: len(lines_of(trace)) == 2)
    assert service.job(jobs[2].id).state is JobState.QUEUED
    assert service.cancel(jobs[2].id).state is JobState.CANCELLED
    for job in jobs[:2]:
        service.cancel(job.id)
        assert service.ended(job.id).state is JobState.CANCELLED
    assert len(lines_of(trace)) == 2


def test_an_equal_pure_job_is_answered_from_the_finished_one(service: JobService) -> None:
    first = service.ended(service.submit("add_up", {"numbers": [1, 2.5]}, seed=1).id)
    again = service.submit_for_answer("add_up", {"numbers": [1, 2.50]}, seed=1)
    assert (again.cached, again.job.id) == (True, first.id)
    for other in (
        service.submit_for_answer("add_up", {"numbers": [1, 2.5]}, seed=2),
        service.submit_for_answer("add_up", {"numbers": [1, 2.5]}, seed=1, data_hash="d1"),
        service.submit_for_answer("add_up", {"numbers": [1, 2.6]}, seed=1),
        service.submit_for_answer("add_up", {"numbers": [1, 2.5]}, seed=1, accepts_cached=False),
    ):
        assert (other.cached, other.job.state) == (False, JobState.QUEUED)
        service.ended(other.job.id)


def test_a_stored_job_of_an_unknown_kind_fails(service: JobService) -> None:
    ghost = JobKind("ghost", "tests.support.job_kinds.trace", engine_version="1")
    submit = SubmitJobHandler(UuidIds(), JobKinds([ghost]))
    request = SubmitJob("ghost", {})
    job = service.store.command(lambda work: submit(request, work), OWNER).result(10).job
    ended = service.ended(job.id)
    assert ended.error is not None
    assert ended.error.code == "job_kind_unknown"


def test_the_service_never_imports_what_the_child_does() -> None:
    program = (
        "import sys; import infrastructure.compute.supervisor;"
        "print([m for m in ('numba','pandas','scipy','distributed') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
