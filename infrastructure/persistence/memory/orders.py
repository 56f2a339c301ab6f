"""Orders and fills in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from application.context import RequestContext
from application.ports.order_repositories import OpenOrder, OrderFilter, OwnedOrder
from application.ports.repositories import Page
from domain.portfolio.fill import Fill
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import VENUES_HELD_HERE, Order, Origin, TimeInForce
from domain.shared.errors import Conflict, Defect, NotFound
from infrastructure.persistence.memory.tables import BookTables, page_of, require_next
from infrastructure.persistence.types import from_json, to_json


class MemoryOrders:
    """`Orders` in memory."""

    def __init__(self, tables: BookTables, context: RequestContext) -> None:
        self._rows = tables.orders
        self._positions = tables.positions
        self._owner_id = context.owner_id

    def get(self, order_id: str) -> Order:
        order = self._rows.get(order_id)
        if order is None or order.owner_id != self._owner_id:
            raise NotFound("order_not_found", f"No order {order_id}.")
        return order

    def add(self, order: Order) -> None:
        for other in self._rows.values():
            if other.client_order_id == order.client_order_id:
                raise Defect("duplicate_key", "This client order id was used before.")
            both_in_flight = _is_automatic_in_flight(other) and _is_automatic_in_flight(order)
            if both_in_flight and other.position_id == order.position_id:
                raise Conflict(
                    "automatic_order_in_flight",
                    "An automatic order of this position is still open.",
                )
        # What a document store gives back, not the objects that were put in.
        checks = tuple(from_json(to_json(order.checks)))
        self._rows.add(order.id, replace(order, checks=checks))

    def save(self, order: Order) -> None:
        require_next("Order", self._rows.get(order.id), order)
        self._rows.put(order.id, order)

    def open_of(self, position_id: str) -> Sequence[Order]:
        live = (o for o in self._of(position_id) if not o.status.is_terminal)
        return sorted(live, key=lambda order: order.id)

    def claims_of(self, position_id: str) -> Sequence[OpenOrder]:
        return [
            OpenOrder(o.id, o.terms.side, o.status, o.terms.qty - o.filled_qty, o.reserved)
            for o in self.open_of(position_id)
        ]

    def accepted_between(self, position_id: str, since: datetime, until: datetime) -> int:
        return sum(
            1
            for o in self._of(position_id)
            if since <= o.created_at <= until
            and o.status is not OrderStatus.REJECTED
            and not (o.status is OrderStatus.CANCELLED and o.filled_qty == 0)
        )

    def last_similar_at(self, order: Order, since: datetime) -> datetime | None:
        similar = [
            o.created_at
            for o in self._of(order.position_id)
            if o.created_at >= since
            and o.status is not OrderStatus.REJECTED
            and _terms_compared(o) == _terms_compared(order)
        ]
        return max(similar, default=None)

    def client_order_id_exists(self, client_order_id: str) -> bool:
        return any(o.client_order_id == client_order_id for o in self._rows.values())

    def day_calendars(self) -> Sequence[str]:
        return sorted({self._calendar(o) for o in self._open(TimeInForce.DAY)})

    def day_orders(
        self, calendar: str, created_before: datetime, limit: int
    ) -> Sequence[OwnedOrder]:
        due = [
            o
            for o in self._open(TimeInForce.DAY)
            if o.created_at < created_before
            and o.venue in VENUES_HELD_HERE
            and self._calendar(o) == calendar
        ]
        return _owned(sorted(due, key=lambda o: o.created_at)[:limit])

    def good_till_passed(self, instant: datetime, limit: int) -> Sequence[OwnedOrder]:
        due = [
            (o.terms.good_till, o.id, o)
            for o in self._open(TimeInForce.GTD)
            if o.terms.good_till and o.terms.good_till <= instant and o.venue in VENUES_HELD_HERE
        ]
        return _owned(order for _, _, order in sorted(due, key=lambda item: item[:2])[:limit])

    def immediate_orders(self, created_before: datetime, limit: int) -> Sequence[OwnedOrder]:
        due = [
            o
            for kind in (TimeInForce.IOC, TimeInForce.FOK)
            for o in self._open(kind)
            if max(o.created_at, o.deferred_until or o.created_at) < created_before
            and o.venue in VENUES_HELD_HERE
        ]
        return _owned(sorted(due, key=lambda o: o.created_at)[:limit])

    def unsent(self, created_before: datetime, limit: int) -> Sequence[OwnedOrder]:
        due = [
            o
            for o in self._rows.values()
            if o.status is OrderStatus.PENDING_SUBMIT
            and o.created_at < created_before
            and o.deferred_until is None
        ]
        return _owned(sorted(due, key=lambda o: o.created_at)[:limit])

    def _open(self, kind: TimeInForce) -> Iterable[Order]:
        live = (o for o in self._rows.values() if not o.status.is_terminal)
        return (o for o in live if o.terms.time_in_force is kind)

    def _calendar(self, order: Order) -> str:
        position = self._positions.get(order.position_id)
        assert position is not None
        return position.calendar

    def list(self, where: OrderFilter, page: Page) -> Sequence[Order]:
        return page_of(self._filtered(where), lambda order: order.id, page)

    def count(self, where: OrderFilter) -> int:
        return sum(1 for _ in self._filtered(where))

    def _of(self, position_id: str) -> Iterable[Order]:
        return (o for o in self._rows.values() if o.position_id == position_id)

    def _filtered(self, where: OrderFilter) -> Iterable[Order]:
        for order in self._rows.values():
            if (
                order.owner_id == self._owner_id
                and where.account_id in (None, order.account_id)
                and where.position_id in (None, order.position_id)
                and where.status in (None, order.status.value)
            ):
                yield order


def _owned(orders: Iterable[Order]) -> list[OwnedOrder]:
    return [OwnedOrder(order.id, order.owner_id) for order in orders]


def _is_automatic_in_flight(order: Order) -> bool:
    return order.terms.origin is Origin.PLAN and not order.status.is_terminal


def _terms_compared(order: Order) -> tuple[object, ...]:
    terms = order.terms
    return terms.side, terms.type, terms.qty, terms.limit_price, terms.stop_price


class MemoryFills:
    """`Fills` in memory."""

    def __init__(self, tables: BookTables, context: RequestContext) -> None:
        self._rows = tables.fills
        self._owner_id = context.owner_id

    def add(self, fill: Fill) -> None:
        if fill.external_id is not None and self.by_external_id(
            fill.venue, fill.account_id, fill.external_id
        ):
            raise Defect("duplicate_key", "This execution was booked before.")
        self._rows.add(fill.id, fill)

    def of_position(self, position_id: str) -> Sequence[Fill]:
        mine = (f for f in self._rows.values() if f.position_id == position_id)
        return sorted(mine, key=lambda fill: fill.id)

    def page_of_position(self, position_id: str, page: Page) -> Sequence[Fill]:
        mine = (f for f in self.of_position(position_id) if f.owner_id == self._owner_id)
        return page_of(mine, lambda fill: fill.id, page)

    def page_of_account(self, venue: str, account_id: str, page: Page) -> Sequence[Fill]:
        wanted = (venue, account_id, self._owner_id)
        mine = (f for f in self._rows.values() if (f.venue, f.account_id, f.owner_id) == wanted)
        return page_of(mine, lambda fill: fill.id, page)

    def by_external_id(self, venue: str, account_id: str, external_id: str) -> Fill | None:
        wanted = (venue, account_id, external_id)
        for fill in self._rows.values():
            if (fill.venue, fill.account_id, fill.external_id) == wanted:
                return fill
        return None

    def restate(self, realized_by_id: Mapping[str, Decimal | None]) -> None:
        for fill_id, realized in realized_by_id.items():
            fill = self._rows.get(fill_id)
            if fill is not None:
                self._rows.put(fill_id, replace(fill, realized_pnl=realized))
