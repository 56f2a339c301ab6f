"""A place that executes orders. The answer to a submission is a value: a venue may be unclear, and
what is unclear is never sent again but looked up by its client order id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from domain.portfolio.execution import Execution
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.ticket import OrderTicket


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the order; it may have executed already, which `fills` tells."""

    venue_order_id: str
    status: OrderStatus


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue will never execute the order; `reason` is a snake_case order reason."""

    reason: str
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class NotProcessed:
    """Proven not executed: the same client order id may be sent again after `retry_after_s`."""

    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell; ask `find_order`, never send again."""

    reason: str


SendOutcome = Accepted | Refused | NotProcessed | Unknown


class CancelResult(StrEnum):
    """What became of a cancel."""

    CANCELLED = "cancelled"
    ALREADY_CLOSED = "already_closed"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """`status` is the order's final state when it had ended already."""

    result: CancelResult
    status: OrderStatus | None = None


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue sees it."""

    venue_order_id: str
    client_order_id: str
    instrument: str
    status: OrderStatus
    qty: Decimal
    filled_qty: Decimal
    reason: str | None = None


class TradingVenue(Protocol):
    """Orders and their executions. Safe to call from one event loop; a repeated client order id
    never makes a second order.
    """

    async def submit(self, ticket: OrderTicket) -> SendOutcome:
        """Send the order once; sending it again answers what became of the first."""
        ...

    async def cancel(self, client_order_id: str, instrument: str) -> CancelOutcome:
        """End an order; an order that has ended stays as it is."""
        ...

    async def find_order(self, client_order_id: str, instrument: str) -> VenueOrder | None:
        """The order, open or ended; None when the venue does not know it."""
        ...

    async def open_orders(self, instrument: str | None = None) -> Sequence[VenueOrder]:
        """Orders that have not ended, oldest first."""
        ...

    async def fills(self, since: datetime, instrument: str | None = None) -> Sequence[Execution]:
        """Executions at or after `since`, ascending and complete."""
        ...
