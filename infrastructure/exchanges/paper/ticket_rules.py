"""What makes a ticket one that can be matched at all; anything else is rejected as
`invalid_order`, never mapped to something close.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.ticket import OrderTicket

LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
STOPPED = (OrderType.STOP_MARKET, OrderType.STOP_LIMIT)
ENDING = (TimeInForce.DAY, TimeInForce.GTD)


def is_sound(
    ticket: OrderTicket, account_id: str, at: datetime, children: Sequence[OrderTicket]
) -> bool:
    """Prices and ends fit the type, and children belong to the ticket.

    A child closes what its parent opens: other side, reduce-only, same symbol, not a market order.
    """
    return (
        ticket.account_id == account_id
        and ticket.parent_id is None
        and _has_right_terms(ticket, at)
        and all(_is_sound_child(child, ticket, at) for child in children)
        and len({ticket.order_id, *(c.order_id for c in children)}) == len(children) + 1
    )


def _is_sound_child(child: OrderTicket, parent: OrderTicket, at: datetime) -> bool:
    return (
        child.parent_id == parent.order_id
        and child.account_id == parent.account_id
        and child.instrument == parent.instrument
        and child.side is not parent.side
        and child.qty == parent.qty
        and child.reduce_only
        and child.type is not OrderType.MARKET
        and _has_right_terms(child, at)
    )


def _has_right_terms(ticket: OrderTicket, at: datetime) -> bool:
    is_trailing = ticket.type is OrderType.TRAILING_STOP
    trail = ticket.trail_fraction
    return (
        _is_positive(ticket.qty)
        and _is_positive(ticket.tick_size)
        and ticket.leverage >= 1
        and 0 <= ticket.slippage < 1
        and min(ticket.taker_rate, ticket.maker_rate) >= 0
        and _is_given_if(ticket.limit_price, ticket.type in LIMITED)
        and (is_trailing or _is_given_if(ticket.stop_price, ticket.type in STOPPED))
        and (ticket.stop_price is None or _is_positive(ticket.stop_price))
        and (0 < trail < 1 if is_trailing and trail is not None else trail is None)
        and (trail is not None or not is_trailing)
        and (ticket.expires_at is not None) == (ticket.time_in_force in ENDING)
        and (ticket.expires_at is None or ticket.expires_at > at)
    )


def _is_given_if(price: Decimal | None, is_needed: bool) -> bool:
    return (price is not None) == is_needed and (price is None or _is_positive(price))


def _is_positive(number: Decimal) -> bool:
    return number.is_finite() and number > 0
