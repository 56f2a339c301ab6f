"""Computed prices are put on the tick in the direction their rule names."""

from decimal import Decimal

import pytest

from domain.market.ticks import stop_to_tick, taker_price_to_tick, target_to_tick
from domain.shared.side import Side

D = Decimal
CENT = D("0.01")


@pytest.mark.parametrize(
    ("side", "taker", "stop", "target"),
    [(Side.BUY, "10.02", "10.02", "10.01"), (Side.SELL, "10.01", "10.01", "10.02")],
)
def test_every_rule_has_its_direction(side: Side, taker: str, stop: str, target: str) -> None:
    """`side` is the side of the order: the stop of a long sells, that of a short buys."""
    price = D("10.0150001")
    assert taker_price_to_tick(side, price, CENT) == D(taker)
    assert stop_to_tick(side, price, CENT) == D(stop)
    assert target_to_tick(side, price, CENT) == D(target)


@pytest.mark.parametrize("rule", [taker_price_to_tick, stop_to_tick, target_to_tick])
@pytest.mark.parametrize("side", list(Side))
def test_a_price_on_the_tick_stays_and_none_falls_below_one_tick(rule, side: Side) -> None:  # type: ignore[no-untyped-def]
    assert rule(side, D("10.01"), CENT) == D("10.01")
    assert rule(side, D("0.001"), CENT) == CENT
