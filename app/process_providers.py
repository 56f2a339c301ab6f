"""Wires the long-running processes of the book, and starts and stops them as one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from dishka import Provider, Scope, provide

from app.health import AliveProbe
from app.settings import Settings
from application.context import SYSTEM
from application.portfolio.account_nav import AccountNav
from application.portfolio.due_dividends import DueDividends
from application.portfolio.run_plans import RunPlans
from application.portfolio.sweep_orders import SweepOrders
from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.lease import Lease
from application.ports.prices import Prices
from application.ports.unit_of_work import Store
from application.processes.dividend_calendar import DividendCalendar
from application.processes.housekeeping import Housekeeping
from application.processes.nav_recorder import NavRecorder
from application.processes.order_sweeper import OrderSweeper
from application.processes.periodic import Periodic
from application.processes.plan_runner import PlanRunner, RunnerPorts
from application.processes.simulation_engine import EngineParts, EnginePorts, SimulationEngine
from domain.shared.errors import Unavailable


@dataclass(frozen=True, slots=True)
class BookProcesses:
    """Plan runner, order sweeper, dividend calendar, NAV recorder, housekeeping, simulation."""

    runner: PlanRunner
    sweeper: OrderSweeper
    dividends: DividendCalendar
    nav: NavRecorder
    housekeeping: Housekeeping
    simulation: SimulationEngine

    def start(self) -> None:
        """Begin; the plan runner's thread waits until somebody turns it on."""
        for process in self._all():
            process.start()

    def stop(self) -> None:
        """Ask all to stop, then wait for each: 2 s at most for one that still works."""
        for process in self._all():
            process.ask_to_stop()
        for process in self._all():
            process.stop()
        self.runner.stop()

    def probes(self) -> Iterator[AliveProbe]:
        """Whether each one's thread runs."""
        for process in self._all():
            yield AliveProbe(process.name, partial(_is_alive, process))

    def _all(self) -> Iterator[Periodic]:
        yield self.runner.process
        yield self.sweeper.process
        yield self.dividends.process
        yield self.nav.process
        yield self.housekeeping.process
        yield self.simulation.process


def _is_alive(process: Periodic) -> bool:
    return process.is_alive


def owner_of(store: Store) -> Callable[[], str]:
    """Whose book it is: the founder's. Unavailable `no_owner` before the first start is through."""

    def owner_id() -> str:
        founder = store.query(lambda work: work.users.founder(), SYSTEM)
        if founder is None:
            raise Unavailable("no_owner", "The store has no owner yet.")
        return founder.owner_id

    return owner_id


class Processes(Provider):
    """One of each per process of the service."""

    scope = Scope.APP

    run_plans = provide(RunPlans)
    sweep_orders = provide(SweepOrders)
    due_dividends = provide(DueDividends)
    sweeper = provide(OrderSweeper)
    housekeeping = provide(Housekeeping)
    engine_parts = provide(EngineParts)
    together = provide(BookProcesses)

    @provide
    def runner(
        self,
        store: Store,
        plans: RunPlans,
        prices: Prices,
        lease: Lease,
        clock: Clock,
        ids: Ids,
        settings: Settings,
    ) -> PlanRunner:
        ports = RunnerPorts(store, plans, prices, lease, clock, ids, owner_of(store))
        return PlanRunner(ports, settings.plan_interval_s)

    @provide
    def dividends(
        self, store: Store, due: DueDividends, clock: Clock, ids: Ids
    ) -> DividendCalendar:
        return DividendCalendar(store, due, clock, ids, owner_of(store))

    @provide
    def simulation(
        self,
        store: Store,
        parts: EngineParts,
        clock: Clock,
        ids: Ids,
        settings: Settings,
    ) -> SimulationEngine:
        ports = EnginePorts(store, parts, clock, ids, owner_of(store))
        return SimulationEngine(ports, settings.simulation_tick_seconds)

    @provide
    def nav(self, store: Store, nav: AccountNav, clock: Clock, ids: Ids) -> NavRecorder:
        return NavRecorder(store, nav, clock, ids, owner_of(store))
