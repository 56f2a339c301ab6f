"""The plan runner as all processes see it: on or off, who was told, and what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from application.ports.plan_runner_book import PlanRunnerState, RunError
from application.ports.unit_of_work import UnitOfWork
from domain.shared.events import NewEvent, explained

NAME = "plan_runner"


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """`state`: stopped, running, or standby: on, but no process has taken the plans up yet.

    `evaluated` and `errors` (at most 50) are those of the last whole cycle of any process.
    """

    state: str
    last_cycle_at: datetime | None
    evaluated: int
    errors: tuple[RunError, ...]


def runner_status(work: UnitOfWork) -> RunnerStatus:
    """What the runner of all processes does."""
    known = work.plan_runner.read()
    state = "stopped"
    if known.is_on:
        is_run = known.runs_until is not None and work.now < known.runs_until
        state = "running" if is_run else "standby"
    return RunnerStatus(state, known.last_cycle_at, known.evaluated, known.errors)


def switch_on(within_s: float | None, work: UnitOfWork) -> bool:
    """False when it was on. `within_s` is how soon the caller's process has reported, if it
    runs the plans.
    """
    before = work.plan_runner.read()
    until = None if within_s is None else work.now + timedelta(seconds=within_s)
    work.plan_runner.save(replace(before, is_on=True, runs_until=until or before.runs_until))
    if not before.is_on:
        _switched("plan_runner_started", "The plan runner was turned on.", work)
    return not before.is_on


def switch_off(message: str, work: UnitOfWork) -> bool:
    """False when it was off."""
    before = work.plan_runner.read()
    if before.is_on:
        work.plan_runner.save(replace(before, is_on=False, runs_until=None))
        _switched("plan_runner_stopped", message, work)
    return before.is_on


def forget_last_start(work: UnitOfWork) -> None:
    """Off, with nothing reported, as after every start of the service."""
    switch_off("The service started: plans run once somebody turns the runner on.", work)
    if work.plan_runner.read() != PlanRunnerState():
        work.plan_runner.save(PlanRunnerState())


def report(evaluated: int, errors: tuple[RunError, ...], within_s: float, work: UnitOfWork) -> None:
    """Note a whole cycle; the process that ran it reports again within `within_s`."""
    before = work.plan_runner.read()
    until = work.now + timedelta(seconds=within_s) if before.is_on else None
    work.plan_runner.save(PlanRunnerState(before.is_on, until, work.now, evaluated, errors))


def _switched(kind: str, message: str, work: UnitOfWork) -> None:
    data = explained(message, inputs={}, outputs={})
    work.events.append([NewEvent(kind, NAME, NAME, None, data, work.now)])
