"""Any order of executions, dividends and splits leaves a sound ledger and a book that rebuilds."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.portfolio.book_entries import book_entries
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.cost_basis import (
    BookEntry,
    CostBasis,
    EntryKind,
    apply_entry,
    quantity_changes,
    rebuild,
)
from domain.portfolio.ledger import OWN_BUCKETS, Bucket, sums_by_asset
from domain.shared.decimals import cash
from domain.shared.errors import Conflict, RuleRefused
from domain.shared.side import Side
from infrastructure.persistence.store import SqlStore
from tests.support.corporate_book import CorporateBook, opened_store
from tests.support.hand_clock import HandClock

OPENING_QTY, OPENING_CASH, OPENING_PRICE = "100", "20000", "50"
FLOWS = Decimal(OPENING_CASH) + Decimal(OPENING_QTY) * Decimal(OPENING_PRICE)
OWNERS = count()

quantities = st.decimals("0.00000001", "60", places=8)
prices = st.decimals("0.01", "400", places=4)
ratios = st.sampled_from(["2", "4", "0.1", "1.5", "0.333333333333", "0.0001", "7"])
days_back = st.integers(0, 6)
steps = st.one_of(
    st.tuples(st.just("trade"), st.sampled_from(list(Side)), quantities, prices, days_back),
    st.tuples(st.just("rest"), st.sampled_from(list(Side)), quantities, prices),
    st.tuples(st.just("dividend"), st.decimals("0.0001", "60", places=4)),
    st.tuples(st.just("pay"), st.integers(0, 5)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("split"), ratios),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqlStore, HandClock]]:
    clock = HandClock(datetime(2025, 1, 6, 15, tzinfo=UTC))
    folder: Path = tmp_path_factory.mktemp("book")
    opened = opened_store(f"sqlite:///{folder / 'ballast.db'}", clock)
    yield opened, clock
    opened.close()


class Story:
    """One cell, its clock and its dividends, driven step by step."""

    def __init__(self, store: SqlStore, clock: HandClock) -> None:
        self.clock = clock
        clock.jump("2025-01-06T15:00:00Z")
        self.book = CorporateBook(store, clock, f"usr_{next(OWNERS)}")
        self.cell_id = self.book.cell(OPENING_QTY, OPENING_CASH, OPENING_PRICE).id
        self.dividends: list[str] = []

    def tell(self, step: tuple[object, ...]) -> None:
        # Refusals are part of any real sequence; a defect is not and ends the test.
        with suppress(Conflict, RuleRefused):
            getattr(self, f"_{step[0]}")(*step[1:])

    def _trade(self, side: Side, qty: Decimal, price: Decimal, back: int) -> None:
        order_id = self.book.submitted(self.cell_id, side, qty)
        if order_id is not None:
            at = None if back == 0 else self.clock.now() - timedelta(days=back, hours=1)
            opened_at = self.book.position(self.cell_id).opened_at
            self.book.fill(order_id, qty, price, at and max(at, opened_at))

    def _rest(self, side: Side, qty: Decimal, price: Decimal) -> None:
        order_id = self.book.submitted(self.cell_id, side, qty)
        part = qty / 2
        if order_id is not None and part == part.quantize(Decimal("1e-8")):
            self.book.fill(order_id, part, price)

    def _dividend(self, dps: Decimal) -> None:
        self.dividends.append(self.book.dividend(self._tomorrow(), str(dps)))
        self.book.accrue(self.dividends[-1])

    def _pay(self, which: int) -> None:
        if self.dividends:
            self.book.pay(self.dividends[which % len(self.dividends)])

    def _cancel(self, which: int) -> None:
        if self.dividends:
            self.book.cancel(self.dividends[which % len(self.dividends)])

    def _split(self, ratio: str) -> None:
        self.book.apply(self.book.split(self._tomorrow(), ratio))

    def _tomorrow(self) -> date:
        day = self.clock.now() + timedelta(days=1)
        self.clock.jump(day.isoformat())
        return day.date()

    def require_sound(self) -> None:
        def check(work: UnitOfWork) -> None:
            position = work.positions.get(self.cell_id)
            amounts = work.ledger.amounts(position.account_id)
            assert set(sums_by_asset(amounts).values()) == {0}
            assert all(v >= 0 for k, v in amounts.items() if k.bucket in OWN_BUCKETS)
            shares = (Bucket.INVENTORY, Bucket.INVENTORY_RESERVED)
            assert sum(amounts.get(position.share_key(b), 0) for b in shares) == position.qty
            assert amounts.get(position.cash_key(Bucket.RECEIVABLE), 0) == position.receivable

            entries = book_entries(position, work)
            rebuilt, realized = rebuild(entries)
            assert rebuilt == position.basis
            for fill in work.fills.of_position(position.id):
                assert realized[fill.external_id or "", fill.id] == fill.realized_pnl
            assert sum(change for _, change in quantity_changes(entries)) == position.qty
            basis = position.basis
            assert basis.cost is not None
            earned = basis.realized_pnl + position.dividends_received - basis.fees_paid
            assert position.cash == FLOWS + earned - basis.cost

        self.book.read(check)


@given(st.lists(steps, min_size=1, max_size=14))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_sequence_keeps_the_ledger_sound_and_rebuilds(
    store: tuple[SqlStore, HandClock], told: list[tuple[object, ...]]
) -> None:
    story = Story(*store)
    for step in told:
        story.tell(step)
        story.require_sound()


@given(st.integers(1, 200), st.lists(ratios, max_size=5))
def test_splits_change_neither_the_cost_nor_the_result_unless_nothing_is_left(
    whole: int, applied: list[str]
) -> None:
    basis = CostBasis(qty=Decimal(whole), cost=cash(Decimal(whole) * 3))
    for ratio in applied:
        entry = BookEntry(EntryKind.SPLIT, datetime.now(UTC), ("", "s"), Decimal(ratio))
        after, gained = apply_entry(basis, entry)
        assert 0 <= basis.qty * Decimal(ratio) - after.qty < Decimal("1e-8")
        assert after.cost is not None
        assert basis.cost is not None
        assert after.realized_pnl - after.cost == basis.realized_pnl - basis.cost
        assert (gained is None) == (after.qty > 0 or basis.qty == 0)
        basis = after
