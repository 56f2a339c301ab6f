"""One execution moves cash, shares, reservation, cost and anchor together, or nothing at all."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest

from domain.plans.balancing_plan import BalancingPlan
from domain.portfolio.apply_fill import FillOutcome, apply_fill, hold_reservation
from domain.portfolio.cost_basis import BookEntry, CostBasis
from domain.portfolio.fill import Fill
from domain.portfolio.ledger import Balances, Bucket
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Order, OrderTerms, OrderType
from domain.portfolio.position import Position, PositionStatus
from domain.portfolio.reservation import reserve
from domain.shared.errors import Conflict, Defect
from domain.shared.side import Side
from tests.support.portfolio import START

D = Decimal
_IDS = count(1)


def new_id() -> str:
    return f"trf_{next(_IDS)}"


def position(qty: str = "0", cash: str = "10000", avg: str = "0") -> Position:
    basis = CostBasis(D(qty), D(qty) * D(avg))
    return Position(
        id="pos_1", owner_id="usr_1", account_id="acc_1", instrument="ZIM", currency="USD",
        calendar="XNYS", venue="manual", is_cell=True, basis=basis, opening_price=None,
        cash=D(cash), receivable=D(0), dividends_received=D(0), funding_paid=D(0),
        anchor_price=D(95), high_water=None, low_water=None, last_fill_price=None,
        plan=BalancingPlan(), status=PositionStatus.OPEN, opened_at=START, closed_at=None,
        entry_session=None, withholding_rate=None,
    )  # fmt: skip


def held(at: Position) -> Balances:
    return Balances(
        {at.cash_key(Bucket.AVAILABLE): at.cash, at.share_key(Bucket.INVENTORY): at.qty}
    )


def working(at: Position, side: Side, qty: str, limit: str | None = None) -> tuple[Order, Balances]:
    """An accepted order and the balances with its reservation held."""
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    terms = OrderTerms(side, D(qty), kind, limit_price=None if limit is None else D(limit))
    hold = reserve(terms, None)
    order = Order(
        "ord_1", "blo_1", "usr_1", "acc_1", "pos_1", "ZIM", "manual", terms, OrderStatus.WORKING,
        START, START, reserved=hold.amount, reservation_price=hold.price,
    )  # fmt: skip
    balances = held(at)
    balances.apply(hold_reservation(order, at, START, new_id))
    return order, balances


def execution(side: Side, qty: str, price: str, fee: str = "0", second: int = 1) -> Fill:
    at = START + timedelta(seconds=second)
    return Fill(
        f"fil_{second}", "ord_1", "pos_1", "acc_1", "usr_1", "manual", side, D(qty), D(price),
        D(fee), "USD", at, at,
    )  # fmt: skip


def booked(at: Position, order: Order, fill: Fill, balances: Balances) -> FillOutcome:
    def nothing_earlier() -> list[BookEntry]:
        raise AssertionError("history is read only for late executions")

    return apply_fill(at, order, fill, balances, nothing_earlier, new_id)


def test_c25_the_first_partial_fill_leaves_the_anchor_and_the_last_moves_it() -> None:
    cell = position()
    order, balances = working(cell, Side.BUY, "10")
    first = booked(cell, order, execution(Side.BUY, "4", "100", "0.04"), balances)
    assert (first.order.status, first.position.anchor_price) == ("partially_filled", 95)
    second = booked(
        first.position, first.order, execution(Side.BUY, "6", "101", "0.06", 2), balances
    )
    assert (second.order.status, second.position.anchor_price) == ("filled", D("100.6"))
    assert (second.position.cash, second.position.basis.avg_cost) == (D("8993.90"), D("100.6"))
    assert (second.position.high_water, second.position.low_water) == (101, 100)
    assert second.fill.anchor_before == 95


def test_equity_at_the_fill_price_falls_by_exactly_the_fee() -> None:
    for side in Side:
        cell = position("50", "5000", "90")
        order, balances = working(cell, side, "7.12345678")
        after = booked(cell, order, execution(side, "7.12345678", "97", "0.5"), balances).position
        before_equity, after_equity = cell.equity(D(97)), after.equity(D(97))
        assert before_equity is not None
        assert after_equity is not None
        assert abs(before_equity - D("0.5") - after_equity) <= D("0.000001")


def test_what_a_fill_does_not_use_of_the_reservation_is_given_back_at_the_end() -> None:
    cell = position()
    order, balances = working(cell, Side.BUY, "10", "100")
    assert balances.amount(cell.cash_key(Bucket.RESERVED)) == 1000
    first = booked(cell, order, execution(Side.BUY, "4", "90"), balances)
    assert first.order.reserved == balances.amount(cell.cash_key(Bucket.RESERVED)) == 600
    second = booked(first.position, first.order, execution(Side.BUY, "6", "80", second=2), balances)
    assert second.order.reserved == balances.amount(cell.cash_key(Bucket.RESERVED)) == 0
    assert balances.amount(cell.cash_key(Bucket.AVAILABLE)) == 10000 - 360 - 480


def test_a_dearer_fill_takes_the_difference_from_free_cash_or_is_refused() -> None:
    cell = position(cash="1005")
    order, balances = working(cell, Side.BUY, "10", "100")
    with pytest.raises(Conflict) as caught:
        booked(cell, order, execution(Side.BUY, "10", "100", "5.000001"), balances)
    assert caught.value.code == "insufficient_cash"
    assert not balances.touched().get(cell.cash_key(Bucket.MARKET))
    after = booked(cell, order, execution(Side.BUY, "10", "100", "5"), balances).position
    assert (after.cash, after.qty) == (0, 10)


def test_a_sale_of_shares_that_are_not_there_is_refused() -> None:
    cell = position("5", "0", "10")
    order, balances = working(cell, Side.SELL, "5")
    larger = replace(order, terms=replace(order.terms, qty=D(6)), reserved=D(5))
    with pytest.raises(Conflict) as caught:
        booked(cell, larger, execution(Side.SELL, "6", "10"), balances)
    assert caught.value.code == "insufficient_quantity"


def test_a_fee_larger_than_the_proceeds_needs_cash() -> None:
    cell = position("5", "1", "10")
    order, balances = working(cell, Side.SELL, "1")
    with pytest.raises(Conflict) as caught:
        booked(cell, order, execution(Side.SELL, "1", "2", "3.000001"), balances)
    assert caught.value.code == "insufficient_cash"
    assert booked(cell, order, execution(Side.SELL, "1", "2", "3"), balances).position.cash == 0


def test_a_filled_order_takes_no_further_fill() -> None:
    cell = position()
    order, balances = working(cell, Side.BUY, "1")
    done = booked(cell, order, execution(Side.BUY, "1", "10"), balances)
    with pytest.raises(Defect):
        booked(done.position, done.order, execution(Side.BUY, "1", "10", second=2), balances)


def test_a_late_execution_is_booked_in_its_own_time_and_restates_what_followed() -> None:
    cell = position()
    order, balances = working(cell, Side.BUY, "20")
    newer = booked(cell, order, execution(Side.BUY, "10", "30", second=5), balances)
    entries = [newer.fill.entry()]
    late = apply_fill(
        newer.position, newer.order, execution(Side.BUY, "10", "20", second=2), balances,
        lambda: entries, new_id,
    )  # fmt: skip
    assert late.position.basis.avg_cost == 25
    assert late.position.last_fill_price == 30, "the newest execution, not the newest report"
    assert late.position.last_executed_at == newer.fill.executed_at
    assert late.restated == {newer.fill.id: None}
