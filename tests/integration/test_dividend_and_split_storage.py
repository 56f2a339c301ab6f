"""Dividends and splits on the databases: booked once under races, paid where the money belongs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from application.ports.repositories import Page
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.dividend import EntitlementStatus
from domain.portfolio.ledger import Bucket, LedgerKey, sums_by_asset
from domain.portfolio.position import PositionStatus
from domain.shared.errors import NotFound
from domain.shared.side import Side
from infrastructure.persistence.doctor import examine
from tests.support.corporate_book import CorporateBook, opened_store
from tests.support.hand_clock import HandClock
from tests.support.scene import address_of

EX_DATE = date(2025, 3, 20)
EX_DAY = "2025-03-20T14:00:00Z"


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CorporateBook]:
    clock = HandClock(datetime(2025, 3, 3, 15, tzinfo=UTC))
    with address_of(request.param, tmp_path) as address:
        store = opened_store(address, clock)
        try:
            yield CorporateBook(store, clock, "usr_1")
        finally:
            store.close()


def amounts(book: CorporateBook) -> dict[LedgerKey, Decimal]:
    return book.read(lambda work: dict(work.ledger.amounts(work.accounts.main().id)))


def test_twenty_ex_dates_and_payments_at_once_book_once(book: CorporateBook) -> None:
    cell = book.cell("100", "0", "150")
    dividend_id = book.dividend(EX_DATE, "0.82")
    book.clock.jump(EX_DAY)
    with ThreadPoolExecutor(8) as pool:
        accrued = list(pool.map(book.accrue, [dividend_id] * 20))
        paid = list(pool.map(book.pay, [dividend_id] * 20))
    assert sum(not step.replayed for step in accrued) == 1
    assert sum(not step.replayed for step in paid) == 1
    after = book.position(cell.id)
    assert (after.cash, after.receivable) == (Decimal("61.5"), Decimal(0))
    assert after.anchor_price == Decimal("149.18")
    assert set(sums_by_asset(amounts(book)).values()) == {0}
    (stored,) = book.read(lambda work: work.dividends.entitlements_of(cell.id))
    assert (stored.status, stored.paid_on) == (EntitlementStatus.PAID, EX_DATE)


def test_a_retired_cells_dividend_is_paid_to_its_account(book: CorporateBook) -> None:
    cell = book.cell("100", "0", "150")
    dividend_id = book.dividend(EX_DATE, "0.82")
    book.clock.jump(EX_DAY)
    book.accrue(dividend_id)

    def retire(work: UnitOfWork) -> Decimal:
        held = work.positions.get(cell.id)
        closed = replace(held, status=PositionStatus.CLOSED, version=held.version + 1)
        work.positions.save(closed)
        own = LedgerKey(held.account_id, held.account_id, held.currency, Bucket.AVAILABLE)
        return work.ledger.balances(held.account_id).amount(own)

    before = book.run(retire)
    book.pay(dividend_id)
    own = LedgerKey(cell.account_id, cell.account_id, cell.currency, Bucket.AVAILABLE)
    assert amounts(book)[own] == before + Decimal("61.5")
    after = book.position(cell.id)
    assert after.cash == after.receivable == 0
    assert after.dividends_received == Decimal("61.5")
    book.cancel(dividend_id)
    assert amounts(book)[own] == before


def test_a_position_that_its_account_pays_for_is_paid_into_the_account(
    book: CorporateBook,
) -> None:
    cell = book.cell("100", "0", "150")
    book.run(
        lambda work: work.positions.save(replace(cell, is_cell=False, version=cell.version + 1))
    )
    own = LedgerKey(cell.account_id, cell.account_id, cell.currency, Bucket.AVAILABLE)
    receivable = replace(own, bucket=Bucket.RECEIVABLE)
    before = amounts(book)[own]
    dividend_id = book.dividend(EX_DATE, "0.82")
    book.clock.jump(EX_DAY)
    book.accrue(dividend_id)
    assert amounts(book)[receivable] == book.position(cell.id).receivable == Decimal("61.5")
    book.pay(dividend_id)
    assert amounts(book)[own] == before + Decimal("61.5")
    after = book.position(cell.id)
    assert after.cash == after.receivable == 0
    assert after.dividends_received == Decimal("61.5")


def test_the_examination_of_the_books_finds_nothing_wrong_afterwards(
    book: CorporateBook,
) -> None:
    cell = book.cell("100", "5000", "150")
    order_id = book.submitted(cell.id, Side.SELL, Decimal(30))
    assert order_id is not None
    book.fill(order_id, Decimal(30), Decimal(151))
    paid, cancelled = book.dividend(EX_DATE, "0.82"), book.dividend(date(2025, 3, 18), "1")
    split_id = book.split(date(2025, 3, 21), "0.333333333333")
    book.clock.jump("2025-03-24T14:00:00Z")
    for dividend_id in (cancelled, paid):
        book.accrue(dividend_id)
        book.pay(dividend_id)
    book.cancel(cancelled)
    book.apply(split_id)
    order_id = book.submitted(cell.id, Side.BUY, Decimal(2))
    assert order_id is not None
    book.fill(order_id, Decimal(2), Decimal(450))
    examination = examine(book.store.database)
    assert examination.diagnoses == []


def test_upcoming_dividends_page_by_ex_date_then_id(book: CorporateBook) -> None:
    days = [date(2025, 6, 2), date(2025, 4, 1), date(2025, 6, 2), date(2025, 3, 1)]
    ids = [book.dividend(day, "1", f"T{n}") for n, day in enumerate(days)]

    def page(after: str | None, limit: int) -> list[str]:
        found = book.read(
            lambda work: work.dividends.list(Page(limit, after), ex_date_from=EX_DATE)
        )
        return [dividend.id for dividend in found]

    assert page(None, 2) == [ids[1], ids[0]]
    assert page(f"2025-06-02 {ids[0]}", 2) == [ids[2]]


def test_a_split_is_stored_with_the_instant_it_counts_from(book: CorporateBook) -> None:
    cell = book.cell("10", "1000", "200")
    split_id = book.split(EX_DATE, "4")
    book.clock.jump(EX_DAY)
    book.apply(split_id)
    book.apply(split_id)
    (applied,) = book.read(lambda work: work.splits.applied_to_position(cell.id))
    # Midnight in New York, because no table of sessions is loaded.
    assert applied.at == datetime(2025, 3, 20, 4, tzinfo=UTC)
    assert (applied.split_id, applied.ratio) == (split_id, Decimal(4))
    assert book.position(cell.id).qty == 40
    assert book.position(cell.id).opening_price == 200


def test_another_owner_neither_sees_nor_moves_them(book: CorporateBook) -> None:
    cell = book.cell("100", "0", "150")
    dividend_id, split_id = book.dividend(EX_DATE, "0.82"), book.split(EX_DATE, "4")
    book.clock.jump(EX_DAY)
    stranger = CorporateBook(book.store, book.clock, "usr_2")
    for attempt in (stranger.accrue, stranger.pay, stranger.cancel):
        with pytest.raises(NotFound):
            attempt(dividend_id)
    with pytest.raises(NotFound):
        stranger.apply(split_id)
    own = stranger.dividend(EX_DATE, "5")
    assert stranger.accrue(own).positions == ()
    assert book.position(cell.id).version == 1
