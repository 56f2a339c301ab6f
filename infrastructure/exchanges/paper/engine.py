"""The paper market of one account: routes each call to the book of its symbol.

It holds no truth: wallet, open orders and positions are stored elsewhere and come back through a
snapshot. It reads no clock and makes up no price, so equal calls give equal answers.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from application.ports.paper_market import (
    EquityPoint,
    FundingPayment,
    MarketAnswer,
    PaperPosition,
    PaperSnapshot,
    PaperTerms,
)
from domain.backtest.fill_model import tighter_stop
from domain.market.price_event import PriceBar, PriceTick, price_problem
from domain.portfolio.execution import News, OrderReport, ReportKind, ReportReason
from domain.portfolio.margin import funding_payment
from domain.portfolio.order import OrderType
from domain.portfolio.ticket import OrderTicket, RestingOrder
from domain.shared.decimals import ZERO
from infrastructure.exchanges.paper.account import PaperAccount
from infrastructure.exchanges.paper.bar_matching import BarMatch
from infrastructure.exchanges.paper.desk import Desk, first_level
from infrastructure.exchanges.paper.quotes import touch_of
from infrastructure.exchanges.paper.symbol_book import SymbolBook
from infrastructure.exchanges.paper.tick_matching import arrive, arrive_woken, match_tick
from infrastructure.exchanges.paper.ticket_rules import is_sound

R = ReportReason


class PaperEngine:
    """Implements `PaperMarket`; built from a snapshot, empty or stored."""

    def __init__(self, terms: PaperTerms, snapshot: PaperSnapshot) -> None:
        self._terms = terms
        self._account = PaperAccount(snapshot.wallet)
        self._books: dict[str, SymbolBook] = {}
        self._symbol_of: dict[str, str] = {}
        for tick in snapshot.prices:
            self._book(tick.instrument).tick = tick
        for position in snapshot.positions:
            self._book(position.instrument).position = position
        for order in snapshot.orders:
            self._book(order.ticket.instrument).add(order)
            self._symbol_of[order.ticket.order_id] = order.ticket.instrument
        after_last = max((order.seq for order in snapshot.orders), default=0) + 1
        self._next_seq = max(snapshot.next_seq, after_last)
        for book in self._books.values():
            self._account.refresh(book)

    def submit(
        self, ticket: OrderTicket, at: datetime, children: Sequence[OrderTicket] = ()
    ) -> MarketAnswer:
        """See `PaperMarket.submit`. An order id that is open already brings no news."""
        book = self._book(ticket.instrument)
        desk = Desk(book, self._account, self._terms, at)
        if ticket.order_id in self._symbol_of:
            return self._answer(desk)
        refusal = self._refusal(book, ticket, at, children)
        if refusal is not None:
            for refused in (ticket, *children):
                self._reject(desk, refused, refusal if refused is ticket else R.PARENT_ENDED)
            return self._answer(desk)
        for accepted in (ticket, *children):
            self._accept(desk, accepted)
        tick = book.tick
        if tick is not None:
            desk.mark = tick.valuation
            desk.cut_reducing()
            if not tick.is_bar_close:
                arrive(desk, ticket.order_id)
                arrive_woken(desk)
        return self._answer(desk)

    def cancel(self, order_id: str, at: datetime) -> MarketAnswer:
        """See `PaperMarket.cancel`."""
        book, order = self._find(order_id)
        if book is None or order is None:
            return MarketAnswer((), self.equity(at))
        desk = Desk(book, self._account, self._terms, at)
        desk.end(order, ReportKind.CANCELLED, R.REQUESTED)
        return self._answer(desk)

    def move_stop(self, order_id: str, stop_price: Decimal, at: datetime) -> MarketAnswer:
        """See `PaperMarket.move_stop`."""
        book, order = self._find(order_id)
        if book is None or order is None or order.stop_price is None or order.is_triggered:
            return MarketAnswer((), self.equity(at))
        desk = Desk(book, self._account, self._terms, at)
        nearer = tighter_stop(order.ticket.side.sign, order.stop_price, stop_price)
        if stop_price > 0 and nearer != order.stop_price:
            moved = replace(order, stop_price=stop_price)
            book.put(moved)
            desk.report(moved, ReportKind.LEVEL_MOVED, R.REQUESTED)
        return self._answer(desk)

    def on_tick(self, tick: PriceTick) -> MarketAnswer:
        """See `PaperMarket.on_tick`."""
        book = self._book(tick.instrument)
        desk = Desk(book, self._account, self._terms, tick.at)
        if book.tick is None or tick.at >= book.tick.at:
            book.tick = tick
            match_tick(desk, tick)
        return self._answer(desk)

    def on_bar(self, bar: PriceBar) -> MarketAnswer:
        """See `PaperMarket.on_bar`."""
        book = self._book(bar.instrument)
        desk = Desk(book, self._account, self._terms, bar.closes_at)
        if book.tick is None or bar.closes_at > book.tick.at:
            BarMatch(desk, bar).run()
        return self._answer(desk)

    def expire_due(self, at: datetime) -> MarketAnswer:
        """See `PaperMarket.expire_due`; symbols in the order of their names."""
        news: list[News] = []
        for name in sorted(self._books):
            desk = Desk(self._books[name], self._account, self._terms, at)
            desk.expire()
            news += self._settled(desk)
        return MarketAnswer(tuple(news), self._account.point(at))

    def fund(self, instrument: str, rate: Decimal, at: datetime) -> FundingPayment | None:
        """See `PaperMarket.fund`."""
        book = self._books.get(instrument)
        if book is None or book.qty == 0 or book.tick is None:
            return None
        mark = book.tick.valuation
        if mark is None:
            return None
        amount = funding_payment(book.qty, mark, rate)
        self._account.wallet -= amount
        return FundingPayment(instrument, at, book.qty, mark, rate, amount)

    def move_cash(self, amount: Decimal) -> None:
        """See `PaperMarket.move_cash`."""
        self._account.wallet += amount

    def open_orders(self, instrument: str | None = None) -> tuple[RestingOrder, ...]:
        """See `PaperMarket.open_orders`."""
        names = self._books if instrument is None else {instrument} & self._books.keys()
        orders = (order for name in names for order in self._books[name].orders.values())
        return tuple(sorted(orders, key=lambda order: order.seq))

    def position(self, instrument: str) -> PaperPosition | None:
        """See `PaperMarket.position`."""
        book = self._books.get(instrument)
        return None if book is None else book.position

    def equity(self, at: datetime) -> EquityPoint:
        """See `PaperMarket.equity`."""
        return self._account.point(at)

    def snapshot(self) -> PaperSnapshot:
        """See `PaperMarket.snapshot`."""
        books = [self._books[name] for name in sorted(self._books)]
        return PaperSnapshot(
            wallet=self._account.wallet,
            orders=self.open_orders(),
            positions=tuple(book.position for book in books if book.position is not None),
            prices=tuple(book.tick for book in books if book.tick is not None),
            next_seq=self._next_seq,
        )

    def _book(self, instrument: str) -> SymbolBook:
        book = self._books.get(instrument)
        if book is None:
            book = self._books[instrument] = SymbolBook(instrument)
        return book

    def _find(self, order_id: str) -> tuple[SymbolBook | None, RestingOrder | None]:
        instrument = self._symbol_of.get(order_id)
        if instrument is None:
            return None, None
        book = self._books[instrument]
        return book, book.orders.get(order_id)

    def _refusal(
        self,
        book: SymbolBook,
        ticket: OrderTicket,
        at: datetime,
        children: Sequence[OrderTicket],
    ) -> ReportReason | None:
        if not is_sound(ticket, self._terms.account_id, at, children):
            return R.INVALID_ORDER
        problem = price_problem(book.tick, at, self._terms.price_age_max_s)
        if problem is not None or book.tick is None:
            return R(problem or R.NO_PRICE)
        needs_mark = ticket.type is OrderType.TRAILING_STOP
        needs_touch = ticket.type is OrderType.MARKET and not book.tick.is_bar_close
        if needs_mark and book.tick.valuation is None:
            return R.NO_PRICE
        if needs_touch and touch_of(book.tick, ticket.side, self._terms) is None:
            return R.NO_PRICE
        return None

    def _accept(self, desk: Desk, ticket: OrderTicket) -> None:
        book, is_child = desk.book, ticket.parent_id is not None
        mark = None if is_child or book.tick is None else book.tick.valuation
        order = RestingOrder(
            ticket=ticket,
            accepted_at=desk.at,
            seq=self._next_seq,
            open_qty=ZERO if is_child else ticket.qty,
            stop_price=first_level(ticket, mark),
        )
        self._next_seq += 1
        self._symbol_of[ticket.order_id] = ticket.instrument
        book.add(order)
        desk.report(order, ReportKind.ACCEPTED)

    def _reject(self, desk: Desk, ticket: OrderTicket, reason: ReportReason) -> None:
        report = OrderReport(
            ticket.order_id, ReportKind.REJECTED, desk.at, ZERO, ticket.stop_price, reason
        )
        desk.news.append(report)

    def _settled(self, desk: Desk) -> list[News]:
        self._account.refresh(desk.book)
        for item in desk.news:
            order_id = item.order_id
            if order_id is not None and order_id not in desk.book.orders:
                self._symbol_of.pop(order_id, None)
        return desk.news

    def _answer(self, desk: Desk) -> MarketAnswer:
        news = tuple(self._settled(desk))
        return MarketAnswer(news, self._account.point(desk.at))
