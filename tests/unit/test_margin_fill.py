"""A margin execution moves contracts, profit, fee, margin and hold together; the sums stay zero."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest

from domain.portfolio.apply_fill import FillOutcome
from domain.portfolio.cost_basis import BookEntry, CostBasis
from domain.portfolio.fill import Fill
from domain.portfolio.ledger import Balances, Bucket, LedgerKey, sums_by_asset
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.margin import margin_to_hold
from domain.portfolio.margin_fill import (
    MarginBooking,
    apply_margin_fill,
    funding_transfer,
    hold_margin,
    release_margin,
)
from domain.portfolio.order import Order, OrderTerms
from domain.portfolio.position import Position, PositionStatus
from domain.shared.errors import Defect
from domain.shared.side import Side
from tests.support.portfolio import START

D = Decimal
RATE = D("0.001")
EMPTY = Position(
    id="pos_1", owner_id="usr_1", account_id="acc_1", instrument="BTC-USDT-PERP", currency="USDT",
    calendar="24/7", venue="paper", is_cell=False, basis=CostBasis(), opening_price=None,
    cash=D(0), receivable=D(0), dividends_received=D(0), funding_paid=D(0), anchor_price=None,
    high_water=None, low_water=None, last_fill_price=None, plan=None,
    status=PositionStatus.PENDING, opened_at=START, closed_at=None, entry_session=None,
    withholding_rate=None,
)  # fmt: skip
EXTERNAL = LedgerKey("acc_1", "acc_1", "USDT", Bucket.EXTERNAL)


class MarginBook:
    """One account with 10000 USDT, one position, every balance kept."""

    def __init__(self, leverage: int = 10) -> None:
        self.leverage = leverage
        self.position = EMPTY
        self.balances = Balances({EMPTY.cash_key(Bucket.AVAILABLE): D(10000), EXTERNAL: D(-10000)})
        self.history: list[BookEntry] = []
        self._ids = count(1)

    def new_id(self) -> str:
        return f"trf_{next(self._ids)}"

    def order(self, side: Side, qty: str, price: str | None = None) -> Order:
        """Accepted, with its margin held if a price is given."""
        terms = OrderTerms(side, D(qty), commission_rate=RATE)
        hold = None if price is None else margin_to_hold(D(qty), D(price), self.leverage, RATE)
        order = Order(
            "ord_1", "blo_1", "usr_1", "acc_1", "pos_1", EMPTY.instrument, "paper", terms,
            OrderStatus.WORKING, START, START, reserved=hold,
            reservation_price=None if price is None else D(price),
        )  # fmt: skip
        self.balances.apply(hold_margin(order, self.position, START, self.new_id), on_margin=True)
        return order

    def fill(
        self, order: Order, qty: str, price: str, second: int = 0, order_leverage: int | None = None
    ) -> FillOutcome:
        at = START + timedelta(seconds=second)
        fill = Fill(
            f"fil_{next(self._ids)}", order.id, "pos_1", "acc_1", "usr_1", "paper",
            order.terms.side, D(qty), D(price), D(qty) * D(price) * RATE, "USDT", at, at,
        )  # fmt: skip
        booking = MarginBooking(
            self.balances, self.leverage, lambda: self.history, self.new_id, order_leverage
        )
        outcome = apply_margin_fill(self.position, order, fill, booking)
        self.history.append(outcome.fill.entry())
        self.position = outcome.position
        assert set(sums_by_asset(self.balances.touched() | {EXTERNAL: D(-10000)}).values()) == {0}
        return outcome

    def cash(self, bucket: Bucket) -> Decimal:
        return self.balances.amount(self.position.cash_key(bucket))

    @property
    def contracts(self) -> Decimal:
        return self.balances.amount(self.position.share_key(Bucket.INVENTORY))


def test_opening_moves_margin_and_fee_but_no_notional() -> None:
    book = MarginBook()
    order = book.order(Side.BUY, "1", "100")
    assert (book.cash(Bucket.AVAILABLE), book.cash(Bucket.MARGIN)) == (D("9989.9"), D("10.1"))
    outcome = book.fill(order, "1", "100")
    assert outcome.order.status is OrderStatus.FILLED
    assert outcome.order.reserved == 0
    assert (book.cash(Bucket.AVAILABLE), book.cash(Bucket.MARGIN)) == (D("9989.9"), 10)
    assert (book.cash(Bucket.FEES), book.contracts) == (D("0.1"), 1)
    assert book.position.status is PositionStatus.OPEN


def test_a_partial_fill_keeps_the_hold_of_the_rest() -> None:
    book = MarginBook()
    order = book.order(Side.BUY, "4", "100")
    moved = book.fill(order, "1", "100").order
    assert moved.reserved == D("30.3")
    assert book.cash(Bucket.MARGIN) == D("40.3")
    book.balances.apply(release_margin(moved, book.position, START, book.new_id), on_margin=True)
    assert book.cash(Bucket.MARGIN) == 10


def test_closing_realises_releases_the_margin_and_closes_the_position() -> None:
    book = MarginBook()
    book.fill(book.order(Side.BUY, "1", "100"), "1", "100")
    outcome = book.fill(book.order(Side.SELL, "1"), "1", "110", second=1)
    assert outcome.fill.realized_pnl == 10
    assert (book.cash(Bucket.MARGIN), book.contracts) == (0, 0)
    assert book.cash(Bucket.AVAILABLE) == 10000 + 10 - D("0.1") - D("0.11")
    assert (book.position.status, book.position.closed_at) == (
        PositionStatus.CLOSED, START + timedelta(seconds=1),
    )  # fmt: skip


def test_a_flip_leaves_a_short_with_its_own_margin() -> None:
    book = MarginBook()
    book.fill(book.order(Side.BUY, "1", "100"), "1", "100")
    outcome = book.fill(book.order(Side.SELL, "3"), "3", "110", second=1)
    assert outcome.fill.realized_pnl == 10
    assert (book.position.qty, book.position.basis.avg_cost) == (-2, 110)
    assert (book.contracts, book.cash(Bucket.MARGIN)) == (-2, 22)
    assert book.position.status is PositionStatus.OPEN


def test_an_order_with_other_leverage_counts_with_it_only_for_what_it_opens() -> None:
    book = MarginBook()
    book.fill(book.order(Side.BUY, "1"), "1", "100")
    book.fill(book.order(Side.BUY, "1"), "1", "100", second=1, order_leverage=2)
    assert book.cash(Bucket.MARGIN) == 20
    book.fill(book.order(Side.SELL, "3"), "3", "100", second=2, order_leverage=2)
    assert book.cash(Bucket.MARGIN) == 50


def test_a_loss_beyond_the_account_is_booked_and_visible() -> None:
    book = MarginBook(leverage=100)
    book.fill(book.order(Side.BUY, "200", "100"), "200", "100")
    book.fill(book.order(Side.SELL, "200"), "200", "40", second=1)
    assert book.cash(Bucket.AVAILABLE) == 10000 - 12000 - 20 - 8


def test_margin_itself_never_falls_below_zero() -> None:
    book = MarginBook()
    order = replace(book.order(Side.BUY, "1"), reserved=D(5))
    with pytest.raises(Defect) as broken:
        book.balances.apply(
            release_margin(order, book.position, START, book.new_id), on_margin=True
        )
    assert broken.value.code == "ledger_invariant"


def test_an_execution_told_late_is_booked_at_its_own_time() -> None:
    book = MarginBook()
    book.fill(book.order(Side.BUY, "1"), "1", "100", second=1)
    book.fill(book.order(Side.SELL, "3"), "3", "110", second=5)
    late = book.fill(book.order(Side.BUY, "1"), "1", "104", second=3)
    assert (book.position.qty, book.position.basis.realized_pnl) == (-1, 16)
    assert (late.fill.realized_pnl, book.position.last_fill_price) == (None, 110)
    assert 16 in late.restated.values()
    assert book.cash(Bucket.AVAILABLE) + book.cash(Bucket.MARGIN) == (
        10000 + 16 - book.position.basis.fees_paid
    )


@pytest.mark.parametrize("amount", ["3", "-3"])
def test_funding_goes_out_of_and_into_free_cash(amount: str) -> None:
    book = MarginBook()
    book.balances.apply(
        funding_transfer(book.position, D(amount), START, book.new_id), on_margin=True
    )
    assert book.cash(Bucket.AVAILABLE) == 10000 - D(amount)
    assert book.cash(Bucket.FUNDING) == D(amount)


def test_a_cash_account_still_refuses_what_a_margin_account_may_do() -> None:
    book = MarginBook()
    with pytest.raises(Defect):
        book.balances.apply(funding_transfer(book.position, D(10001), START, book.new_id))
