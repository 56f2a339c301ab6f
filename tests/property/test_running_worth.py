"""What a changed holding is worth with the others remembered equals valuing all of them anew."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.portfolio.account_nav import AccountNav
from application.portfolio.accounts import MAIN, OpenAccount
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.end_order import EndOrder
from application.portfolio.move_cash import MoveCash, Movement
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution, RecordFill
from application.portfolio.running_worth import RunningWorth
from application.portfolio.submit_order import SubmitOrder
from application.portfolio.views import valued_account
from application.ports.unit_of_work import Store
from domain.shared.errors import Conflict
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.memory.store import MemoryStore
from tests.support.corporate_book import opened_store
from tests.support.databases import sqlite_address
from tests.support.dated_prices import DatedPrices
from tests.support.hand_clock import HandClock
from tests.support.market import calendar_folder
from tests.support.plan_book import OWNER

D = Decimal
MONDAY = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)
TICKERS = ("AAPL", "AAPL", "ZIM", "NEW")
"""Two cells share an instrument: a price told of one counts for the other. NEW is never priced."""

_cell = st.integers(0, len(TICKERS) - 1)
_price = st.decimals("1", "300", places=2)
_fills = st.tuples(st.just("fill"), _cell, st.integers(-3, 5).filter(bool), _price)
_flows = st.tuples(st.just("flow"), st.integers(-500, 500).filter(bool))
_undone = st.tuples(st.just("undone"), _cell, st.integers(1, 5), _price)
_waits = st.tuples(st.just("wait"), st.integers(1, 7))


class Compared(RunningWorth):
    """Values everything too, each time it is asked."""

    asked = 0

    def equity(self, account: Any, change: Any, mark_at: Any, work: Any) -> Decimal | None:
        found = super().equity(account, change, mark_at, work)
        amounts = work.ledger.amounts(account.id)
        held = work.positions.held_in(account.id)
        assert found == valued_account(account, amounts, held, self._prices, work.now).equity
        Compared.asked += 1
        return found


class Book:
    """Cells of one account whose fills mark its NAV."""

    def __init__(self, folder: Path | None = None) -> None:
        """In memory, or on a SQLite file in the folder."""
        self.clock = HandClock(MONDAY)
        self.store: Store = MemoryStore(self.clock)
        if folder is not None:
            self.store = opened_store(sqlite_address(folder), self.clock)
        self.ids, prices = UuidIds(), DatedPrices()
        self.nav = AccountNav(prices, ArrayCalendars(calendar_folder()))
        self.nav._worth = Compared(prices)
        self.account = self.run(lambda work: OpenAccount(self.ids, self.nav)(MAIN, work))
        create = CreateCell(self.ids, self.nav)
        self.cells = [
            self.run(lambda work, t=ticker: create(NewCell(t, D(0), D(2000)), work)).id
            for ticker in TICKERS
        ]

    def run(self, command: Callable[[Any], Any]) -> Any:
        return self.store.command(command, OWNER).result(timeout=30)

    def fill(
        self,
        cell: int,
        qty: int,
        price: Decimal,
        *,
        undo: bool = False,
        ago: timedelta | None = None,
    ) -> None:
        side = Side.BUY if qty > 0 else Side.SELL
        request = OrderRequest(side, D(abs(qty)), confirm_duplicate=True)
        submit, fill = SubmitOrder(self.ids), RecordFill(self.ids, self.nav)
        order = self.run(lambda work: submit(self.cells[cell], request, work)).order
        when = None if ago is None else self.clock.now() - ago
        execution = Execution(price, D(abs(qty)), executed_at=when)

        def filled(work: Any) -> None:
            fill(order.id, execution, work)
            if undo:
                raise Conflict("undone", "The command is undone after its fill.")

        if undo:
            with pytest.raises(Conflict):
                self.run(filled)
            self.run(lambda work: EndOrder(self.ids).cancel(order.id, work))
        else:
            self.run(filled)

    def flow(self, amount: int) -> None:
        movement = Movement(D(abs(amount)), amount > 0)
        mover = MoveCash(self.ids, self.nav)
        self.run(lambda work: mover.account(self.account.id, movement, work))


@given(st.lists(st.one_of(_fills, _fills, _flows, _undone, _waits), min_size=2, max_size=25))
def test_equity_after_every_fill_is_that_of_all_holdings(steps: list[tuple[Any, ...]]) -> None:
    book, now, held = Book(), MONDAY, [0] * len(TICKERS)
    cash = [D(2000)] * len(TICKERS)
    for kind, *values in steps:
        now += timedelta(seconds=values[0] if kind == "wait" else 1)
        book.clock.jump(now.isoformat())
        if kind == "flow":
            book.flow(values[0])
        elif kind == "undone":
            cell, qty, price = values
            if cash[cell] > qty * price * D("1.02"):
                book.fill(cell, qty, price, undo=True)
        elif kind == "fill":
            cell, qty, price = values
            if held[cell] + qty < 0 or cash[cell] < qty * price * D("1.01"):
                continue
            book.fill(cell, qty, price)
            held[cell] += qty
            cash[cell] -= qty * price + abs(qty) * price * D("0.01")


@pytest.fixture(params=["memory", "sqlite"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path if request.param == "sqlite" else None)
    yield made
    made.store.close()


def test_what_an_undone_command_left_is_not_remembered(book: Book) -> None:
    book.fill(0, 1, D(100))
    book.fill(1, 5, D(100), undo=True)
    book.fill(1, 2, D(50))
    book.fill(2, 1, D(7), undo=True)
    book.fill(2, 3, D(7))


def test_a_cell_without_shares_still_tells_its_price(book: Book) -> None:
    book.fill(0, 5, D(100))
    book.fill(1, 2, D(100))
    book.clock.jump("2025-03-03T15:00:01Z")
    book.fill(1, -2, D(200))
    book.clock.jump("2025-03-03T15:00:02Z")
    book.fill(0, 1, D(100), ago=timedelta(seconds=1.5))


def test_the_comparison_was_made() -> None:
    before = Compared.asked
    book = Book()
    book.fill(0, 2, D(100))
    book.clock.jump("2025-03-03T15:00:01Z")
    book.fill(1, 1, D(110))
    assert Compared.asked == before + 2


@pytest.mark.parametrize("gap_s", [1, 6])
def test_a_price_told_of_one_cell_counts_for_the_other_of_its_instrument(gap_s: int) -> None:
    book = Book()
    for cell, price in ((0, D(100)), (1, D(150)), (0, D(80))):
        book.fill(cell, 1, price)
        book.clock.jump((book.clock.now() + timedelta(seconds=gap_s)).isoformat())
