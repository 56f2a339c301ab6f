"""The two prices an order is judged by: where it would fill, and the worst its margin carries."""

from decimal import Decimal

import pytest

from domain.portfolio.order import OrderType
from domain.portfolio.order_price import PricedOrder, Quote, expected_price, margin_price
from domain.shared.side import Side

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
MARKET, LIMIT = OrderType.MARKET, OrderType.LIMIT
STOP, STOP_LIMIT = OrderType.STOP_MARKET, OrderType.STOP_LIMIT
ASK, BID = Quote(D(101), D(100)), Quote(D(99), D(100))
SLIPPAGE = D("0.0001")


@pytest.mark.parametrize(
    ("side", "kind", "limit", "stop", "expected", "margin"),
    [
        (BUY, MARKET, None, None, 101, "102.01"),
        (SELL, MARKET, None, None, 99, "99.99"),
        # A limit the market is beyond already is not where it fills.
        (BUY, LIMIT, 110, None, 101, 110),
        (BUY, LIMIT, 90, None, 90, 90),
        (SELL, LIMIT, "0.01", None, 99, 99),
        (SELL, LIMIT, 120, None, 120, 120),
        # So is a stop that was reached.
        (BUY, STOP, None, 50, 101, "102.01"),
        (BUY, STOP, None, 120, 120, "121.2"),
        (SELL, STOP, None, 150, 99, "151.5"),
        (SELL, STOP, None, 80, 80, "99.99"),
        (BUY, STOP_LIMIT, 125, 120, 120, 125),
        (BUY, STOP_LIMIT, 115, 120, 115, 115),
        (SELL, STOP_LIMIT, 75, 80, 80, 99),
        (SELL, STOP_LIMIT, 85, 80, 85, 99),
    ],
)
def test_prices_of_an_order(
    side: Side, kind: OrderType, limit: object, stop: object, expected: object, margin: object
) -> None:
    order = PricedOrder(
        side,
        kind,
        None if limit is None else D(str(limit)),
        None if stop is None else D(str(stop)),
    )
    quote = ASK if side is BUY else BID
    assert expected_price(order, quote) == D(str(expected))
    assert margin_price(order, quote, SLIPPAGE) == D(str(margin))


def test_a_slippage_above_one_percent_is_kept_in_full() -> None:
    assert margin_price(PricedOrder(BUY, MARKET), ASK, D("0.05")) == D("106.05")


def test_without_a_price_there_is_none() -> None:
    nothing = Quote(None, None)
    assert expected_price(PricedOrder(BUY, MARKET), nothing) is None
    assert margin_price(PricedOrder(SELL, STOP), nothing, SLIPPAGE) is None
