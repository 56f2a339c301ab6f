"""What an open order holds back: its worst case, rounded against it, never less than it needs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.portfolio.order import OrderTerms, OrderType
from domain.portfolio.reservation import reserve, still_needed
from domain.shared.side import Side

D = Decimal


def buy(qty: str, limit: str | None = None, rate: str = "0") -> OrderTerms:
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    price = None if limit is None else D(limit)
    return OrderTerms(Side.BUY, D(qty), kind, limit_price=price, commission_rate=D(rate))


@pytest.mark.parametrize(
    ("terms", "reference", "amount", "price"),
    [
        (buy("10", "90", "0.0001"), D(100), "900.09", "90"),
        (buy("10", rate="0.0001"), D(100), "1010.101", "101"),
        (buy("1.5"), D(20), "30.3", "20.2"),
        (buy("0.00000001", "0.00000001"), None, "0.000001", "0.00000001"),
    ],
)
def test_a_buy_holds_its_limit_or_the_reference_plus_one_percent_with_commission(
    terms: OrderTerms, reference: Decimal | None, amount: str, price: str
) -> None:
    held = reserve(terms, reference)
    assert (held.amount, held.price, held.reason) == (D(amount), D(price), None)


def test_a_sell_holds_its_shares() -> None:
    held = reserve(OrderTerms(Side.SELL, D("2.5")), D(100))
    assert (held.amount, held.price) == (D("2.5"), None)


def test_a_buy_without_a_price_holds_nothing_and_says_why() -> None:
    held = reserve(buy("1.5"), None)
    assert (held.amount, held.price, held.reason) == (None, None, "no_price")


@given(
    st.decimals("0.00000001", 10000, places=8).filter(bool),
    st.decimals("0.00000001", 10000, places=8).filter(bool),
    st.decimals(0, "0.1", places=6),
    st.decimals(0, 1, places=4),
)
def test_the_hold_covers_the_rest_and_shrinks_with_it(
    qty: Decimal, price: Decimal, rate: Decimal, part: Decimal
) -> None:
    terms = OrderTerms(Side.BUY, qty, OrderType.LIMIT, limit_price=price, commission_rate=rate)
    remaining = qty * part
    whole, rest = still_needed(terms, price, qty), still_needed(terms, price, remaining)
    exact = remaining * price * (1 + rate)
    assert exact <= rest < exact + D("0.000001")
    assert rest <= whole
    assert still_needed(terms, price, D(0)) == 0
