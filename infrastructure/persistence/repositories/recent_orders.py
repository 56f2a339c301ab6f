"""The newest orders of one position, as the writer read or wrote them.

Two checks of every submit ask about them: how many were accepted today, and whether the same order
was made a moment ago. What is kept here answers both without a statement.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Order, OrderType
from domain.shared.side import Side
from infrastructure.persistence.session import Row

KEPT_MAX = 5_000
Terms = tuple[Side, OrderType, Decimal, Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class RecentOrder:
    """`counts`: neither rejected nor cancelled unfilled."""

    created_at: datetime
    terms: Terms
    is_rejected: bool
    counts: bool


@dataclass(slots=True)
class RecentOrders:
    """Every order of the position created at `since` or later."""

    since: datetime
    by_id: dict[str, RecentOrder] = field(default_factory=dict)

    def note(self, order: Order) -> None:
        """Keep in step with an order that was added or saved."""
        if order.created_at >= self.since:
            self.by_id[order.id] = _recent(
                order.created_at, terms_of(order), order.status, order.filled_qty
            )

    def note_row(self, row: Row) -> None:
        """Take over a stored order."""
        terms = (
            Side(row["side"]), OrderType(row["type"]),
            row["qty"], row["limit_price"], row["stop_price"],
        )  # fmt: skip
        self.by_id[row["id"]] = _recent(
            row["created_at"], terms, OrderStatus(row["status"]), row["filled_qty"]
        )

    def accepted_between(self, since: datetime, until: datetime) -> int:
        """How many count, from `since` to `until`, both included."""
        return sum(o.counts and since <= o.created_at <= until for o in self.by_id.values())

    def last_similar_at(self, terms: Terms, since: datetime) -> datetime | None:
        """When the newest order on these terms was made, `since` or later, rejected ones apart."""
        times = [
            o.created_at
            for o in self.by_id.values()
            if o.created_at >= since and o.terms == terms and not o.is_rejected
        ]
        return max(times, default=None)

    def forget_before(self, instant: datetime) -> None:
        """Drop what no check asks for any more."""
        self.since = instant
        self.by_id = {i: o for i, o in self.by_id.items() if o.created_at >= instant}


def terms_of(order: Order) -> Terms:
    """What makes two orders the same order."""
    asked = order.terms
    return (asked.side, asked.type, asked.qty, asked.limit_price, asked.stop_price)


def _recent(
    created_at: datetime, terms: Terms, status: OrderStatus, filled_qty: Decimal
) -> RecentOrder:
    is_rejected = status is OrderStatus.REJECTED
    is_void = status is OrderStatus.CANCELLED and filled_qty == 0
    return RecentOrder(created_at, terms, is_rejected, not is_rejected and not is_void)
