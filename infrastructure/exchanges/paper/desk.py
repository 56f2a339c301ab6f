"""What one call does to one symbol: executes, resizes, ends orders, and tells it in order.

Every execution is followed at once by what it means for other orders: children wake, siblings of a
one-cancels-other group shrink, reduce-only orders are cut to the position. So no later execution of
the same event can sell what is gone.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from application.ports.paper_market import PaperPosition, PaperTerms
from domain.backtest.fill_model import slipped, tighter_stop, trail_level
from domain.market.ticks import stop_to_tick, taker_price_to_tick
from domain.plans.bracket import after_entry_fill, after_sibling_fill, within_position
from domain.portfolio.cost_basis import CostBasis
from domain.portfolio.execution import (
    Execution,
    ExecutionReason,
    News,
    OrderReport,
    ReportKind,
    ReportReason,
)
from domain.portfolio.fill import Liquidity
from domain.portfolio.margin_basis import traded
from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.ticket import OrderTicket, RestingOrder
from domain.shared.decimals import ZERO, cash
from domain.shared.instants import rfc3339
from domain.shared.side import Side
from infrastructure.exchanges.paper.account import PaperAccount
from infrastructure.exchanges.paper.symbol_book import LIMIT_TYPES, SymbolBook

R = ReportReason


@dataclass(frozen=True, slots=True)
class Deal:
    """Quantity, price booked, and the price before slippage and rounding."""

    qty: Decimal
    price: Decimal
    touch: Decimal


def taker_deal(ticket: OrderTicket, qty: Decimal, touch: Decimal) -> Deal:
    """A market order at the touch: slipped, then rounded against the order."""
    price = slipped(ticket.side.sign, touch, ticket.slippage)
    return Deal(qty, taker_price_to_tick(ticket.side, price, ticket.tick_size), touch)


def first_level(ticket: OrderTicket, mark: Decimal | None) -> Decimal | None:
    """Where a stop stands at the mark: its own price, or the trailing level if that is tighter."""
    if ticket.trail_fraction is None or mark is None:
        return ticket.stop_price
    sign = ticket.side.sign
    exact = trail_level(sign, mark, ticket.trail_fraction)
    level = stop_to_tick(ticket.side, exact, ticket.tick_size)
    return level if ticket.stop_price is None else tighter_stop(sign, ticket.stop_price, level)


class Desk:
    """`at` is the instant of everything told, `mark` the price trailing stops start from; a bar
    moves both from its open to its close.
    """

    def __init__(
        self, book: SymbolBook, account: PaperAccount, terms: PaperTerms, at: datetime
    ) -> None:
        self.book = book
        self.terms = terms
        self.at = at
        self.mark: Decimal | None = None
        self.known_until: datetime | None = None
        self.news: list[News] = []
        self._woken: list[str] = []
        self._account = account

    def open_order(self, order_id: str) -> RestingOrder | None:
        """The order if something of it may still fill."""
        order = self.book.orders.get(order_id)
        return order if order is not None and order.open_qty > 0 else None

    def matchable(self, order_id: str) -> RestingOrder | None:
        """The order if it may execute now: known before the price, not past its end, not woken by
        what was just executed.
        """
        order = self.open_order(order_id)
        if order is None or order_id in self._woken:
            return None
        if self.known_until is not None and order.accepted_at > self.known_until:
            return None
        ends_at = order.ticket.expires_at
        return order if ends_at is None or ends_at >= self.at else None

    def take_woken(self) -> list[str]:
        """Children woken since the last call: stops before targets, then time."""
        woken = [o for name in self._woken if (o := self.open_order(name)) is not None]
        self._woken.clear()
        woken.sort(key=lambda order: (order.stop_price is None, order.seq))
        return [order.ticket.order_id for order in woken]

    def report(
        self, order: RestingOrder, kind: ReportKind, reason: ReportReason | None = None
    ) -> None:
        """Tell a fact about the order."""
        order_id = order.ticket.order_id
        self.news.append(
            OrderReport(order_id, kind, self.at, order.open_qty, order.stop_price, reason)
        )

    def trigger(self, order: RestingOrder) -> RestingOrder:
        """Turn a stop into the order it becomes."""
        triggered = replace(order, is_triggered=True)
        self.book.put(triggered)
        self.report(triggered, ReportKind.TRIGGERED)
        return triggered

    def execute(self, order_id: str, deal: Deal, liquidity: Liquidity) -> None:
        """Book one execution of the order and everything that follows from it."""
        order = self.book.orders[order_id]
        ticket = order.ticket
        rate = ticket.maker_rate if liquidity is Liquidity.MAKER else ticket.taker_rate
        after = order.filled(deal.qty)
        self.news.append(
            Execution(
                external_id=f"{order_id}:{after.fill_count}",
                order_id=order_id,
                account_id=ticket.account_id,
                instrument=ticket.instrument,
                side=ticket.side,
                qty=deal.qty,
                price=deal.price,
                fee=cash(deal.qty * deal.price * rate),
                slippage=cash(abs(deal.price - deal.touch) * deal.qty),
                liquidity=liquidity,
                reason=_reason(ticket),
                executed_at=self.at,
                trigger_price=order.stop_price if order.is_triggered else None,
            )
        )
        self._book_trade(ticket.side, deal, rate, (ticket.tick_size, ticket.leverage))
        self.book.put(after)
        self._wake_children(order_id, deal)
        self._shrink_siblings(after, deal.qty)
        if after.open_qty == 0:
            self._settle_empty(after, None)
        self.cut_reducing()

    def liquidate(self, price: Decimal) -> None:
        """Close the whole position at the price; there is no order to report."""
        position = self.book.position
        if position is None:
            return
        qty = position.basis.qty
        side = Side.SELL if qty > 0 else Side.BUY
        deal = Deal(abs(qty), price, price)
        rate = self.terms.liquidation_rate
        self.news.append(
            Execution(
                external_id=f"liquidation:{position.instrument}:{rfc3339(self.at)}",
                order_id=None,
                account_id=self.terms.account_id,
                instrument=position.instrument,
                side=side,
                qty=deal.qty,
                price=price,
                fee=cash(deal.qty * price * rate),
                slippage=ZERO,
                liquidity=Liquidity.TAKER,
                reason=ExecutionReason.LIQUIDATION,
                executed_at=self.at,
            )
        )
        self._book_trade(side, deal, rate, (position.tick_size, position.leverage))
        self.cut_reducing()

    def end(self, order: RestingOrder, kind: ReportKind, reason: ReportReason) -> None:
        """End the order and tell so; children that have nothing to do end with it."""
        self.report(replace(order, open_qty=ZERO), kind, reason)
        self._forget(order.ticket.order_id)

    def end_unfilled(self, order_id: str) -> None:
        """IOC and FOK orders do not rest: what is left of one is cancelled."""
        order = self.open_order(order_id)
        if order is None:
            return
        if order.ticket.time_in_force is TimeInForce.IOC:
            self.end(order, ReportKind.CANCELLED, R.IOC_NOT_FILLED)
        elif order.ticket.time_in_force is TimeInForce.FOK:
            self.end(order, ReportKind.CANCELLED, R.FOK_NOT_FILLED)

    def expire(self) -> None:
        """End every order whose end has come."""
        for order in self.book.ended_by(self.at):
            if order.ticket.order_id not in self.book.orders:
                continue
            is_day = order.ticket.time_in_force is TimeInForce.DAY
            self.end(order, ReportKind.EXPIRED, R.DAY_ENDED if is_day else R.GOOD_TILL_PASSED)

    def cut_reducing(self) -> None:
        """Cut reduce-only orders to what they can still close; cut to zero is cancelled."""
        for listed in self.book.reducing():
            order = self.open_order(listed.ticket.order_id)
            if order is None:
                continue
            cut = within_position(order.open_qty, self.book.closable_qty(order.ticket.side))
            if cut < order.open_qty:
                self._resize(order, cut, R.REDUCE_ONLY)

    def _book_trade(
        self, side: Side, deal: Deal, rate: Decimal, opening: tuple[Decimal, int]
    ) -> None:
        position = self.book.position
        before = CostBasis() if position is None else position.basis
        basis, realized = traded(before, side, deal.qty, deal.price)
        fee = cash(deal.qty * deal.price * rate)
        basis = replace(basis, fees_paid=basis.fees_paid + fee)
        self._account.wallet += (realized or ZERO) - fee
        self.book.is_margin_stale = True
        if basis.qty == 0:
            self.book.position = None
        elif position is None or before.qty * basis.qty < 0:
            tick_size, leverage = opening
            self.book.position = PaperPosition(
                self.book.instrument, basis, tick_size, leverage, self.at
            )
        else:
            self.book.position = replace(position, basis=basis, traded_at=self.at)

    def _shrink_siblings(self, order: RestingOrder, qty: Decimal) -> None:
        for listed in self.book.siblings(order):
            sibling = self.open_order(listed.ticket.order_id)
            if sibling is not None:
                self._resize(sibling, after_sibling_fill(sibling.open_qty, qty), R.OCO)

    def _wake_children(self, parent_id: str, deal: Deal) -> None:
        for child in self.book.children(parent_id):
            awake = replace(child, open_qty=after_entry_fill(child.open_qty, deal.qty))
            if child.open_qty == 0:
                if child.ticket.trail_fraction is not None:
                    start = deal.price if self.mark is None else self.mark
                    awake = replace(awake, stop_price=first_level(child.ticket, start))
                self._woken.append(child.ticket.order_id)
            self.book.put(awake)
            self.report(awake, ReportKind.RESIZED, R.PARENT_FILLED)

    def _resize(self, order: RestingOrder, open_qty: Decimal, reason: ReportReason) -> None:
        resized = replace(order, open_qty=open_qty)
        self.book.put(resized)
        if open_qty == 0:
            self._settle_empty(resized, reason)
        else:
            self.report(resized, ReportKind.RESIZED, reason)

    def _settle_empty(self, order: RestingOrder, reason: ReportReason | None) -> None:
        """A child sleeps again while its parent may fill further; everything else has ended."""
        parent_id = order.ticket.parent_id
        if parent_id is not None and parent_id in self.book.orders:
            if reason is not None:
                self.report(order, ReportKind.RESIZED, reason)
            return
        if order.filled_qty < order.ticket.qty:
            self.end(order, ReportKind.CANCELLED, reason or _why_smaller(order.ticket))
        else:
            self._forget(order.ticket.order_id)

    def _forget(self, order_id: str) -> None:
        self.book.drop(order_id)
        for child in self.book.children(order_id):
            if child.ticket.order_id in self.book.orders and child.open_qty == 0:
                self._settle_empty(child, R.PARENT_ENDED)


def _why_smaller(ticket: OrderTicket) -> ReportReason:
    """Why an order ended with less than it asked for, when nothing else says so."""
    if ticket.parent_id is not None:
        return R.PARENT_ENDED
    return R.REDUCE_ONLY if ticket.group_id is None else R.OCO


def _reason(ticket: OrderTicket) -> ExecutionReason:
    if ticket.type is OrderType.TRAILING_STOP:
        return ExecutionReason.TRAILING_STOP
    if ticket.type is OrderType.STOP_MARKET:
        return ExecutionReason.STOP
    return ExecutionReason.LIMIT if ticket.type in LIMIT_TYPES else ExecutionReason.MARKET
