"""Evaluates every open position with a balancing plan, again and again, once it was turned on.

It is off after every start of the service, and one process at a time runs it: the one that holds
the lease. Decisions are made on a read connection; commands write at most a few positions each
and are given one after the other, so that nobody waits long behind them.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock
from time import monotonic
from typing import TypeVar

from application.context import RequestContext
from application.portfolio.run_plans import ORDER_IN_FLIGHT, LastRun, PlanRun, RunPlans
from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.lease import Lease, LeaseGrant
from application.ports.prices import Prices
from application.ports.repositories import Page, PositionFilter
from application.ports.unit_of_work import Store, UnitOfWork
from application.processes.periodic import Periodic, kind_of, told
from domain.plans.plan import PriceView
from domain.portfolio.position import Position
from domain.shared.errors import Conflict, Unavailable
from domain.shared.events import NewEvent, explained
from domain.shared.ids import Prefix

T = TypeVar("T")
NAME = "plan_runner"
POSITIONS_PER_LOOK = 100
ROWS_PER_COMMAND = 25
SUBMITS_AT_ONCE = 5
ERRORS_MAX = 50
COMMAND_WITHIN_S = 30.0
LEASE_BEYOND_S = 30.0
BALANCING = PositionFilter(plan_kind="balancing", status="open")
log = logging.getLogger("ballast.plans")


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a position was not run as its plan says; no position means the whole cycle."""

    at: datetime
    position_id: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """`state`: stopped, running, or standby while another process holds the lease.

    `evaluated` and `errors` (at most 50) are those of the last cycle.
    """

    state: str
    last_cycle_at: datetime | None
    evaluated: int
    errors: tuple[RunError, ...]


@dataclass(frozen=True, slots=True)
class RunnerPorts:
    """What the runner stands on; `owner` tells whose positions are run."""

    store: Store
    plans: RunPlans
    prices: Prices
    lease: Lease
    clock: Clock
    ids: Ids
    owner: Callable[[], str]


class PlanRunner:
    """`process` is its thread; `turn_on` and `turn_off` are what people call."""

    def __init__(self, ports: RunnerPorts, interval_s: float) -> None:
        self._ports = ports
        self._lease_s = 2 * interval_s + LEASE_BEYOND_S
        self._holder = ports.ids.new(Prefix.REQUEST)
        self._grant: LeaseGrant | None = None
        self._is_on = False
        self._step = Lock()
        self._last: dict[str, LastRun] = {}
        self._errors: list[RunError] = []
        self._evaluated = 0
        self._last_cycle_at: datetime | None = None
        self.process = Periodic(NAME, self.cycle, interval_s)

    def turn_on(self) -> bool:
        """False when it was on. Conflict `plans_run_elsewhere` while another process runs them."""
        with self._step:
            if self._is_on:
                return False
            if not self._holds_lease():
                raise _elsewhere()
            self._last.clear()
            self._is_on = True
        self.process.wake()
        return True

    def turn_off(self) -> bool:
        """False when it was off. What this returns after is the last that was submitted.

        Conflict `plans_run_elsewhere` when another process goes on running them.
        """
        was_on, self._is_on = self._is_on, False
        with self._step:
            if not self._holds_lease():
                raise _elsewhere()
            self._release()
        return was_on

    def status(self) -> RunnerStatus:
        """What it is doing."""
        state = "stopped"
        if self._is_on:
            state = "standby" if self._grant is None else "running"
        return RunnerStatus(state, self._last_cycle_at, self._evaluated, tuple(self._errors))

    def stop(self) -> None:
        """End the thread within 2 s and let go of the lease."""
        self._is_on = False
        self.process.stop()
        self._release()

    def cycle(self) -> None:
        """Evaluate every position once; a failing one is noted and the others go on."""
        if not self._is_on:
            return
        context = RequestContext(self._ports.owner(), NAME, self._ports.ids.new(Prefix.REQUEST))
        errors: list[RunError] = []
        seen: set[str] = set()
        after: str | None = None
        while True:
            with self._step:
                if not self._may_go_on():
                    return
                self._errors = errors
                ids = self._page(after, context)
            seen.update(ids)
            if len(ids) < POSITIONS_PER_LOOK:
                break
            after = ids[-1]
        self._last = {key: said for key, said in self._last.items() if key in seen}
        self._evaluated = len(seen)
        self._last_cycle_at = self._ports.clock.now()

    def _page(self, after: str | None, context: RequestContext) -> list[str]:
        ids: list[str] = []
        runs: list[PlanRun] = []
        prices: dict[str, PriceView | None] = {}

        def look(work: UnitOfWork) -> None:
            page = Page(limit=POSITIONS_PER_LOOK, after=after)
            for position in work.positions.list(BALANCING, page):
                ids.append(position.id)
                run = self._look(position, prices, work)
                if run is not None:
                    runs.append(run)

        self._ports.store.query(look, context)
        self._record([run for run in runs if not run.wants_order], context)
        self._submit([run for run in runs if run.wants_order], context)
        return ids

    def _look(
        self, position: Position, prices: dict[str, PriceView | None], work: UnitOfWork
    ) -> PlanRun | None:
        name = position.instrument

        def run() -> PlanRun:
            if name not in prices:
                prices[name] = self._ports.prices.newest(name, work.now)
            last = self._last.get(position.id)
            return self._ports.plans.look(position, last, work, prices[name])

        return self._guarded(position.id, run)

    def _record(self, runs: Sequence[PlanRun], context: RequestContext) -> None:
        news = [run for run in runs if run.is_row or run.is_event]
        for start in range(0, len(news), ROWS_PER_COMMAND):
            batch = news[start : start + ROWS_PER_COMMAND]
            if not self._written(batch, context):
                for run in batch:
                    self._written([run], context)

    def _written(self, batch: Sequence[PlanRun], context: RequestContext) -> bool:
        """A batch that fails is not an error yet: its positions get a command each."""
        plans = self._ports.plans
        future = self._ports.store.command(lambda work: plans.record(batch, work), context)
        try:
            future.result(COMMAND_WITHIN_S)
        except Exception as error:  # noqa: BLE001 - process loop: one row must not lose the others
            if len(batch) == 1:
                self._note(batch[0].position_id, error)
            return False
        self._last.update((run.position_id, run.said) for run in batch)
        return True

    def _submit(self, runs: Sequence[PlanRun], context: RequestContext) -> None:
        for start in range(0, len(runs), SUBMITS_AT_ONCE):
            futures = [
                (run.position_id, self._submitting(run.position_id, context))
                for run in runs[start : start + SUBMITS_AT_ONCE]
            ]
            for position_id, future in futures:
                done = self._guarded(position_id, partial(future.result, COMMAND_WITHIN_S))
                if done is None:
                    continue
                self._last[position_id] = done.said
                if done.refusal not in (None, ORDER_IN_FLIGHT):
                    self._errors.append(
                        RunError(
                            self._ports.clock.now(), position_id, str(done.refusal),
                            "The plan's order was refused; it is tried again in 15 minutes.",
                        )
                    )  # fmt: skip

    def _submitting(self, position_id: str, context: RequestContext) -> "Future[PlanRun]":
        last, plans = self._last.get(position_id), self._ports.plans
        return self._ports.store.command(lambda w: plans.submit(position_id, last, w), context)

    def _guarded(self, position_id: str, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - process loop: one position must not stop the others
            self._note(position_id, error)
            return None

    def _note(self, position_id: str, error: Exception) -> None:
        log.warning("plan of %s was not run: %s", position_id, kind_of(error))
        if len(self._errors) < ERRORS_MAX:
            self._errors.append(RunError(self._ports.clock.now(), position_id, *told(error)))

    def _may_go_on(self) -> bool:
        return self._is_on and not self.process.is_stopping and self._holds_lease()

    def _holds_lease(self) -> bool:
        lease, grant = self._ports.lease, self._grant
        if grant is None:
            self._grant = lease.acquire(NAME, self._holder, self._lease_s)
            return self._grant is not None
        if grant.valid_until_monotonic_s - monotonic() > self._lease_s / 2:
            return True
        try:
            self._grant = lease.renew(grant, self._lease_s)
        except Unavailable:
            return monotonic() < grant.valid_until_monotonic_s
        if self._grant is None:
            # Whoever runs the plans meanwhile says things this process has not heard.
            self._last.clear()
        return self._grant is not None

    def _release(self) -> None:
        grant, self._grant = self._grant, None
        if grant is not None:
            self._ports.lease.release(grant)


def switched(kind: str, message: str, work: UnitOfWork) -> None:
    """Write down who turned the runner on or off."""
    data = explained(message, inputs={}, outputs={})
    work.events.append([NewEvent(kind, NAME, NAME, None, data, work.now)])


def _elsewhere() -> Conflict:
    return Conflict("plans_run_elsewhere", "Another process of this service runs the plans.")
