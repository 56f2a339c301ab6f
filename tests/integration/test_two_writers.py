"""Two processes write one book: what a writer remembers is forgotten as soon as the other wrote."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from application.portfolio.create_cell import NewCell
from application.portfolio.move_cash import Movement
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution
from application.ports.unit_of_work import Store
from domain.shared.errors import Fault
from domain.shared.side import Side
from infrastructure.persistence.doctor import examine
from infrastructure.persistence.store import SqlStore
from tests.support.databases import empty, opened, sqlite_address
from tests.support.portfolio import OWNER, SteppingClock, UseCases, main_account

USE = UseCases()
D = Decimal
STEPS = 120


@pytest.fixture(params=("sqlite", "postgresql"))
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SqlStore, SqlStore]]:
    clock = SteppingClock()
    with ExitStack() as stack:
        if request.param == "sqlite":
            address = sqlite_address(tmp_path)
            stack.enter_context(opened(address))
        else:
            address = request.getfixturevalue("postgresql_address")
            empty(stack.enter_context(opened(address)))
        pair = tuple(SqlStore(stack.enter_context(opened(address)), clock) for _ in range(2))
        for store in pair:
            stack.callback(store.close)
        yield pair  # type: ignore[misc]


def do(store: Store, work):
    return store.command(work, OWNER).result(timeout=20)


def test_a_writer_sees_what_the_other_one_changed(stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = stores
    main_account(first)
    cell = do(first, lambda w: USE.create_cell(NewCell("ZIM", D(0), D(1000)), w))
    for number, store in enumerate((first, second, second, first, second)):
        moved = do(store, lambda w: USE.move.cell(cell.id, Movement(D(100), True), "external", w))
        assert moved.available == 1000 + 100 * (number + 1)


def test_turns_of_two_writers_leave_a_sound_book(stores: tuple[SqlStore, SqlStore]) -> None:
    main_account(stores[0])
    cells = [
        do(stores[0], lambda w: USE.create_cell(NewCell("ZIM", D(50), D(5000), plan=None), w)).id
        for _ in range(3)
    ]
    dice = random.Random(7)
    orders: list[str] = []
    for _ in range(STEPS):
        store, cell = dice.choice(stores), dice.choice(cells)
        try:
            if orders and dice.random() < 0.5:
                order, execution = dice.choice(orders), Execution(D(dice.randint(5, 15)), D(1))
                do(store, lambda w, o=order, e=execution: USE.fill(o, e, w))
            else:
                side = dice.choice((Side.BUY, Side.SELL))
                request = OrderRequest(side, D(dice.randint(1, 4)))
                done = do(store, lambda w, c=cell, r=request: USE.submit(c, r, w))
                orders.append(done.order.id)
        except Fault as refusal:
            assert refusal.code in ("overfill", "order_not_fillable", "insufficient_quantity")
    assert not examine(stores[0].database).diagnoses
