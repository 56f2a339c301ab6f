"""Jobs survive the service: interrupted, queued again at most once, resumed, never run twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.jobs.job import JobState
from infrastructure.compute.supervisor import SupervisorLimits
from tests.support.databases import sqlite_address
from tests.support.job_service import (
    JobService,
    fresh_address,
    is_alive,
    lines_of,
    wait_until,
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[JobService]:
    running = JobService(sqlite_address(tmp_path), tmp_path)
    running.supervisor.start()
    yield running
    running.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh_address(request, tmp_path) as fresh:
        yield fresh


def started(service: JobService, kind: str, trace: Path) -> tuple[str, int]:
    """Id and pid of a job whose child runs."""
    seen = len(lines_of(trace))
    job = service.submit(kind, {"trace": str(trace)})
    wait_until(lambda: len(lines_of(trace)) > seen)
    return job.id, int(lines_of(trace)[-1].split()[0])


def test_closing_kills_children_and_marks_their_jobs_interrupted(
    service: JobService, tmp_path: Path
) -> None:
    job_id, pid = started(service, "wait_long", tmp_path / "trace")
    service.supervisor.close()
    assert not is_alive(pid)
    job = service.job(job_id)
    assert (job.state, job.worker, job.progress.done) == (JobState.INTERRUPTED, None, 1)
    assert service.events(job_id)[-1] == "job_interrupted"


def test_a_pure_job_is_queued_again_exactly_once(service: JobService, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    job_id, _ = started(service, "wait_long_pure", trace)
    service.restart_supervisor()
    wait_until(lambda: len(lines_of(trace)) == 2)
    assert service.events(job_id)[-2:] == ["job_requeued", "job_started"]
    service.restart_supervisor()
    probe = service.submit("add_up", {"numbers": [1]})
    service.ended(probe.id)
    job = service.job(job_id)
    assert (job.state, job.attempts) == (JobState.INTERRUPTED, 2)
    assert len(lines_of(trace)) == 2


def test_a_job_that_is_not_pure_stays_interrupted(service: JobService, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    job_id, _ = started(service, "wait_long", trace)
    service.restart_supervisor()
    service.ended(service.submit("add_up", {"numbers": [1]}).id)
    assert service.job(job_id).state is JobState.INTERRUPTED
    assert len(lines_of(trace)) == 1


def test_an_interrupted_pure_job_finishes_in_its_second_attempt(
    service: JobService, tmp_path: Path
) -> None:
    job_id, _ = started(service, "wait_on_first_attempt", tmp_path / "trace")
    service.restart_supervisor()
    assert service.ended(job_id).state is JobState.SUCCEEDED
    assert service.result(job_id) == {"attempt": 2}


def test_a_resumed_grid_computes_no_chunk_twice_and_draws_the_same_numbers(
    service: JobService, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    straight = service.submit("grid", {"trace": str(whole), "chunks": 12}, seed=5)
    assert service.ended(straight.id).state is JobState.SUCCEEDED
    halted = service.submit("grid", {"trace": str(parts), "chunks": 12, "stop_at": 3}, seed=5)
    wait_until(lambda: "stopped" in lines_of(parts))
    service.restart_supervisor()
    assert service.ended(halted.id).state is JobState.SUCCEEDED
    assert service.result(halted.id)["draws"] == service.result(straight.id)["draws"]
    lines = lines_of(parts)
    for index in range(3):
        assert lines.count(f"chunk {index}") == 1
    wait_until(lambda: not (tmp_path / "jobs" / halted.id).exists())


def test_cancelling_an_interrupted_job_ends_it(service: JobService, tmp_path: Path) -> None:
    job_id, _ = started(service, "wait_long", tmp_path / "trace")
    service.supervisor.close()
    assert service.cancel(job_id).state is JobState.CANCELLED


SERVE = """
import sys, time
from pathlib import Path
from tests.support.databases import sqlite_address
from tests.support.job_service import JobService
if __name__ == "__main__":
    running = JobService(sys.argv[1], Path(sys.argv[2]))
    running.supervisor.start()
    running.submit(sys.argv[3], {"trace": sys.argv[4]})
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("kind", "final", "attempts"),
    [
        ("wait_on_first_attempt", JobState.SUCCEEDED, 2),
        ("wait_long", JobState.INTERRUPTED, 1),
    ],
)
def test_after_kill_9_of_the_service_no_child_lives_and_the_next_one_takes_over(
    tmp_path: Path, kind: str, final: JobState, attempts: int
) -> None:
    address, trace, program = sqlite_address(tmp_path), tmp_path / "trace", tmp_path / "serve.py"
    program.write_text(SERVE)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    arguments = [sys.executable, str(program), address, str(tmp_path), kind, str(trace)]
    with subprocess.Popen(arguments, env=environment) as served:
        wait_until(lambda: len(lines_of(trace)) == 1)
        served.send_signal(signal.SIGKILL)
    pid = int(lines_of(trace)[0].split()[0])
    wait_until(lambda: not is_alive(pid), lambda: f"the orphan {pid} lives")
    service = JobService(address, tmp_path)
    service.supervisor.start()
    try:
        jobs = service.list()
        assert len(jobs) == 1
        job = service.until(jobs[0].id, final)
        assert job.attempts == attempts
    finally:
        service.close()


def test_two_supervisors_on_one_database_run_each_job_once(address: str, tmp_path: Path) -> None:
    limits = SupervisorLimits(concurrent_max=3, look_interval_s=0.02)
    services = [JobService(address, tmp_path, limits) for _ in range(2)]
    trace = tmp_path / "trace"
    spec = {"trace": str(trace), "seconds": 0.1}
    try:
        jobs = [services[i % 2].submit("trace", spec) for i in range(16)]
        for service in services:
            service.supervisor.start()
        for job in jobs:
            ended = services[0].ended(job.id)
            assert (ended.state, ended.attempts) == (JobState.SUCCEEDED, 1)
        assert sorted(lines_of(trace)) == sorted(f"{job.id} 1" for job in jobs)
        assert all(service.supervisor.statistics.started > 0 for service in services)
    finally:
        for service in services:
            service.close()


def test_another_supervisor_takes_over_a_silent_holder_which_lets_its_child_go(
    address: str, tmp_path: Path
) -> None:
    """A beat that never comes: the lease of the second supervisor is shorter than any beat."""
    silent = JobService(address, tmp_path, SupervisorLimits(lease_s=60))
    trace = tmp_path / "trace"
    silent.supervisor.start()
    job_id, pid = started(silent, "wait_on_first_attempt", trace)
    hasty = JobService(address, tmp_path, SupervisorLimits(lease_s=0.0, look_interval_s=0.05))
    hasty.supervisor.start()
    try:
        silent.until(job_id, JobState.SUCCEEDED)
        wait_until(lambda: not is_alive(pid))
        assert silent.job(job_id).attempts == 2
    finally:
        hasty.close()
        silent.close()
