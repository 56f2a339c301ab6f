"""Quotes against the orders of one symbol: stops, then limits, then trailing levels, liquidation
and expiry.
"""

from dataclasses import replace
from decimal import Decimal

from domain.backtest.fill_model import is_limit_reached, is_stop_reached, tighter_stop
from domain.market.price_event import PriceTick
from domain.market.ticks import taker_price_to_tick
from domain.portfolio.execution import ReportKind
from domain.portfolio.fill import Liquidity
from domain.portfolio.margin import is_liquidated
from domain.portfolio.order import TimeInForce
from domain.portfolio.ticket import OrderTicket, RestingOrder
from domain.shared.decimals import ZERO
from domain.shared.side import Side
from infrastructure.exchanges.paper.desk import Deal, Desk, first_level, taker_deal
from infrastructure.exchanges.paper.quotes import known_levels, offers, touch_of
from infrastructure.exchanges.paper.symbol_book import LIMIT_TYPES


def match_tick(desk: Desk, tick: PriceTick) -> None:
    """One price event on the desk's symbol, whose book holds the tick already. Only orders that
    were accepted by the time of the tick are matched with it.
    """
    desk.mark, desk.known_until = tick.valuation, tick.at
    for order in desk.book.immediate():
        if desk.matchable(order.ticket.order_id) is not None:
            arrive(desk, order.ticket.order_id)
    _match_stops(desk, tick)
    _match_limits(desk)
    arrive_woken(desk)
    if tick.valuation is not None:
        for order in desk.book.trailing():
            if order.accepted_at <= tick.at:
                move_trail(desk, order, tick.valuation)
        liquidate_at(desk, tick.valuation)
    desk.expire()


def arrive(desk: Desk, order_id: str) -> None:
    """Match an order that has just become active against the prices known now."""
    order, tick = desk.open_order(order_id), desk.book.tick
    if order is None or tick is None:
        return
    if order.stop_price is not None and not order.is_triggered:
        mark = tick.valuation
        if mark is None or not is_stop_reached(order.ticket.side.sign, order.stop_price, mark):
            return
        _take(desk, desk.trigger(order))
    else:
        _take(desk, order)
    desk.end_unfilled(order_id)


def arrive_woken(desk: Desk) -> None:
    """Children of what was just executed arrive: stops before targets."""
    for order_id in desk.take_woken():
        arrive(desk, order_id)


def move_trail(desk: Desk, order: RestingOrder, best: Decimal) -> None:
    """Pull the level after a new best price; it never gives way."""
    ticket = order.ticket
    level = first_level(ticket, best)
    if level is None or order.stop_price is None:
        return
    if tighter_stop(ticket.side.sign, order.stop_price, level) == order.stop_price:
        return
    moved = replace(order, stop_price=level)
    desk.book.put(moved)
    desk.report(moved, ReportKind.LEVEL_MOVED)


def liquidate_at(desk: Desk, mark: Decimal) -> None:
    """Close the position at the mark when its isolated margin no longer carries it."""
    position = desk.book.position
    if position is None or (position.traded_at is not None and position.traded_at > desk.at):
        return
    basis, rate = position.basis, desk.terms.maintenance_rate
    if is_liquidated(basis.qty, basis.cost or ZERO, position.leverage, mark, rate):
        desk.liquidate(mark)


def _match_stops(desk: Desk, tick: PriceTick) -> None:
    for listed in desk.book.waiting():
        order = desk.matchable(listed.ticket.order_id)
        if order is not None:
            _take(desk, order)
    mark = tick.valuation
    if mark is None:
        return
    for side in (Side.SELL, Side.BUY):
        for order_id in desk.book.stops[side].reached_by(mark):
            order = desk.matchable(order_id)
            if order is not None:
                _take(desk, desk.trigger(order))
                desk.end_unfilled(order_id)


def _match_limits(desk: Desk) -> None:
    for side in (Side.SELL, Side.BUY):
        tick = desk.book.tick
        touch = None if tick is None else touch_of(tick, side, desk.terms)
        if touch is None:
            continue
        for order_id in desk.book.limits[side].reached_by(touch):
            order = desk.matchable(order_id)
            if order is not None:
                _make(desk, order)


def _take(desk: Desk, order: RestingOrder) -> None:
    """Execute at the touch, or level by level, as much as there is and the limit allows."""
    ticket = order.ticket
    limit = ticket.limit_price if ticket.type in LIMIT_TYPES else None
    tick = desk.book.tick
    if tick is None:
        return
    found = list(offers(tick, ticket.side, desk.terms, limit))
    if ticket.time_in_force is TimeInForce.FOK and not _covers(found, order.open_qty):
        return
    for price, offered in found:
        current = desk.open_order(ticket.order_id)
        if current is None:
            return
        qty = current.open_qty if offered is None else min(offered, current.open_qty)
        _use_up(desk, ticket.side, qty)
        desk.execute(ticket.order_id, _deal(ticket, qty, price, limit), Liquidity.TAKER)


def _make(desk: Desk, order: RestingOrder) -> None:
    """Execute a resting limit at its own price: the market came to it."""
    ticket, tick = order.ticket, desk.book.tick
    limit = ticket.limit_price
    if limit is None or tick is None:
        return
    found = list(offers(tick, ticket.side, desk.terms, limit))
    qty = order.open_qty if _covers(found, order.open_qty) else _sum_of(found)
    if qty > 0:
        _use_up(desk, ticket.side, qty)
        desk.execute(ticket.order_id, Deal(qty, limit, limit), Liquidity.MAKER)


def _use_up(desk: Desk, side: Side, qty: Decimal) -> None:
    tick = desk.book.tick
    if tick is not None and known_levels(tick, side, desk.terms) is not None:
        desk.book.use_up(side, qty)


def _deal(ticket: OrderTicket, qty: Decimal, touch: Decimal, limit: Decimal | None) -> Deal:
    if limit is None:
        return taker_deal(ticket, qty, touch)
    price = taker_price_to_tick(ticket.side, touch, ticket.tick_size)
    return Deal(qty, tighter_price(ticket.side, price, limit), touch)


def tighter_price(side: Side, price: Decimal, limit: Decimal) -> Decimal:
    """The price, not worse than the limit."""
    return limit if not is_limit_reached(side.sign, limit, price) else price


def _covers(found: list[tuple[Decimal, Decimal | None]], qty: Decimal) -> bool:
    if any(offered is None for _, offered in found):
        return True
    return _sum_of(found) >= qty


def _sum_of(found: list[tuple[Decimal, Decimal | None]]) -> Decimal:
    return sum((offered for _, offered in found if offered is not None), ZERO)
