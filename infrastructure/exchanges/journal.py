"""What a venue inside this service has told of its orders: enough to answer by client order id.

The book stays the truth; a journal is filled from it or lives as long as its venue.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, replace
from datetime import datetime

from application.ports.venue import VenueOrder
from domain.portfolio.execution import Execution, News
from domain.portfolio.lifecycle import OrderFact, OrderStatus, next_status
from domain.portfolio.ticket import OrderTicket


@dataclass(frozen=True, slots=True)
class _Entry:
    ticket: OrderTicket
    order: VenueOrder


class VenueJournal:
    """Orders and executions of one venue, by time."""

    def __init__(self) -> None:
        self._by_order: dict[str, _Entry] = {}
        self._order_of_client: dict[str, str] = {}
        self._executions: list[tuple[datetime, int, Execution]] = []

    def open(self, ticket: OrderTicket) -> None:
        """Write down an order that is about to be sent."""
        order = VenueOrder(
            venue_order_id=ticket.order_id,
            client_order_id=ticket.client_order_id,
            instrument=ticket.instrument,
            status=OrderStatus.SUBMITTING,
            qty=ticket.qty,
            filled_qty=ticket.qty * 0,
        )
        self._by_order[ticket.order_id] = _Entry(ticket, order)
        self._order_of_client[ticket.client_order_id] = ticket.order_id

    def tell(self, item: News) -> None:
        """Take one report or execution into account."""
        if isinstance(item, Execution):
            insort(self._executions, (item.executed_at, len(self._executions), item))
        entry = self._by_order.get(item.order_id or "")
        if entry is None:
            return
        order = entry.order
        if isinstance(item, Execution):
            filled = order.filled_qty + item.qty
            fact = OrderFact.FULL_FILL if filled >= order.qty else OrderFact.PARTIAL_FILL
            order = replace(order, filled_qty=filled, status=next_status(order.status, fact))
        elif item.kind.fact is not None:
            reason = order.reason if item.reason is None else item.reason.value
            order = replace(order, status=next_status(order.status, item.kind.fact), reason=reason)
        self._by_order[order.venue_order_id] = replace(entry, order=order)

    def find(self, client_order_id: str, instrument: str) -> VenueOrder | None:
        """The order under the id, if it is of the instrument."""
        entry = self._by_order.get(self._order_of_client.get(client_order_id, ""))
        return entry.order if entry and entry.order.instrument == instrument else None

    def open_orders(self, instrument: str | None) -> tuple[VenueOrder, ...]:
        """Orders that have not ended, oldest first."""
        return tuple(
            entry.order
            for entry in self._by_order.values()
            if not entry.order.status.is_terminal and instrument in (None, entry.order.instrument)
        )

    def fills(self, since: datetime, instrument: str | None) -> tuple[Execution, ...]:
        """Executions at or after the instant, ascending."""
        first = bisect_left(self._executions, since, key=lambda row: row[0])
        found = (execution for _, _, execution in self._executions[first:])
        return tuple(e for e in found if instrument in (None, e.instrument))
