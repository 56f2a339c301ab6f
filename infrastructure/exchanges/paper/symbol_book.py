"""Everything a paper market knows of one symbol: orders by what reaches them, position, prices.

A price event touches the book of its own symbol only, so its work does not depend on others.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from application.ports.paper_market import PaperPosition
from domain.market.price_event import PriceTick
from domain.portfolio.margin import MarginClaim, order_margin
from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.order_price import PricedOrder, Quote, margin_price
from domain.portfolio.ticket import RestingOrder
from domain.shared.decimals import ZERO
from domain.shared.side import Side
from infrastructure.exchanges.paper.ladder import PriceLadder

IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
LIMIT_TYPES = (OrderType.LIMIT, OrderType.STOP_LIMIT)


class SymbolBook:
    """Orders are replaced whole through `put`, which keeps every index right."""

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        self.tick: PriceTick | None = None
        self.position: PaperPosition | None = None
        self.orders: dict[str, RestingOrder] = {}
        self.stops = {side: PriceLadder(side.sign) for side in Side}
        self.limits = {side: PriceLadder(-side.sign) for side in Side}
        self.is_margin_stale = True
        self._waiting: list[tuple[int, str]] = []
        self._trailing: list[tuple[int, str]] = []
        self._reducing: list[tuple[int, str]] = []
        self._immediate: list[tuple[int, str]] = []
        self._ends: list[tuple[datetime, int, str]] = []
        self._groups: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._children: dict[str, list[tuple[int, str]]] = defaultdict(list)

    @property
    def qty(self) -> Decimal:
        """Signed quantity of the net position."""
        return ZERO if self.position is None else self.position.basis.qty

    def closable_qty(self, side: Side) -> Decimal:
        """What an order on the side can close of the position."""
        return max(ZERO, -side.sign * self.qty)

    def add(self, order: RestingOrder) -> None:
        """Take a new order into every index."""
        ticket, rank = order.ticket, (order.seq, order.ticket.order_id)
        self.orders[ticket.order_id] = order
        self.is_margin_stale = True
        if ticket.reduce_only:
            insort(self._reducing, rank)
        if ticket.time_in_force in IMMEDIATE:
            insort(self._immediate, rank)
        if ticket.expires_at is not None:
            insort(self._ends, (ticket.expires_at, *rank))
        if ticket.group_id is not None:
            insort(self._groups[ticket.group_id], rank)
        if ticket.parent_id is not None:
            insort(self._children[ticket.parent_id], rank)
        self._place(order)

    def put(self, order: RestingOrder) -> None:
        """Replace an order by what became of it."""
        self._displace(self.orders[order.ticket.order_id])
        self.orders[order.ticket.order_id] = order
        self.is_margin_stale = True
        self._place(order)

    def drop(self, order_id: str) -> None:
        """Forget an order that has ended."""
        order = self.orders.pop(order_id)
        ticket, rank = order.ticket, (order.seq, order_id)
        self.is_margin_stale = True
        self._displace(order)
        if ticket.reduce_only:
            _remove(self._reducing, rank)
        if ticket.time_in_force in IMMEDIATE:
            _remove(self._immediate, rank)
        if ticket.expires_at is not None:
            end = (ticket.expires_at, *rank)
            del self._ends[bisect_left(self._ends, end)]
        if ticket.group_id is not None:
            _remove_from(self._groups, ticket.group_id, rank)
        if ticket.parent_id is not None:
            _remove_from(self._children, ticket.parent_id, rank)

    @property
    def has_waiting(self) -> bool:
        """Whether an order waits for any price, so that its margin moves with the mark."""
        return bool(self._waiting)

    def waiting(self) -> list[RestingOrder]:
        """Market orders, and stops triggered before, that have not been executed in full."""
        return self._those(self._waiting)

    def trailing(self) -> list[RestingOrder]:
        """Trailing stops whose level still moves."""
        return self._those(self._trailing)

    def reducing(self) -> list[RestingOrder]:
        """Orders that may only reduce the position."""
        return self._those(self._reducing)

    def immediate(self) -> list[RestingOrder]:
        """Active IOC and FOK orders that no price could be held against yet."""
        orders = self._those(self._immediate)
        return [o for o in orders if o.open_qty > 0 and (o.stop_price is None or o.is_triggered)]

    def siblings(self, order: RestingOrder) -> list[RestingOrder]:
        """Other open orders of its one-cancels-other group."""
        group = self._groups.get(order.ticket.group_id or "", ())
        return [o for o in self._those(group) if o.ticket.order_id != order.ticket.order_id]

    def children(self, order_id: str) -> list[RestingOrder]:
        """Open orders that get their quantity from this one's fills."""
        return self._those(self._children.get(order_id, ()))

    def ended_by(self, at: datetime) -> list[RestingOrder]:
        """Orders whose end is at or before the instant."""
        ended = []
        for ends_at, _, order_id in self._ends:
            if ends_at > at:
                break
            ended.append(self.orders[order_id])
        return ended

    def margin_of_orders(self) -> Decimal:
        """Margin of the open orders that could increase the position, in time priority."""
        claims = [
            MarginClaim(t.side.sign * order.open_qty, price, t.leverage, t.taker_rate)
            for order in sorted(self.orders.values(), key=_seq)
            if not (t := order.ticket).reduce_only and (price := self._claim_price(order))
        ]
        return order_margin(self.qty, claims)

    def use_up(self, side: Side, qty: Decimal) -> None:
        """Take quantity from the levels an order on the side trades with, best first."""
        if self.tick is None:
            return
        left, levels = qty, []
        for level in self.tick.asks if side is Side.BUY else self.tick.bids:
            taken = min(left, level.qty)
            left -= taken
            levels.append(replace(level, qty=level.qty - taken))
        if side is Side.BUY:
            self.tick = replace(self.tick, asks=tuple(levels))
        else:
            self.tick = replace(self.tick, bids=tuple(levels))

    def _claim_price(self, order: RestingOrder) -> Decimal | None:
        ticket, touch, mark = order.ticket, None, None
        if _rests_at(order) is None and self.tick is not None:
            touch = self.tick.ask if ticket.side is Side.BUY else self.tick.bid
            mark = self.tick.valuation
        priced = PricedOrder(ticket.side, ticket.type, ticket.limit_price, order.stop_price)
        return margin_price(priced, Quote(touch, mark), ticket.slippage)

    def _those(self, ranks: Iterable[tuple[int, str]]) -> list[RestingOrder]:
        return [self.orders[order_id] for _, order_id in ranks]

    def _place(self, order: RestingOrder) -> None:
        if order.open_qty == 0:
            return
        rank = order.seq, order.ticket.order_id
        rests = _rests_at(order)
        if rests is None:
            insort(self._waiting, rank)
        else:
            self._ladder(order).add(rests, *rank)
        if _is_trailing(order):
            insort(self._trailing, rank)

    def _displace(self, order: RestingOrder) -> None:
        if order.open_qty == 0:
            return
        rank = order.seq, order.ticket.order_id
        rests = _rests_at(order)
        if rests is None:
            _remove(self._waiting, rank)
        else:
            self._ladder(order).remove(rests, *rank)
        if _is_trailing(order):
            _remove(self._trailing, rank)

    def _ladder(self, order: RestingOrder) -> PriceLadder:
        is_stop = order.stop_price is not None and not order.is_triggered
        return (self.stops if is_stop else self.limits)[order.ticket.side]


def _rests_at(order: RestingOrder) -> Decimal | None:
    if order.stop_price is not None and not order.is_triggered:
        return order.stop_price
    return order.ticket.limit_price if order.ticket.type in LIMIT_TYPES else None


def _is_trailing(order: RestingOrder) -> bool:
    return order.ticket.type is OrderType.TRAILING_STOP and not order.is_triggered


def _seq(order: RestingOrder) -> int:
    return order.seq


def _remove(ranks: list[tuple[int, str]], rank: tuple[int, str]) -> None:
    del ranks[bisect_left(ranks, rank)]


def _remove_from(index: dict[str, list[tuple[int, str]]], key: str, rank: tuple[int, str]) -> None:
    _remove(index[key], rank)
    if not index[key]:
        del index[key]
