"""A book on SQLite with real sessions, prices set by hand and a clock set by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from application.context import RequestContext
from application.portfolio.accounts import MAIN, OpenAccount
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.end_order import EndOrder
from application.portfolio.evaluate_position import EvaluatePosition
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution, RecordFill
from application.portfolio.run_plans import RunPlans
from application.portfolio.submit_order import SubmitOrder
from application.portfolio.sweep_orders import SweepOrders
from application.ports.order_repositories import OrderFilter
from application.ports.repositories import EventFilter, Page, StoredEvaluation
from application.ports.unit_of_work import UnitOfWork
from application.processes.order_sweeper import OrderSweeper
from application.processes.plan_runner import PlanRunner, RunnerPorts
from application.processes.plan_runner_switch import RunnerStatus, runner_status
from domain.plans.balancing_plan import BalancingPlan, PlanMode
from domain.plans.plan import PriceView
from domain.portfolio.order import Order
from domain.portfolio.position import Position
from domain.shared.events import LoggedEvent
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.messaging.in_process_lease import InProcessLease
from infrastructure.persistence.store import SqlStore
from tests.support.corporate_book import opened_store
from tests.support.databases import sqlite_address
from tests.support.hand_clock import HandClock
from tests.support.market import calendar_folder

T = TypeVar("T")
OWNER = RequestContext("usr_1", "usr_1", "req_test")
AUTO = replace(BalancingPlan(), mode=PlanMode.AUTO)
WHOLE = Page(limit=1000)


def eventually(condition: Callable[[], bool], patience_s: float = 30.0) -> None:
    """Wait until a thread has done its part."""
    deadline = monotonic() + patience_s
    while not condition():
        assert monotonic() < deadline, "it did not happen"
        sleep(0.005)


class HandPrices:
    """`Prices` that a test sets; a name may be told to fail."""

    def __init__(self) -> None:
        self.values: dict[str, PriceView] = {}
        self.failing: dict[str, Exception] = {}
        self.asked = 0

    def set(self, instrument: str, value: str, at: datetime) -> None:
        self.values[instrument] = PriceView(Decimal(value), "hand", as_of=at)

    def newest(self, instrument: str, now: datetime) -> PriceView | None:
        self.asked += 1
        if instrument in self.failing:
            raise self.failing[instrument]
        known = self.values.get(instrument)
        if known is None or known.as_of is None:
            return None
        return replace(known, age_s=Decimal(str((now - known.as_of).total_seconds())))


class PlanBook:
    """Commands of one owner and the processes that work on the book."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        self.folder = folder
        self.clock = clock
        self.ids = UuidIds()
        self.prices = HandPrices()
        self.lease = InProcessLease()
        self.calendars = ArrayCalendars(calendar_folder())
        self.store: SqlStore = opened_store(sqlite_address(folder), clock)
        self.run(lambda work: OpenAccount(self.ids)(MAIN, work))

    def restart(self) -> None:
        """Close the store and open the same file, as a new process would."""
        self.store.close()
        self.lease = InProcessLease()
        self.store = opened_store(sqlite_address(self.folder), self.clock)

    def run(self, command: Callable[[UnitOfWork], T]) -> T:
        return self.store.command(command, OWNER).result(timeout=30)

    def read(self, query: Callable[[UnitOfWork], T]) -> T:
        return self.store.query(query, OWNER)

    def cell(
        self,
        ticker: str = "AAPL",
        qty: str = "50",
        cash: str = "5000",
        anchor: str | None = "100",
        plan: BalancingPlan | None = None,
    ) -> str:
        new = NewCell(
            ticker,
            Decimal(qty),
            Decimal(cash),
            anchor_price=None if anchor is None else Decimal(anchor),
            plan=plan or BalancingPlan(),
        )
        return self.run(lambda work: CreateCell(self.ids)(new, work)).id

    def submit(self, position_id: str, side: Side, qty: str, **terms: object) -> Order:
        request = OrderRequest(side, Decimal(qty), **terms)  # type: ignore[arg-type]
        return self.run(lambda work: SubmitOrder(self.ids)(position_id, request, work)).order

    def fill(self, order_id: str, qty: str, price: str) -> None:
        execution = Execution(Decimal(price), Decimal(qty))
        self.run(lambda work: RecordFill(self.ids)(order_id, execution, work))

    def order(self, order_id: str) -> Order:
        return self.read(lambda work: work.orders.get(order_id))

    def orders(self, position_id: str) -> list[Order]:
        where = OrderFilter(position_id=position_id)
        return list(self.read(lambda work: work.orders.list(where, WHOLE)))

    def position(self, position_id: str) -> Position:
        return self.read(lambda work: work.positions.get(position_id))

    def rows(self, position_id: str) -> list[StoredEvaluation]:
        return list(self.read(lambda work: work.evaluations.list(position_id, WHOLE)))

    def events(self, position_id: str) -> list[LoggedEvent]:
        where = EventFilter(aggregate_id=position_id, limit=1000)
        return list(self.read(lambda work: work.events.list(where)))

    def kinds(self, position_id: str) -> list[str]:
        """Event types since the position was created."""
        return [event.type for event in self.events(position_id)][1:]

    def plans(self) -> RunPlans:
        evaluate = EvaluatePosition(self.ids, self.prices, self.calendars)
        return RunPlans(evaluate, SubmitOrder(self.ids))

    def runner(self, plans: RunPlans | None = None) -> PlanRunner:
        """A runner whose cycles the test calls."""
        ports = RunnerPorts(
            self.store,
            plans or self.plans(),
            self.prices,
            self.lease,
            self.clock,
            self.ids,
            lambda: OWNER.owner_id,
        )
        return PlanRunner(ports, interval_s=60)

    def status(self) -> RunnerStatus:
        """What every process would answer."""
        return self.read(runner_status)

    def sweep(self) -> SweepOrders:
        return SweepOrders(EndOrder(self.ids), self.calendars)

    def sweeper(self) -> OrderSweeper:
        """A sweeper whose turns the test calls."""
        return OrderSweeper(self.store, self.sweep(), self.ids)
