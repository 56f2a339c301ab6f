"""Executions reported late, twice or in any order end in the state of the order they happened in."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from application.portfolio.book_entries import book_entries
from application.portfolio.create_cell import NewCell
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution
from application.ports.unit_of_work import Store
from domain.portfolio.cost_basis import rebuild
from domain.portfolio.fill import Fill
from domain.portfolio.position import Position
from domain.shared.errors import Conflict
from domain.shared.side import Side
from tests.support.portfolio import OWNER, SteppingClock, UseCases, main_account
from tests.support.stores import memory_store

USE = UseCases()
D = Decimal


@dataclass(frozen=True)
class Happened:
    """One execution: which side, what, and at which tick of time (ticks may coincide)."""

    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    tick: int
    name: str


@dataclass(frozen=True)
class Ended:
    """What must not depend on the order of the reports."""

    basis: Any
    cash: Decimal
    receivable: Decimal
    last_fill_price: Decimal | None
    high_water: Decimal | None
    low_water: Decimal | None
    realized_by_name: dict[str | None, Decimal | None]
    orders: dict[Side, tuple[Decimal, Decimal, Decimal]]


@st.composite
def histories(draw: st.DrawFn) -> list[Happened]:
    """Executions that never sell more than is held at their time."""
    held, tick, found = D(0), 0, []
    for number in range(draw(st.integers(2, 7))):
        tick += draw(st.integers(0, 2))
        sells = held > 0 and draw(st.booleans())
        qty = draw(st.decimals("0.00000001", 50, places=8).filter(bool))
        side = Side.SELL if sells else Side.BUY
        if sells:
            qty = held if draw(st.booleans()) else min(qty, held)
        held += side.sign * qty
        price = draw(st.decimals("0.01", 500, places=4).filter(bool))
        fee = draw(st.decimals(0, 3, places=6))
        found.append(Happened(side, qty, price, fee, tick, f"x-{number:02d}"))
    return found


def delivered(history: list[Happened], arrivals: list[Happened]) -> Ended:
    """Report the arrivals, again and again until each is booked, as a reporter would."""
    with memory_store(SteppingClock()) as store:
        main_account(store)
        new = NewCell("ZIM", D(0), D(1_000_000), plan=None)
        position = _do(store, lambda w: USE.create_cell(new, w))
        # SELL orders are made without shares in hand here, so both sides start from one big order.
        orders = {side: _open(store, position, side, history) for side in Side}
        waiting = list(arrivals)
        while waiting:
            left = [fact for fact in waiting if not _report(store, position, orders, fact)]
            assert len(left) < len(waiting), "nothing more could be booked"
            waiting = left
        return store.query(lambda w: _ended(w, position, orders), OWNER)


def _do(store: Store, work: Any) -> Any:
    return store.command(work, OWNER).result()


def _open(store: Store, position: Position, side: Side, history: list[Happened]) -> str:
    total = sum((f.qty for f in history if f.side is side), D(0)) or D(1)
    if side is Side.BUY:
        request = OrderRequest(side, total)
        return str(_do(store, lambda w: USE.submit(position.id, request, w)).order.id)

    def without_gate(work: Any) -> str:
        from dataclasses import replace

        bought = work.orders.open_of(position.id)[0]
        terms = replace(bought.terms, side=Side.SELL, qty=total)
        order = replace(
            bought, id="ord_sell", client_order_id="blo_sell", terms=terms, reserved=None
        )
        work.orders.add(order)
        return order.id

    return str(_do(store, without_gate))


def _report(store: Store, position: Position, orders: dict[Side, str], fact: Happened) -> bool:
    at = position.opened_at + timedelta(microseconds=fact.tick)
    execution = Execution(fact.price, fact.qty, fact.fee, executed_at=at, external_id=fact.name)
    future = store.command(lambda w: USE.fill(orders[fact.side], execution, w), OWNER)
    error = future.exception()
    if error is None:
        return True
    assert isinstance(error, Conflict)
    assert error.code == "insufficient_quantity", error
    return False


def _ended(work: Any, position: Position, orders: dict[Side, str]) -> Ended:
    after = work.positions.get(position.id)
    fills: list[Fill] = list(work.fills.of_position(position.id))
    assert rebuild(book_entries(after, work))[0] == after.basis
    held = {side: work.orders.get(order_id) for side, order_id in orders.items()}
    return Ended(
        after.basis,
        after.cash,
        after.receivable,
        after.last_fill_price,
        after.high_water,
        after.low_water,
        {fill.external_id: fill.realized_pnl for fill in fills},
        {side: (o.filled_qty, o.filled_notional, o.fees) for side, o in held.items()},
    )


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_order_and_any_repetition_of_reports_ends_in_one_state(data: st.DataObject) -> None:
    history = data.draw(histories())
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=4))
    arrivals = data.draw(st.permutations([*history, *repeated]))
    assert delivered(history, arrivals) == delivered(history, history)
