"""`ballast doctor` on 100,000 fills: every position rebuilt from its fills, every sum verified."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from application.portfolio.accounts import MAIN, OpenAccount
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution, RecordFill
from application.portfolio.submit_order import SubmitOrder
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.persistence.doctor import examine
from infrastructure.persistence.store import SqlStore
from tests.support.hand_clock import HandClock
from tests.support.portfolio import OWNER, START
from tests.support.stores import sqlite_store

pytestmark = pytest.mark.bench
FILLS, CELLS = 100_000, 100
EXPECTED_S = 10


def test_a_hundred_thousand_fills_are_rebuilt(tmp_path: Path) -> None:
    with sqlite_store(tmp_path, HandClock(START)) as store:
        _fill(store)
        started = perf_counter()
        examination = examine(store.database)
        taken = perf_counter() - started
    print(f"\n{FILLS} fills examined in {taken:.1f} s ({EXPECTED_S} expected)")
    assert not examination.diagnoses
    assert examination.looked_at["fills"] == FILLS


def _fill(store: SqlStore) -> None:
    ids = UuidIds()
    create, submit, fill = CreateCell(ids), SubmitOrder(ids), RecordFill(ids)
    opened = OpenAccount(ids)

    def queue(command: Callable[[Any], Any]) -> "Future[Any]":
        return store.command(command, OWNER)

    queue(lambda work: opened(MAIN, work)).result()
    per_cell = FILLS // CELLS
    request = OrderRequest(Side.BUY, Decimal(per_cell))
    execution = Execution(Decimal("0.01"), Decimal(1), commission=Decimal(0))
    for number in range(CELLS):
        new = NewCell(f"T{number}", Decimal(0), Decimal(100))
        cell = queue(lambda work, new=new: create(new, work)).result()
        order = queue(lambda work, cell=cell: submit(cell.id, request, work)).result().order
        pending = [
            queue(lambda work, order=order: fill(order.id, execution, work))
            for _ in range(per_cell)
        ]
        wait(pending)
        assert pending[-1].exception() is None
