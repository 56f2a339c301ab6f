"""When an order executes and at what price: one function per rule, for quotes and for bars.

`sign` is +1 for BUY and −1 for SELL; mirroring a rule is changing the sign. Prices are Decimal on
paper and float in a backtest: the functions are the same. They know no order, clock or position,
and round nothing; the caller rounds what it books.
"""

from decimal import Decimal
from typing import TypeVar

N = TypeVar("N", float, Decimal)


def touch_from_last(sign: int, last: N, half_spread: N) -> N:
    """Price a taker meets when only the last trade is known: `last·(1 ± half spread)`."""
    return last * (1 + sign * half_spread)


def slipped(sign: int, price: N, slippage: N) -> N:
    """Price after adverse slippage, a fraction: BUY `p·(1 + s)`, SELL `p·(1 − s)`."""
    return price * (1 + sign * slippage)


def is_limit_reached(sign: int, limit: N, touch: N) -> bool:
    """BUY: ask ≤ limit; SELL: bid ≥ limit."""
    return sign * touch <= sign * limit


def is_stop_reached(sign: int, stop: N, price: N) -> bool:
    """BUY: price ≥ stop; SELL: price ≤ stop, inclusive."""
    return sign * price >= sign * stop


def trail_level(sign: int, price: N, trail_fraction: N) -> N:
    """Level that trails `price`: a SELL `p·(1 − t)` below it, a BUY `p·(1 + t)` above it."""
    return price * (1 + sign * trail_fraction)


def tighter_stop(sign: int, old: N, new: N) -> N:
    """The one nearer to the market: the higher stop of a SELL, the lower one of a BUY."""
    return min(old, new) if sign > 0 else max(old, new)


def market_on_bar(bar_open: N) -> tuple[N, bool]:
    """A market order known before the bar executes at its open."""
    return bar_open, True


def limit_on_bar(sign: int, limit: N, bar_open: N, high: N, low: N) -> tuple[N, bool] | None:
    """(price, settled by the open) of a limit order known before the bar; null when not reached.

    BUY: `low ≤ limit` at `min(open, limit)`; SELL: `high ≥ limit` at `max(open, limit)`. What the
    open settles takes liquidity, the rest provides it.
    """
    if is_limit_reached(sign, limit, bar_open):
        return bar_open, True
    if is_limit_reached(sign, limit, low if sign > 0 else high):
        return limit, False
    return None


def stop_on_bar(sign: int, stop: N, bar_open: N, high: N, low: N) -> tuple[N, bool] | None:
    """(price before slippage, settled by the open) of a stop known before the bar, or null.

    SELL: `low ≤ stop` at `min(open, stop)`; BUY: `high ≥ stop` at `max(open, stop)`: a gap executes
    at the open.
    """
    if is_stop_reached(sign, stop, bar_open):
        return bar_open, True
    if is_stop_reached(sign, stop, high if sign > 0 else low):
        return stop, False
    return None


def triggered_limit_on_bar(sign: int, limit: N, trigger: N, close: N) -> N | None:
    """Price of a stop-limit order in the very bar that triggered it at `trigger`; null: it rests.

    Only if the close is at or inside the limit; then at the trigger, not worse than the limit.
    """
    if not is_limit_reached(sign, limit, close):
        return None
    return trigger if is_limit_reached(sign, limit, trigger) else limit
