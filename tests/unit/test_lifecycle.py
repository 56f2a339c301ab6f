"""The order state machine, every cell of its table; a blank one is a defect and changes nothing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest

from domain.portfolio.lifecycle import (
    OPEN_STATUSES,
    TERMINAL,
    OrderFact,
    OrderStatus,
    is_late_fill,
    next_status,
)
from domain.portfolio.order import Order, OrderTerms
from domain.shared.errors import Defect
from domain.shared.side import Side
from tests.support.portfolio import START

FACTS = (
    "claimed", "accepted", "refused", "no_answer",
    "partial_fill", "full_fill", "cancel_confirmed", "expired",
)  # fmt: skip
TABLE = """
pending_submit   | submitting | -       | rejected | -       | -                | -      | cancelled | expired
submitting       | -          | working | rejected | unknown | partially_filled | filled | cancelled | expired
working          | -          | working | -        | -       | partially_filled | filled | cancelled | expired
partially_filled | -          | -       | -        | -       | partially_filled | filled | cancelled | expired
unknown          | -          | working | rejected | unknown | partially_filled | filled | cancelled | expired
filled           | -          | -       | -        | -       | -                | -      | -         | -
cancelled        | -          | -       | -        | -       | cancelled        | filled | -         | -
expired          | -          | -       | -        | -       | expired          | filled | -         | -
rejected         | -          | -       | -        | -       | rejected         | filled | -         | -
"""
CELLS = {
    (row[0], fact): after
    for row in ([cell.strip() for cell in line.split("|")] for line in TABLE.split("\n") if line)
    for fact, after in zip(FACTS, row[1:], strict=True)
}


def order_in(status: OrderStatus) -> Order:
    return Order(
        id="ord_1",
        client_order_id="blo_1",
        owner_id="usr_1",
        account_id="acc_1",
        position_id="pos_1",
        instrument="ZIM",
        venue="manual",
        terms=OrderTerms(Side.BUY, Decimal(10)),
        status=status,
        created_at=START,
        updated_at=START,
        filled_qty=Decimal(4),
        filled_notional=Decimal(400),
    )


def test_the_table_names_every_state_and_every_fact() -> None:
    assert set(CELLS) == {(s.value, f.value) for s, f in product(OrderStatus, OrderFact)}


@pytest.mark.parametrize(("state", "fact"), sorted(CELLS))
def test_a_fact_moves_an_order_as_the_table_says_or_is_a_defect(state: str, fact: str) -> None:
    status, happened, after = OrderStatus(state), OrderFact(fact), CELLS[state, fact]
    if after != "-":
        assert next_status(status, happened).value == after
        return
    with pytest.raises(Defect) as caught:
        next_status(status, happened)
    assert caught.value.code == "illegal_transition"
    assert caught.value.context == {"status": state, "fact": fact}


@pytest.mark.parametrize(("state", "fact"), sorted(CELLS))
def test_an_order_changes_with_a_legal_fact_and_stays_itself_with_an_illegal_one(
    state: str, fact: str
) -> None:
    order, later = order_in(OrderStatus(state)), START + timedelta(seconds=1)
    untouched = replace(order)
    if CELLS[state, fact] == "-":
        with pytest.raises(Defect):
            order.moved(OrderFact(fact), later)
    else:
        moved = order.moved(OrderFact(fact), later, reason="because")
        assert (moved.status.value, moved.version) == (CELLS[state, fact], order.version + 1)
        assert (moved.updated_at, moved.reason) == (later, "because")
        assert moved.terms == order.terms
    assert order == untouched


@pytest.mark.parametrize("state", sorted(s.value for s in OrderStatus))
@pytest.mark.parametrize(("qty", "fact"), [("5.99", "partial_fill"), ("6", "full_fill")])
def test_a_fill_counts_what_is_executed_and_never_leaves_the_table(
    state: str, qty: str, fact: str
) -> None:
    order = order_in(OrderStatus(state))
    if CELLS[state, fact] == "-":
        with pytest.raises(Defect):
            order.with_fill(Decimal(qty), Decimal(110), Decimal("0.5"), START)
        return
    after = order.with_fill(Decimal(qty), Decimal(110), Decimal("0.5"), START)
    assert after.status.value == CELLS[state, fact]
    assert after.filled_qty == 4 + Decimal(qty)
    assert after.filled_notional == 400 + Decimal(qty) * 110
    assert after.fees == Decimal("0.5")


def test_late_fills_are_fills_of_orders_that_ended_unfilled() -> None:
    late = {(s.value, f.value) for s, f in product(OrderStatus, OrderFact) if is_late_fill(s, f)}
    ended = ("cancelled", "expired", "rejected")
    assert late == set(product(ended, ("partial_fill", "full_fill")))


def test_terminal_and_open_states_divide_all_states() -> None:
    assert {s.value for s in TERMINAL} == {"filled", "cancelled", "rejected", "expired"}
    assert OPEN_STATUSES.isdisjoint(TERMINAL)
    assert set(OrderStatus) == OPEN_STATUSES | TERMINAL
    assert all(order_in(s).remaining_qty == (0 if s in TERMINAL else 6) for s in OrderStatus)
