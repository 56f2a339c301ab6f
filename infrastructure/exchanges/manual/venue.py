"""The manual venue behind the venue port: it accepts every order and waits until a person reports
what was executed. Nothing is sent anywhere.
"""

from collections.abc import Sequence
from datetime import datetime

from application.ports.clock import Clock
from application.ports.venue import (
    Accepted,
    CancelOutcome,
    CancelResult,
    SendOutcome,
    VenueOrder,
)
from domain.portfolio.execution import Execution, OrderReport, ReportKind, ReportReason
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.ticket import OrderTicket
from domain.shared.decimals import ZERO
from infrastructure.exchanges.journal import VenueJournal


class ManualVenue:
    """Implements `TradingVenue`; executions come in through `report`."""

    def __init__(self, clock: Clock, journal: VenueJournal) -> None:
        self._clock = clock
        self._journal = journal

    async def submit(self, ticket: OrderTicket) -> SendOutcome:
        """Accepted at once, whatever its terms: a person reads them."""
        known = self._journal.find(ticket.client_order_id, ticket.instrument)
        if known is not None:
            return Accepted(known.venue_order_id, known.status)
        self._journal.open(ticket)
        self._tell(ticket.order_id, ReportKind.ACCEPTED, ticket)
        return Accepted(ticket.order_id, OrderStatus.WORKING)

    async def cancel(self, client_order_id: str, instrument: str) -> CancelOutcome:
        """See `TradingVenue.cancel`."""
        order = self._journal.find(client_order_id, instrument)
        if order is None:
            return CancelOutcome(CancelResult.NOT_FOUND)
        if order.status.is_terminal:
            return CancelOutcome(CancelResult.ALREADY_CLOSED, order.status)
        self._tell(order.venue_order_id, ReportKind.CANCELLED, None)
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

    def report(self, execution: Execution) -> None:
        """What a person says was executed."""
        self._journal.tell(execution)

    def _tell(self, order_id: str, kind: ReportKind, ticket: OrderTicket | None) -> None:
        open_qty = ZERO if ticket is None else ticket.qty
        reason = None if ticket is not None else ReportReason.REQUESTED
        self._journal.tell(OrderReport(order_id, kind, self._clock.now(), open_qty, reason=reason))
