"""Whatever happens to a job, in any order, its row stays consistent and its end is final."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.jobs.job import ENDED, FINAL, HELD, TRANSITIONS, Job, JobError, JobFact, JobState
from application.jobs.progress import Pace, Progress
from application.jobs.signals import JobSignal, from_payload, to_payload
from domain.shared.errors import Defect

T0 = datetime(2026, 1, 5, 15, tzinfo=UTC)


def queued_job() -> Job:
    return Job(
        id="job_1",
        owner_id="usr_1",
        kind="grid",
        spec={},
        spec_hash="h",
        seed=1,
        data_hash=None,
        engine_version="1",
        memory_mb_max=100,
        timeout_s=10,
        submitted_at=T0,
    )


def after(job: Job, fact: JobFact, at: datetime) -> Job:
    if fact is JobFact.CLAIMED:
        return job.claimed("worker", at)
    if fact is JobFact.FINISHED:
        return job.finished(at, "/result")
    if fact is JobFact.BROKE:
        return job.broke(at, JobError("timeout", "It took too long."))
    if fact is JobFact.CANCEL_ASKED:
        return job.cancel_asked(at)
    if fact is JobFact.LOST:
        return job.lost(at)
    return job.requeued()


@given(st.lists(st.sampled_from(JobFact), max_size=30))
def test_a_job_is_consistent_after_any_facts(facts: list[JobFact]) -> None:
    job = queued_job()
    for step, fact in enumerate(facts, start=1):
        at = T0 + timedelta(seconds=step)
        expected = TRANSITIONS.get((job.state, fact))
        if expected is None:
            with pytest.raises(Defect):
                after(job, fact, at)
            continue
        moved = after(job, fact, at)
        assert moved.state is expected
        assert moved.version == job.version + 1
        assert moved.attempts - job.attempts == (fact is JobFact.CLAIMED)
        job = moved
        assert (job.worker is not None) == (job.beat_at is not None) == (job.state in HELD)
        assert (job.finished_at is not None) == (job.state in ENDED)
        assert (job.error is not None) == (job.state is JobState.FAILED)
        assert (job.result_url is not None) == (job.state is JobState.SUCCEEDED)
        if job.attempts > 0:
            assert job.started_at is not None


def test_nothing_follows_a_final_state() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] in FINAL]


def test_every_state_can_be_reached_and_all_but_the_final_ones_can_be_left() -> None:
    reached = {JobState.QUEUED, *TRANSITIONS.values()}
    assert reached == set(JobState)
    assert {state for state, _ in TRANSITIONS} == set(JobState) - FINAL


def test_a_job_being_cancelled_never_succeeds() -> None:
    outcomes = {to for (state, _), to in TRANSITIONS.items() if state is JobState.CANCELLING}
    assert outcomes == {JobState.CANCELLED}


def test_a_new_attempt_begins_without_the_progress_of_the_old_one() -> None:
    running = replace(queued_job().claimed("w", T0), progress=Progress(5, 10, "bar", 1.0, "half"))
    again = running.lost(T0).requeued().claimed("v", T0)
    assert (again.progress, again.attempts, again.worker) == (Progress(), 2, "v")


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(0, 1000), st.floats(0.1, 1e6))
def test_the_remaining_time_keeps_the_pace_of_this_attempt(
    start: int, advanced: int, left: int, elapsed_s: float
) -> None:
    done, total = start + advanced, start + advanced + left
    eta_s = Pace(start, 100.0).eta_s(done, total, 100.0 + elapsed_s)
    assert eta_s is not None
    assert eta_s == pytest.approx(left * elapsed_s / advanced, abs=0.06, rel=1e-6)


def test_there_is_no_remaining_time_before_the_first_step_or_without_a_total() -> None:
    assert Pace(3, 0.0).eta_s(3, 10, 5.0) is None
    assert Pace(0, 0.0).eta_s(3, None, 5.0) is None


@given(st.builds(JobSignal, st.sampled_from(JobState), st.integers(1, 9), st.integers(0, 99),
                 st.builds(Progress, st.integers(0, 9), st.none() | st.integers(0, 9), st.text(),
                           st.none() | st.floats(0, 1e9), st.text())))  # fmt: skip
def test_a_signal_survives_its_payload(signal: JobSignal) -> None:
    assert from_payload(to_payload(signal)) == signal
