"""How long one cycle over a thousand cells takes, and how long its longest command holds the writer."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter, thread_time
from typing import TypeVar

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from application.context import RequestContext
from application.portfolio.create_cell import CreateCell, NewCell
from application.ports.unit_of_work import UnitOfWork
from domain.plans.balancing_plan import BalancingPlan, PlanMode
from domain.plans.plan import PriceView
from infrastructure.persistence.store import SqlStore
from tests.support.hand_clock import HandClock
from tests.support.plan_book import OWNER, PlanBook

pytestmark = pytest.mark.bench
T = TypeVar("T")
CELLS = 1_000
DURING = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)
ROUNDS = 5


@pytest.fixture
def book(tmp_path: Path) -> Iterator[PlanBook]:
    made = PlanBook(tmp_path, HandClock(DURING))
    create = CreateCell(made.ids)

    def cells(work: UnitOfWork) -> None:
        for number in range(CELLS):
            plan = replace(BalancingPlan(), mode=PlanMode.PROPOSE)
            new = NewCell(
                f"C{number}", Decimal(50), Decimal(5000), anchor_price=Decimal(100), plan=plan
            )
            create(new, work)

    made.run(cells)
    yield made
    made.store.close()


class Longest:
    """Times every command of a store: how long the longest held the writer, and how long it worked."""

    def __init__(self, store: SqlStore, patch: pytest.MonkeyPatch) -> None:
        self.wall_ms = self.worked_ms = 0.0
        self._command = store.command
        patch.setattr(store, "command", self)

    def __call__(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> "Future[T]":
        def timed(unit: UnitOfWork) -> T:
            started, busy = perf_counter(), thread_time()
            try:
                return work(unit)
            finally:
                self.wall_ms = max(self.wall_ms, 1000 * (perf_counter() - started))
                self.worked_ms = max(self.worked_ms, 1000 * (thread_time() - busy))

        return self._command(timed, context)


def _reprice(book: PlanBook, value: str) -> None:
    now = book.clock.now()
    for number in range(CELLS):
        book.prices.values[f"C{number}"] = PriceView(Decimal(value), "hand", as_of=now)


@pytest.mark.parametrize("swing", [("100", "101"), ("97", "100")], ids=["all_hold", "all_propose"])
def test_one_cycle_over_a_thousand_cells(
    book: PlanBook,
    benchmark: BenchmarkFixture,
    swing: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every cell has a new price, so each gets a row; on a swing each has events to tell as well."""
    longest = Longest(book.store, monkeypatch)
    runner = book.runner()
    runner.turn_on(OWNER)
    turns = iter(swing * (ROUNDS + 2))
    measure: Callable[..., object] = benchmark.pedantic
    measure(
        runner.cycle,
        setup=lambda: _reprice(book, next(turns)),
        rounds=ROUNDS,
        warmup_rounds=1,
    )
    assert book.status().evaluated == CELLS
    benchmark.extra_info["longest_command_ms"] = round(longest.wall_ms, 2)
    benchmark.extra_info["longest_command_worked_ms"] = round(longest.worked_ms, 2)
    seconds = benchmark.stats.stats.median  # type: ignore[union-attr]
    print(
        f"\n{seconds:.3f} s a cycle; longest command {longest.wall_ms:.1f} ms, "
        f"of which it worked {longest.worked_ms:.1f} ms"
    )
