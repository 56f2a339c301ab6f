"""Which price a plan decides on when trades and quotes are both known."""

from decimal import Decimal

import pytest

from domain.plans.reference_price import PriceBasis, reference_price


@pytest.mark.parametrize(
    ("last", "age_s", "bid", "ask", "value", "basis"),
    [
        ("100.5", "3", "99.9", "100.1", "100.5", PriceBasis.LAST),
        ("100.5", "3.1", "99.9", "100.1", "100", PriceBasis.MID),
        ("101", "0", "99.9", "100.1", "101", PriceBasis.LAST),
        ("101.01", "0", "99.9", "100.1", "100", PriceBasis.MID),
        (None, None, "99.9", "100.1", "100", PriceBasis.MID),
        ("98", "9", None, "100.1", "98", PriceBasis.LAST),
        ("98", "9", "101", "100", "98", PriceBasis.LAST),
    ],
)
def test_the_reference_price_is_a_fresh_near_trade_else_the_mid(
    last: str | None,
    age_s: str | None,
    bid: str | None,
    ask: str | None,
    value: str,
    basis: PriceBasis,
) -> None:
    numbers = [None if text is None else Decimal(text) for text in (last, age_s, bid, ask)]
    found = reference_price(*numbers)
    assert found is not None
    assert (found.value, found.basis) == (Decimal(value), basis)


def test_without_any_price_there_is_no_reference() -> None:
    assert reference_price(None, None, Decimal(1), None) is None
