"""The fill rules themselves, on quotes and bars: the same function for exact and for binary numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.backtest.fill_model import (
    is_limit_reached,
    is_stop_reached,
    limit_on_bar,
    slipped,
    stop_on_bar,
    tighter_stop,
    touch_from_last,
    trail_level,
    triggered_limit_on_bar,
)

BUY, SELL = 1, -1
BAR = (100.0, 110.0, 90.0)  # open, high, low
prices = st.decimals("1", "1000", places=2)


@pytest.mark.parametrize(
    ("sign", "limit", "filled"),
    [(BUY, 95.0, (95.0, False)), (BUY, 90.0, (90.0, False)), (BUY, 89.0, None),
     (BUY, 100.0, (100.0, True)), (BUY, 105.0, (100.0, True)),
     (SELL, 105.0, (105.0, False)), (SELL, 110.0, (110.0, False)), (SELL, 111.0, None),
     (SELL, 95.0, (100.0, True))],
)  # fmt: skip
def test_a_limit_on_a_bar(sign: int, limit: float, filled: tuple[float, bool] | None) -> None:
    assert limit_on_bar(sign, limit, *BAR) == filled


@pytest.mark.parametrize(
    ("sign", "stop", "filled"),
    [(SELL, 95.0, (95.0, False)), (SELL, 90.0, (90.0, False)), (SELL, 89.0, None),
     (SELL, 100.0, (100.0, True)), (SELL, 105.0, (100.0, True)),
     (BUY, 105.0, (105.0, False)), (BUY, 110.0, (110.0, False)), (BUY, 111.0, None),
     (BUY, 95.0, (100.0, True))],
)  # fmt: skip
def test_a_stop_on_a_bar_executes_at_the_open_when_the_bar_gapped_over_it(
    sign: int, stop: float, filled: tuple[float, bool] | None
) -> None:
    assert stop_on_bar(sign, stop, *BAR) == filled


@pytest.mark.parametrize(
    ("sign", "limit", "trigger", "close", "price"),
    [(BUY, 106.0, 105.0, 105.5, 105.0), (BUY, 106.0, 105.0, 106.0, 105.0),
     (BUY, 106.0, 105.0, 106.1, None), (BUY, 106.0, 107.0, 105.0, 106.0),
     (SELL, 94.0, 95.0, 94.0, 95.0), (SELL, 94.0, 95.0, 93.9, None),
     (SELL, 94.0, 93.0, 95.0, 94.0)],
)  # fmt: skip
def test_a_stop_limit_fills_in_its_own_bar_only_if_the_close_allows_it(
    sign: int, limit: float, trigger: float, close: float, price: float | None
) -> None:
    assert triggered_limit_on_bar(sign, limit, trigger, close) == price


@given(prices, prices, prices, prices)
def test_selling_mirrors_buying(level: Decimal, bar_open: Decimal, a: Decimal, b: Decimal) -> None:
    """Prices turned round zero exchange high and low, buyers and sellers."""
    high, low = max(a, b, bar_open), min(a, b, bar_open)
    for rule in (limit_on_bar, stop_on_bar):
        bought = rule(BUY, level, bar_open, high, low)
        sold = rule(SELL, -level, -bar_open, -low, -high)
        assert (bought is None) == (sold is None)
        if bought is not None and sold is not None:
            assert bought == (-sold[0], sold[1])


@given(prices, prices, prices, prices)
def test_no_fill_is_better_than_the_limit_allows_or_outside_the_bar(
    level: Decimal, bar_open: Decimal, a: Decimal, b: Decimal
) -> None:
    high, low = max(a, b, bar_open), min(a, b, bar_open)
    limited, stopped = (f(BUY, level, bar_open, high, low) for f in (limit_on_bar, stop_on_bar))
    if limited is not None:
        assert low <= limited[0] <= min(level, high)
    if stopped is not None:
        assert max(low, level) <= stopped[0] <= high


@given(st.sampled_from([BUY, SELL]), prices, prices, prices, prices)
def test_decimal_and_binary_numbers_decide_alike(
    sign: int, level: Decimal, bar_open: Decimal, a: Decimal, b: Decimal
) -> None:
    high, low = max(a, b, bar_open), min(a, b, bar_open)
    binary = [float(p) for p in (level, bar_open, high, low)]
    for rule in (limit_on_bar, stop_on_bar):
        exact = rule(sign, level, bar_open, high, low)
        fast = rule(sign, *binary)
        assert (None if exact is None else (float(exact[0]), exact[1])) == fast


def test_slippage_and_half_spread_go_against_the_order() -> None:
    half = Decimal("0.01")
    assert slipped(BUY, Decimal(100), half) == touch_from_last(BUY, Decimal(100), half) == 101
    assert slipped(SELL, Decimal(100), half) == touch_from_last(SELL, Decimal(100), half) == 99


def test_a_trail_lies_behind_the_price_and_the_tighter_stop_wins() -> None:
    fraction = Decimal("0.05")
    assert trail_level(SELL, Decimal(100), fraction) == 95
    assert trail_level(BUY, Decimal(100), fraction) == 105
    assert tighter_stop(SELL, 95, 96.0) == 96
    assert tighter_stop(BUY, 105, 104.0) == 104


def test_reaching_is_inclusive() -> None:
    assert is_limit_reached(BUY, 100.0, 100.0)
    assert is_limit_reached(SELL, 100.0, 100.0)
    assert is_stop_reached(BUY, 100.0, 100.0)
    assert is_stop_reached(SELL, 100.0, 100.0)
