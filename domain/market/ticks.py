"""Directional rounding of computed prices to a tick: each rule has a name, nothing else rounds."""

from decimal import Decimal

from domain.shared.decimals import ceil_to, floor_to
from domain.shared.side import Side


def taker_price_to_tick(side: Side, price: Decimal, tick: Decimal) -> Decimal:
    """Against the order: a BUY pays the tick above, a SELL receives the tick below; never below
    one tick.
    """
    rounded = ceil_to(price, tick) if side is Side.BUY else floor_to(price, tick)
    return max(rounded, tick)


def stop_to_tick(exit_side: Side, price: Decimal, tick: Decimal) -> Decimal:
    """Away from the market: the stop of a long (exit SELL) goes down, that of a short up; never
    below one tick.
    """
    rounded = floor_to(price, tick) if exit_side is Side.SELL else ceil_to(price, tick)
    return max(rounded, tick)


def target_to_tick(exit_side: Side, price: Decimal, tick: Decimal) -> Decimal:
    """Away from the market: the target of a long (exit SELL) goes up, that of a short down; never
    below one tick.
    """
    rounded = ceil_to(price, tick) if exit_side is Side.SELL else floor_to(price, tick)
    return max(rounded, tick)
