"""Bars against the orders of one symbol: first what the open settles, then what happens inside,
stops before targets. Orders accepted after the bar opened wait for the next one.
"""

from decimal import Decimal

from domain.backtest.fill_model import (
    is_limit_reached,
    limit_on_bar,
    market_on_bar,
    stop_on_bar,
    triggered_limit_on_bar,
)
from domain.market.price_event import PriceBar
from domain.market.ticks import taker_price_to_tick
from domain.portfolio.fill import Liquidity
from domain.portfolio.margin import liquidation_price
from domain.portfolio.order import OrderType
from domain.portfolio.ticket import RestingOrder
from domain.shared.decimals import ZERO
from domain.shared.side import Side
from infrastructure.exchanges.paper.desk import Deal, Desk, taker_deal
from infrastructure.exchanges.paper.tick_matching import move_trail

SELL_FIRST = (Side.SELL, Side.BUY)


class BarMatch:
    """One bar on one desk. Executions at the open are told with its opening time, all others with
    its closing time, so what is told is in the order of time.
    """

    def __init__(self, desk: Desk, bar: PriceBar) -> None:
        self._desk = desk
        self._bar = bar
        self._triggered: list[tuple[str, Decimal]] = []
        self._moved_inside: set[str] = set()

    def run(self) -> None:
        """Stops, limits, trailing levels, liquidation, expiry."""
        desk, bar = self._desk, self._bar
        desk.known_until = desk.at = bar.opens_at
        desk.mark = bar.open
        self._at_open()
        desk.at, desk.mark = bar.closes_at, None
        self._inside()
        desk.book.tick = bar.close_tick()
        self._trail()
        self._liquidate_inside()
        for order in desk.book.immediate():
            if order.accepted_at <= bar.opens_at:
                desk.end_unfilled(order.ticket.order_id)
        desk.expire()

    def _at_open(self) -> None:
        desk, bar = self._desk, self._bar
        for listed in desk.book.waiting():
            order = desk.matchable(listed.ticket.order_id)
            if order is not None:
                self._take(order, market_on_bar(bar.open)[0])
        for side in SELL_FIRST:
            for order_id in desk.book.stops[side].reached_by(bar.open):
                self._stop(order_id)
        for side in SELL_FIRST:
            for order_id in desk.book.limits[side].reached_by(bar.open):
                self._limit(order_id)
        for order_id in desk.take_woken():
            self._stop(order_id, only_at_open=True)
            self._limit(order_id, only_at_open=True)
        self._liquidate_at_open()

    def _inside(self) -> None:
        desk, bar = self._desk, self._bar
        for side in SELL_FIRST:
            reached = desk.book.stops[side].reached_by(bar.low if side is Side.SELL else bar.high)
            for order_id in reached:
                self._liquidate_before(order_id)
                self._stop(order_id)
        self._settle_triggered()
        for side in SELL_FIRST:
            reached = desk.book.limits[side].reached_by(bar.high if side is Side.SELL else bar.low)
            for order_id in reached:
                self._limit(order_id)
        for order_id in desk.take_woken():
            self._moved_inside.add(order_id)
            self._stop_after_entry(order_id)

    def _stop(self, order_id: str, *, only_at_open: bool = False) -> None:
        order, bar = self._desk.matchable(order_id), self._bar
        if order is None or order.stop_price is None or order.is_triggered:
            return
        sign = order.ticket.side.sign
        fill = stop_on_bar(sign, order.stop_price, bar.open, bar.high, bar.low)
        if fill is not None and (fill[1] or not only_at_open):
            self._trigger(order, fill[0])

    def _stop_after_entry(self, order_id: str) -> None:
        """The entry was executed inside the bar: the open came before it, the rest may not have."""
        order, bar = self._desk.matchable(order_id), self._bar
        if order is None or order.stop_price is None or order.is_triggered:
            return
        far = bar.high if order.ticket.side is Side.BUY else bar.low
        if stop_on_bar(order.ticket.side.sign, order.stop_price, far, far, far) is not None:
            self._trigger(order, order.stop_price)

    def _trigger(self, order: RestingOrder, price: Decimal) -> None:
        triggered = self._desk.trigger(order)
        if order.ticket.type is OrderType.STOP_LIMIT:
            self._triggered.append((order.ticket.order_id, price))
        else:
            self._take(triggered, price)

    def _settle_triggered(self) -> None:
        """Stop-limit orders of this very bar: the close decides."""
        for order_id, trigger in self._triggered:
            order = self._desk.matchable(order_id)
            if order is None or order.ticket.limit_price is None:
                continue
            ticket, limit = order.ticket, order.ticket.limit_price
            sign, close = ticket.side.sign, self._bar.close
            price = triggered_limit_on_bar(sign, limit, trigger, close)
            if price is not None:
                taken = is_limit_reached(sign, limit, trigger)
                self._fill_limit(order, price, limit, is_taker=taken)

    def _limit(self, order_id: str, *, only_at_open: bool = False) -> None:
        order, bar = self._desk.matchable(order_id), self._bar
        if order is None or order.ticket.limit_price is None or self._waits(order):
            return
        limit = order.ticket.limit_price
        fill = limit_on_bar(order.ticket.side.sign, limit, bar.open, bar.high, bar.low)
        if fill is not None and (fill[1] or not only_at_open):
            self._fill_limit(order, fill[0], limit, is_taker=fill[1])

    def _waits(self, order: RestingOrder) -> bool:
        """A stop-limit before its trigger, or in the bar of its trigger."""
        if order.stop_price is not None and not order.is_triggered:
            return True
        return any(order_id == order.ticket.order_id for order_id, _ in self._triggered)

    def _fill_limit(
        self, order: RestingOrder, price: Decimal, limit: Decimal, *, is_taker: bool
    ) -> None:
        ticket = order.ticket
        rounded = taker_price_to_tick(ticket.side, price, ticket.tick_size)
        booked = rounded if is_limit_reached(ticket.side.sign, limit, rounded) else limit
        liquidity = Liquidity.TAKER if is_taker else Liquidity.MAKER
        self._desk.execute(ticket.order_id, Deal(order.open_qty, booked, price), liquidity)

    def _take(self, order: RestingOrder, price: Decimal) -> None:
        deal = taker_deal(order.ticket, order.open_qty, price)
        self._desk.execute(order.ticket.order_id, deal, Liquidity.TAKER)

    def _trail(self) -> None:
        bar = self._bar
        for order in self._desk.book.trailing():
            is_known = order.accepted_at <= bar.opens_at
            whole = is_known and order.ticket.order_id not in self._moved_inside
            best = bar.high if order.ticket.side is Side.SELL else bar.low
            move_trail(self._desk, order, best if whole else bar.close)

    def _level(self) -> tuple[Side, Decimal] | None:
        """Side and price of the liquidation of the position held now."""
        position = self._desk.book.position
        if position is None:
            return None
        basis, rate = position.basis, self._desk.terms.maintenance_rate
        level = liquidation_price(basis.qty, basis.cost or ZERO, position.leverage, rate)
        return None if level is None else (Side.SELL if basis.qty > 0 else Side.BUY, level)

    def _liquidate_at_open(self) -> None:
        found, price = self._level(), self._bar.open
        if found is not None and stop_on_bar(found[0].sign, found[1], price, price, price):
            self._desk.liquidate(price)

    def _liquidate_inside(self) -> None:
        found, bar = self._level(), self._bar
        if found is None:
            return
        side, level = found
        far = bar.low if side is Side.SELL else bar.high
        if stop_on_bar(side.sign, level, far, far, far):
            self._liquidate_at_level(side, level)

    def _liquidate_before(self, order_id: str) -> None:
        """On its way to a farther stop the price meets the liquidation level first."""
        found, order = self._level(), self._desk.matchable(order_id)
        if found is None or order is None or order.stop_price is None:
            return
        side, level = found
        if order.ticket.side is side and side.sign * level < side.sign * order.stop_price:
            self._liquidate_at_level(side, level)

    def _liquidate_at_level(self, side: Side, level: Decimal) -> None:
        position = self._desk.book.position
        if position is not None:
            self._desk.liquidate(taker_price_to_tick(side, level, position.tick_size))
