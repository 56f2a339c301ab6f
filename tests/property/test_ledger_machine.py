"""Any sequence of commands keeps the ledger, the orders and the positions in agreement.

A rule machine drives the use cases and, beside them, a reference book that knows nothing of buckets,
transfers or versions: it adds and subtracts. After every step both must tell the same story.
"""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from application.portfolio.book_entries import book_entries
from application.portfolio.change_position import pause, resume
from application.portfolio.close_position import CloseRequest
from application.portfolio.create_cell import NewCell
from application.portfolio.move_cash import Movement
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution
from application.ports.unit_of_work import Store, UnitOfWork
from domain.portfolio.cost_basis import rebuild
from domain.portfolio.ledger import OWN_BUCKETS, Bucket, sums_by_asset
from domain.portfolio.order import OrderType
from domain.shared.errors import Conflict
from domain.shared.side import Side
from tests.support.portfolio import OWNER, SteppingClock, UseCases, main_account
from tests.support.stores import memory_store, sqlite_store

USE = UseCases()
D = Decimal
CENT = D("0.000001")
quantities = st.decimals("0.00000001", 60, places=8).filter(bool)
prices = st.decimals("0.01", 300, places=4).filter(bool)
amounts = st.decimals("0.000001", 5000, places=6).filter(bool)
commissions = st.none() | st.decimals(0, 5, places=6)


def money(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_EVEN)


@dataclass
class RefOrder:
    """An order as a person with paper and pencil keeps it."""

    cell: "RefCell"
    side: Side
    qty: Decimal
    held_at: Decimal | None
    filled: Decimal = Decimal(0)
    notional: Decimal = Decimal(0)
    is_open: bool = True
    reserved: Decimal = Decimal(0)

    def need(self, remaining: Decimal, notional: Decimal = Decimal(0)) -> Decimal:
        """Worst case of the whole order, less what its executions have cost."""
        if self.side is Side.SELL:
            return remaining
        if self.held_at is None or not remaining:
            return D(0)
        whole = notional + remaining * self.held_at
        return whole.quantize(CENT, rounding=ROUND_CEILING) - money(notional)


@dataclass
class RefCell:
    """A cell as a person with paper and pencil keeps it."""

    qty: Decimal
    cash: Decimal
    anchor: Decimal | None
    inflow: Decimal
    last_price: Decimal | None = None
    fees: Decimal = Decimal(0)
    is_paused: bool = False
    is_closed: bool = False
    orders: list[RefOrder] = field(default_factory=list)

    def reserved(self, side: Side) -> Decimal:
        return sum((o.reserved for o in self.orders if o.is_open and o.side is side), D(0))

    @property
    def free_cash(self) -> Decimal:
        return self.cash - self.reserved(Side.BUY)

    @property
    def free_qty(self) -> Decimal:
        return self.qty - self.reserved(Side.SELL)

    @property
    def open_sells(self) -> Decimal:
        return sum(
            (o.qty - o.filled for o in self.orders if o.is_open and o.side is Side.SELL), D(0)
        )

    @property
    def is_idle(self) -> bool:
        return not any(o.is_open for o in self.orders)


class BookMachine(RuleBasedStateMachine):
    """Commands on the book in memory, compared with the reference after each."""

    cells = Bundle("cells")
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.store = self.open_store()
        self.account = main_account(self.store)
        self.account_cash = self.account.starting_equity
        self.reference: dict[str, RefCell] = {}
        self.reference_orders: dict[str, RefOrder] = {}

    def open_store(self) -> Store:
        return self.closing.enter_context(memory_store(SteppingClock()))

    def teardown(self) -> None:
        self.closing.close()

    def do(self, work: Any) -> Any:
        return self.store.command(work, OWNER).result(timeout=30)

    def refused(self, work: Any) -> str:
        with pytest.raises(Conflict) as caught:
            self.do(work)
        return caught.value.code

    @rule(
        target=cells,
        qty=st.just(D(0)) | quantities,
        cash=st.just(D(0)) | amounts,
        anchor=st.none() | prices,
        cost=st.none() | prices,
        from_account=st.booleans(),
    )
    def create(
        self, qty: Decimal, cash: Decimal, anchor: Any, cost: Any, from_account: bool
    ) -> Any:
        funding = "account" if from_account else "deposit"
        new = NewCell("ZIM", qty, cash, anchor_price=anchor, avg_cost=cost, funding=funding)
        if from_account and cash > self.account_cash:
            assert self.refused(lambda w: USE.create_cell(new, w)) == "insufficient_cash"
            return multiple()
        position = self.do(lambda w: USE.create_cell(new, w))
        price = cost if cost is not None else anchor
        told = {ref.last_price for ref in self.reference.values() if not ref.is_closed} - {None}
        if price is None and qty and told:
            price = position.opening_price
            assert price in told
        in_kind = money(qty * price) if price is not None else D(0)
        self.reference[position.id] = RefCell(qty, cash, anchor, cash + in_kind)
        if from_account:
            self.account_cash -= cash
        return position.id

    @rule(cell=cells, amount=amounts, incoming=st.booleans(), source=st.sampled_from(("external", "account")))  # fmt: skip
    def move_cash(self, cell: str, amount: Decimal, incoming: bool, source: str) -> None:
        ref = self.reference[cell]
        movement = Movement(amount, incoming)
        work = lambda w: USE.move.cell(cell, movement, source, w)  # noqa: E731
        if ref.is_closed:
            assert self.refused(work) == "position_closed"
            return
        payer = ref.free_cash
        if incoming:
            payer = amount if source == "external" else self.account_cash
        if payer < amount:
            assert self.refused(work) == "insufficient_cash"
            return
        self.do(work)
        signed = amount if incoming else -amount
        ref.cash += signed
        ref.inflow += signed
        if source == "account":
            self.account_cash -= signed

    @rule(target=orders, cell=cells, side=st.sampled_from(Side), qty=quantities, limit=st.none() | prices)  # fmt: skip
    def submit(self, cell: str, side: Side, qty: Decimal, limit: Any) -> Any:
        kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        request = OrderRequest(side, qty, kind, limit_price=limit)
        return self._submitted(cell, request, lambda w: USE.submit(cell, request, w))

    def _submitted(self, cell: str, request: OrderRequest, work: Any) -> Any:
        ref = self.reference[cell]
        side, qty = request.side, request.qty
        reduces = side is Side.SELL and 0 < qty + ref.open_sells <= ref.qty and ref.qty > 0
        if ref.is_closed:
            assert self.refused(work) == "position_closed"
            return multiple()
        if ref.is_paused and not (reduces or request.is_close):
            assert self.refused(work) == "position_paused"
            return multiple()
        price = request.limit_price
        if price is None:
            known = ref.last_price if ref.last_price is not None else ref.anchor
            price = None if known is None else known * D("1.01")
        order = RefOrder(ref, side, qty, price if side is Side.BUY else None)
        order.reserved = order.need(qty)
        enough = ref.free_cash if side is Side.BUY else ref.free_qty
        done = self.do(work)
        assert done.accepted == (order.reserved <= enough)
        if not done.accepted:
            assert done.order.rejected_by == "gate"
            return multiple()
        ref.orders.append(order)
        self.reference_orders[done.order.id] = order
        return done.order.id

    @rule(target=orders, cell=cells, part=st.sampled_from((D(1), D("0.5"), D("0.333"))))
    def close(self, cell: str, part: Decimal) -> Any:
        ref = self.reference[cell]
        work = lambda w: USE.close(cell, CloseRequest(part), w)  # noqa: E731
        qty = ref.qty if part == 1 else (ref.qty * part).quantize(D("1e-8"), rounding="ROUND_DOWN")
        if ref.qty == 0:
            assert self.refused(work) in ("position_flat", "position_closed")
            return multiple()
        if qty == 0:
            return multiple()
        return self._submitted(cell, OrderRequest(Side.SELL, qty, is_close=True), work)

    @rule(order=orders, part=st.sampled_from((1, 2, 3, 7)), price=prices, fee=commissions)
    def fill(self, order: str, part: int, price: Decimal, fee: Any) -> None:
        ref = self.reference_orders[order]
        remaining = ref.qty - ref.filled if ref.is_open else D(0)
        qty = (remaining / part).quantize(D("1e-8"), rounding="ROUND_DOWN") or ref.qty
        execution = Execution(price, qty, commission=fee)
        work = lambda w: USE.fill(order, execution, w)  # noqa: E731
        if not ref.is_open or qty > remaining:
            assert self.refused(work) in ("overfill", "order_not_fillable")
            return
        filled = ref.notional + qty * price
        cell, notional = ref.cell, money(filled) - money(ref.notional)
        paid = fee if fee is not None else D(0)
        left = min(ref.reserved, ref.need(remaining - qty, filled))
        released = ref.reserved - left
        short = (
            cell.free_cash + released < notional + paid
            if ref.side is Side.BUY
            else cell.free_cash + notional < paid
        )
        if short:
            assert self.refused(work) == "insufficient_cash"
            return
        done = self.do(work)
        sign = 1 if ref.side is Side.BUY else -1
        cell.qty += sign * qty
        cell.cash -= sign * notional + paid
        cell.fees += paid
        cell.last_price = price
        ref.filled += qty
        ref.notional += qty * price
        ref.reserved = left
        ref.is_open = ref.filled < ref.qty
        assert done.order.status.value == ("partially_filled" if ref.is_open else "filled")
        if not ref.is_open:
            cell.anchor = ref.notional / ref.filled

    @rule(order=orders)
    def cancel(self, order: str) -> None:
        ref = self.reference_orders[order]
        done = self.do(lambda w: USE.end.cancel(order, w))
        assert done.cancelled == ref.is_open
        if ref.is_open and ref.filled:
            ref.cell.anchor = ref.notional / ref.filled
        ref.is_open, ref.reserved = False, D(0)

    @rule(cell=cells, stop=st.booleans())
    def pause_or_resume(self, cell: str, stop: bool) -> None:
        ref = self.reference[cell]
        work = lambda w: (pause if stop else resume)(cell, w)  # noqa: E731
        if ref.is_closed:
            assert self.refused(work) == "position_closed"
            return
        self.do(work)
        ref.is_paused = stop

    @precondition(lambda self: any(c.qty == 0 and c.is_idle for c in self.reference.values()))
    @rule(cell=cells)
    def retire(self, cell: str) -> None:
        ref = self.reference[cell]
        work = lambda w: USE.retire(cell, w.positions.get(cell).version, w)  # noqa: E731
        if ref.is_closed:
            assert self.refused(work) == "position_closed"
            return
        if ref.qty or not ref.is_idle:
            assert self.refused(work) == "position_not_flat"
            return
        self.do(work)
        self.account_cash += ref.cash
        ref.inflow -= ref.cash
        ref.cash, ref.is_closed = D(0), True

    @invariant()
    def the_books_agree(self) -> None:
        self.store.query(self._compare, OWNER)

    def _compare(self, work: UnitOfWork) -> None:
        amounts = work.ledger.amounts(self.account.id)
        assert set(sums_by_asset(amounts).values()) <= {D(0)}
        assert all(amount >= 0 for key, amount in amounts.items() if key.bucket in OWN_BUCKETS)
        held = {(k.holder_id, k.asset, k.bucket): amount for k, amount in amounts.items()}
        assert held[self.account.id, "USD", Bucket.AVAILABLE] == self.account_cash
        for cell, ref in self.reference.items():
            position = work.positions.get(cell)
            assert (position.qty, position.cash) == (ref.qty, ref.cash)
            assert position.basis.fees_paid == ref.fees
            assert (position.anchor_price is None) == (ref.anchor is None)
            if ref.anchor is not None:
                assert abs(position.anchor_price - ref.anchor) < D("1e-11")
            for bucket, asset, expected in (
                (Bucket.AVAILABLE, "USD", ref.free_cash),
                (Bucket.RESERVED, "USD", ref.reserved(Side.BUY)),
                (Bucket.INVENTORY, "ZIM", ref.free_qty),
                (Bucket.INVENTORY_RESERVED, "ZIM", ref.reserved(Side.SELL)),
            ):
                assert held.get((cell, asset, bucket), D(0)) == expected
            self._compare_basis(position, ref, work)
            self._compare_orders(cell, ref, work)

    def _compare_basis(self, position: Any, ref: RefCell, work: UnitOfWork) -> None:
        rebuilt, _ = rebuild(book_entries(position, work))
        assert rebuilt == position.basis
        basis = position.basis
        if basis.cost is not None and basis.realized_known:
            mark = money(basis.qty * (ref.last_price or D(7)))
            unrealized = mark - basis.cost
            equity = position.cash + mark
            assert equity == ref.inflow + basis.realized_pnl + unrealized - basis.fees_paid

    def _compare_orders(self, cell: str, ref: RefCell, work: UnitOfWork) -> None:
        live = {o.id: o for o in work.orders.open_of(cell)}
        expected = {i for i, o in self.reference_orders.items() if o.cell is ref and o.is_open}
        assert set(live) == expected
        for order_id, order in live.items():
            assert order.remaining_qty == order.terms.qty - self.reference_orders[order_id].filled
            assert (order.reserved or D(0)) == self.reference_orders[order_id].reserved


class SqliteBookMachine(BookMachine):
    """The same on a SQLite file."""

    def open_store(self) -> Store:
        folder = self.closing.enter_context(tempfile.TemporaryDirectory())
        return self.closing.enter_context(sqlite_store(Path(folder), SteppingClock()))


def test_any_sequence_of_commands_keeps_the_book_in_memory_sound() -> None:
    run_state_machine_as_test(
        BookMachine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
    )


def test_any_sequence_of_commands_keeps_the_book_on_sqlite_sound() -> None:
    run_state_machine_as_test(
        SqliteBookMachine, settings=settings(max_examples=10, stateful_step_count=30, deadline=None)
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("machine", [BookMachine, SqliteBookMachine])
def test_long_sequences_keep_the_book_sound(machine: type[BookMachine]) -> None:
    run_state_machine_as_test(
        machine, settings=settings(max_examples=300, stateful_step_count=80, deadline=None)
    )
