"""Evaluates every open position with a balancing plan, again and again, once it was turned on.

Its switch is in the store, so all processes agree on it; one of them at a time runs the plans: the
one that holds the lease. Whatever it writes, it looks at the switch in the same transaction.
Decisions are made on a read connection; commands write at most a few positions each and are given
one after the other, so that nobody waits long behind them.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from time import monotonic
from typing import TypeVar

from application.context import RequestContext
from application.portfolio.run_plans import ORDER_IN_FLIGHT, LastRun, PlanRun, RunPlans
from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.lease import Lease, LeaseGrant
from application.ports.plan_runner_book import RunError
from application.ports.prices import Prices
from application.ports.repositories import Page, PositionFilter
from application.ports.unit_of_work import Store, UnitOfWork
from application.processes.periodic import Periodic, kind_of, told
from application.processes.plan_runner_switch import NAME, report, switch_off, switch_on
from domain.plans.plan import PriceView
from domain.portfolio.position import Position
from domain.shared.errors import Unavailable
from domain.shared.ids import Prefix

T = TypeVar("T")
POSITIONS_PER_LOOK = 100
ROWS_PER_COMMAND = 25
SUBMITS_AT_ONCE = 5
ERRORS_MAX = 50
COMMAND_WITHIN_S = 30.0
LEASE_BEYOND_S = 30.0
BALANCING = PositionFilter(plan_kind="balancing", status="open")
log = logging.getLogger("ballast.plans")


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
    """`process` is its thread; `turn_on` and `turn_off` are what people call, in any process."""

    def __init__(self, ports: RunnerPorts, interval_s: float) -> None:
        self._ports = ports
        self._lease_s = 2 * interval_s + LEASE_BEYOND_S
        self._holder = ports.ids.new(Prefix.REQUEST)
        self._grant: LeaseGrant | None = None
        self._step = Lock()
        self._last: dict[str, LastRun] = {}
        self._errors: list[RunError] = []
        self.process = Periodic(NAME, self.cycle, interval_s)

    def turn_on(self, context: RequestContext) -> bool:
        """False when it was on. This process runs the plans if no other one holds the lease."""
        with self._step:
            is_ours = self._holds_lease()
        turned = self._commanded(partial(switch_on, self._lease_s if is_ours else None), context)
        self.process.wake()
        return turned

    def turn_off(self, context: RequestContext) -> bool:
        """False when it was off. Nothing is submitted, by any process, once this has returned."""
        turned = self._commanded(partial(switch_off, "The plan runner was turned off."), context)
        with self._step:
            self._release()
        return turned

    def stop(self) -> None:
        """End the thread within 2 s and let go of the lease; the switch stays as it is."""
        self.process.stop()
        self._release()

    def cycle(self) -> None:
        """Evaluate every position once; a failing one is noted and the others go on."""
        context = RequestContext(self._ports.owner(), NAME, self._ports.ids.new(Prefix.REQUEST))
        self._errors = []
        seen: set[str] = set()
        after: str | None = None
        while True:
            with self._step:
                if not self._may_go_on(context):
                    return
                ids = self._page(after, context)
            seen.update(ids)
            if len(ids) < POSITIONS_PER_LOOK:
                break
            after = ids[-1]
        self._last = {key: said for key, said in self._last.items() if key in seen}
        self._commanded(partial(report, len(seen), tuple(self._errors), self._lease_s), context)

    def _commanded(self, command: Callable[[UnitOfWork], T], context: RequestContext) -> T:
        return self._ports.store.command(command, context).result(COMMAND_WITHIN_S)

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
        future = self._ports.store.command(
            lambda work: plans.record(batch, work) if work.plan_runner.read().is_on else None,
            context,
        )
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

    def _submitting(self, position_id: str, context: RequestContext) -> "Future[PlanRun | None]":
        last, plans = self._last.get(position_id), self._ports.plans
        return self._ports.store.command(
            lambda work: (
                plans.submit(position_id, last, work) if work.plan_runner.read().is_on else None
            ),
            context,
        )

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

    def _may_go_on(self, context: RequestContext) -> bool:
        if self.process.is_stopping:
            return False
        if not self._ports.store.query(lambda work: work.plan_runner.read().is_on, context):
            self._release()
            return False
        return self._holds_lease()

    def _holds_lease(self) -> bool:
        lease, grant = self._ports.lease, self._grant
        if grant is None:
            # Whoever ran the plans meanwhile said things this process has not heard.
            self._last.clear()
            self._grant = lease.acquire(NAME, self._holder, self._lease_s)
            return self._grant is not None
        if grant.valid_until_monotonic_s - monotonic() > self._lease_s / 2:
            return True
        try:
            self._grant = lease.renew(grant, self._lease_s)
        except Unavailable:
            return monotonic() < grant.valid_until_monotonic_s
        return self._grant is not None

    def _release(self) -> None:
        grant, self._grant = self._grant, None
        if grant is not None:
            # A lease that cannot be given back runs out by itself.
            with suppress(Unavailable):
                self._ports.lease.release(grant)
