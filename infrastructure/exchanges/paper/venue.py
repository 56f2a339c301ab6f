"""The paper market behind the venue port: what processes talk to as they talk to an exchange."""

from collections.abc import Sequence
from datetime import datetime

from application.ports.clock import Clock
from application.ports.paper_market import MarketAnswer, PaperMarket
from application.ports.venue import (
    Accepted,
    CancelOutcome,
    CancelResult,
    Refused,
    SendOutcome,
    VenueOrder,
)
from domain.market.price_event import PriceBar, PriceTick
from domain.portfolio.execution import Execution
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.ticket import OrderTicket
from infrastructure.exchanges.journal import VenueJournal


class PaperVenue:
    """Implements `TradingVenue`; prices come in through `on_tick` and `on_bar`."""

    def __init__(self, market: PaperMarket, clock: Clock, journal: VenueJournal) -> None:
        self._market = market
        self._clock = clock
        self._journal = journal

    async def submit(self, ticket: OrderTicket) -> SendOutcome:
        """Sent twice, the order is matched once."""
        if self._journal.find(ticket.client_order_id, ticket.instrument) is None:
            self._journal.open(ticket)
            self._told(self._market.submit(ticket, self._clock.now()))
        order = self._journal.find(ticket.client_order_id, ticket.instrument)
        if order is None or order.status is OrderStatus.REJECTED:
            return Refused(order.reason or "invalid_order" if order else "invalid_order")
        return Accepted(order.venue_order_id, order.status)

    async def cancel(self, client_order_id: str, instrument: str) -> CancelOutcome:
        """See `TradingVenue.cancel`."""
        order = self._journal.find(client_order_id, instrument)
        if order is None:
            return CancelOutcome(CancelResult.NOT_FOUND)
        if order.status.is_terminal:
            return CancelOutcome(CancelResult.ALREADY_CLOSED, order.status)
        self._told(self._market.cancel(order.venue_order_id, self._clock.now()))
        return CancelOutcome(CancelResult.CANCELLED, OrderStatus.CANCELLED)

    async def find_order(self, client_order_id: str, instrument: str) -> VenueOrder | None:
        """See `TradingVenue.find_order`."""
        return self._journal.find(client_order_id, instrument)

    async def open_orders(self, instrument: str | None = None) -> Sequence[VenueOrder]:
        """See `TradingVenue.open_orders`."""
        return self._journal.open_orders(instrument)

    async def fills(self, since: datetime, instrument: str | None = None) -> Sequence[Execution]:
        """See `TradingVenue.fills`."""
        return self._journal.fills(since, instrument)

    def on_tick(self, tick: PriceTick) -> MarketAnswer:
        """A quote for one symbol."""
        return self._told(self._market.on_tick(tick))

    def on_bar(self, bar: PriceBar) -> MarketAnswer:
        """A finished bar of one symbol."""
        return self._told(self._market.on_bar(bar))

    def _told(self, answer: MarketAnswer) -> MarketAnswer:
        for item in answer.news:
            self._journal.tell(item)
        return answer
