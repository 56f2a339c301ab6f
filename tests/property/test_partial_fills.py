"""However an order is filled in parts, it costs what it would cost in one, and never more than was
held back for it.
"""

from decimal import ROUND_DOWN, Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.portfolio.apply_fill import FillOutcome, apply_fill, hold_reservation
from domain.portfolio.cost_basis import CostBasis, rebuild
from domain.portfolio.fill import Fill
from domain.portfolio.ledger import Balances, Bucket
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Order, OrderTerms, OrderType
from domain.portfolio.reservation import reserve
from domain.shared.decimals import QUANTITY_STEP, cash
from domain.shared.side import Side
from tests.unit.test_apply_fill import execution, held, new_id, position

D = Decimal
quantities = st.decimals("0.00000002", 1000, places=8)
prices = st.decimals("0.00000001", 1000, places=8).filter(bool)
rates = st.decimals(0, "0.01", places=6)
cuts = st.lists(st.decimals(0, 1, places=3), max_size=9)


def parts_of(qty: Decimal, at: list[Decimal]) -> list[Decimal]:
    """The quantity, cut at these shares of it."""
    marks = sorted({(qty * share).quantize(QUANTITY_STEP, ROUND_DOWN) for share in at} | {qty})
    return [b - a for a, b in zip([D(0), *marks], marks, strict=False) if b > a]


def filled(terms: OrderTerms, money: Decimal, parts: list[Decimal]) -> list[FillOutcome]:
    """Every part at the limit, with the commission the rate asks for."""
    shares = D(0) if terms.side is Side.BUY else terms.qty
    cell = position(str(shares), str(money))
    hold = reserve(terms, None)
    order = Order(
        "ord_1", "blo_1", "usr_1", "acc_1", "pos_1", "ZIM", "manual", terms, OrderStatus.WORKING,
        cell.opened_at, cell.opened_at, reserved=hold.amount, reservation_price=hold.price,
    )  # fmt: skip
    balances: Balances = held(cell)
    balances.apply(hold_reservation(order, cell, cell.opened_at, new_id))
    assert terms.limit_price is not None
    outcomes = []
    for second, qty in enumerate(parts, 1):
        fee = order.commission_of(qty, terms.limit_price)
        fill: Fill = execution(terms.side, str(qty), str(terms.limit_price), str(fee), second)
        outcome = apply_fill(cell, order, fill, balances, list, new_id)
        cell, order = outcome.position, outcome.order
        assert (order.reserved or D(0)) == balances.amount(
            cell.cash_key(Bucket.RESERVED)
            if terms.side is Side.BUY
            else cell.share_key(Bucket.INVENTORY_RESERVED)
        )
        outcomes.append(outcome)
    assert order.status is OrderStatus.FILLED
    return outcomes


def limit(side: Side, qty: Decimal, price: Decimal, rate: Decimal) -> OrderTerms:
    return OrderTerms(side, qty, OrderType.LIMIT, limit_price=price, commission_rate=rate)


@pytest.mark.parametrize(
    ("qty", "price", "rate", "cut"),
    [
        # Three parts of 0.0000015 each round up to 0.000002: 0.000006 for 0.0000045.
        ("3", "0.0000015", "0", [D("0.334"), D("0.667")]),
        # Notional and commission of a single fill round up together.
        ("1", "0.0000015", "1", []),
    ],
)
def test_a_buy_whose_parts_all_round_up_still_fits_its_hold(
    qty: str, price: str, rate: str, cut: list[Decimal]
) -> None:
    terms = limit(Side.BUY, D(qty), D(price), D(rate))
    money = reserve(terms, None).amount
    assert money is not None
    parts = parts_of(D(qty), cut) if cut else [D(qty)]
    assert filled(terms, money, parts)[-1].position.cash >= 0


@given(quantities, prices, rates, cuts)
def test_a_buy_filled_at_its_limit_in_any_parts_never_needs_more_than_its_hold(
    qty: Decimal, price: Decimal, rate: Decimal, at: list[Decimal]
) -> None:
    terms = limit(Side.BUY, qty, price, rate)
    money = reserve(terms, None).amount
    assert money is not None
    last = filled(terms, money, parts_of(qty, at))[-1]
    spent = cash(qty * price) + cash(qty * price * rate)
    assert last.position.cash == money - spent >= 0
    assert last.order.reserved == 0


@given(st.sampled_from(Side), quantities, prices, rates, cuts)
def test_parts_add_up_to_the_rounded_whole(
    side: Side, qty: Decimal, price: Decimal, rate: Decimal, at: list[Decimal]
) -> None:
    terms = limit(side, qty, price, rate)
    money = cash(qty * price * 2) + 1
    outcomes = filled(terms, money, parts_of(qty, at))
    fees = [outcome.fill.fee for outcome in outcomes]
    assert sum(fees, D(0)) == cash(qty * price * rate)
    notional = cash(qty * price)
    after = outcomes[-1].position
    assert after.cash == money - side.sign * notional - sum(fees, D(0))
    for paid in accumulate(fees):
        assert paid >= 0


@given(quantities, prices, cuts)
def test_the_cost_basis_carries_what_the_ledger_moved(
    qty: Decimal, price: Decimal, at: list[Decimal]
) -> None:
    terms = limit(Side.BUY, qty, price, D(0))
    money = cash(qty * price) + 1
    outcomes = filled(terms, money, parts_of(qty, at))
    basis: CostBasis = outcomes[-1].position.basis
    assert basis.cost == money - outcomes[-1].position.cash
    assert rebuild([outcome.fill.entry() for outcome in reversed(outcomes)])[0] == basis
