"""The two prices an order is judged by before it fills: the one it is expected to fill at, and the
worst one its margin may have to carry. A price the caller typed counts only where it binds.
"""

from dataclasses import dataclass
from decimal import Decimal

from domain.portfolio.order import OrderType
from domain.shared.decimals import ONE
from domain.shared.side import Side

MARKET_RESERVE = Decimal("0.01")
_LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT)


@dataclass(frozen=True, slots=True)
class PricedOrder:
    """Terms that bound the price. `stop_price` is the level in force, null once it was reached."""

    side: Side
    type: OrderType
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What the order meets now: `touch` of its side, and the mark that triggers stops."""

    touch: Decimal | None
    mark: Decimal | None


def is_waiting_for_stop(order: PricedOrder, quote: Quote) -> bool:
    """True while the mark has not reached the stop: below that of a BUY, above that of a SELL."""
    if order.stop_price is None:
        return False
    return quote.mark is None or order.side.sign * (order.stop_price - quote.mark) > 0


def fills_at_once(order: PricedOrder, quote: Quote) -> bool:
    """True when the touch of its side is there and neither stop nor limit holds the order back."""
    if quote.touch is None or is_waiting_for_stop(order, quote):
        return False
    limit = order.limit_price
    return limit is None or order.side.sign * (limit - quote.touch) >= 0


def expected_price(order: PricedOrder, quote: Quote) -> Decimal | None:
    """Where it fills, slippage apart: the touch at once; a stop at its level, not worse than its
    limit; else the limit. What positions are valued at stands in for a missing touch; null without
    any price.
    """
    if fills_at_once(order, quote):
        return quote.touch
    if is_waiting_for_stop(order, quote):
        known = [p for p in (order.stop_price, order.limit_price) if p is not None]
        return min(known) if order.side is Side.BUY else max(known)
    return order.limit_price or quote.touch or quote.mark


def margin_price(order: PricedOrder, quote: Quote, slippage: Decimal) -> Decimal | None:
    """Worst price for the notional: a BUY never pays more than its limit, a SELL may receive the
    bid above its limit or stop. What executes as a market order keeps 1 % or its slippage,
    whichever is more, above the touch or the stop. Null without any price.
    """
    if order.side is Side.BUY and order.limit_price is not None:
        return order.limit_price
    touch = quote.mark if quote.touch is None else quote.touch
    known = [p for p in (order.limit_price, order.stop_price, touch) if p is not None]
    if not known:
        return None
    reserve = ONE if order.type in _LIMITS else ONE + max(MARKET_RESERVE, slippage)
    return max(known) * reserve
