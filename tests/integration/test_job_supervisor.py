"""Jobs in real children: they deliver, report, fail, stop and leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from application.jobs.job import JobState
from tests.support.job_service import JobService, is_alive, lines_of, sqlite_address, wait_until


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
