"""Orders and fills on SQL."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, or_, select, text, update

from application.context import RequestContext
from application.ports.order_repositories import OpenOrder, OrderFilter, OwnedOrder
from application.ports.repositories import Page
from domain.portfolio.lifecycle import TERMINAL, OrderStatus
from domain.portfolio.order import (
    VENUES_HELD_HERE,
    Intent,
    Order,
    OrderTerms,
    OrderType,
    Origin,
    TimeInForce,
)
from domain.shared.errors import Conflict, NotFound, StaleVersion
from domain.shared.side import Side
from infrastructure.persistence.book_session import BookSession
from infrastructure.persistence.paging import paged
from infrastructure.persistence.repositories.recent_orders import (
    KEPT_MAX,
    RecentOrders,
    terms_of,
)
from infrastructure.persistence.session import Row
from infrastructure.persistence.tables.portfolio import (
    IS_AUTOMATIC_IN_FLIGHT,
    IS_OPEN_DAY_ORDER,
    IS_OPEN_GTD_ORDER,
    IS_OPEN_IMMEDIATE_ORDER,
    IS_UNSENT_ORDER,
    orders,
    positions,
)

_TERMS = tuple(f.name for f in fields(OrderTerms))
_STATE = tuple(f.name for f in fields(Order) if f.name != "terms")
_TERMINAL = [status.value for status in TERMINAL]
_MUTABLE = (
    "status", "filled_qty", "filled_notional", "fees", "reserved", "reservation_price", "reason",
    "rejected_by", "cancel_requested_at", "deferred_until", "updated_at", "version",
)  # fmt: skip

_INSERT = insert(orders)
_BY_ID = select(orders).where(
    orders.c.id == bindparam("id"), orders.c.owner_id == bindparam("owner_id")
)
_UPDATE = (
    update(orders)
    .where(orders.c.id == bindparam("key"), orders.c.version == bindparam("before"))
    .values({name: bindparam(name) for name in _MUTABLE})
)
_OPEN = (
    select(orders)
    .where(
        orders.c.position_id == bindparam("position_id"),
        *(orders.c.status != status for status in _TERMINAL),
    )
    .order_by(orders.c.id)
)
_CLAIMED = "claims"
_CLAIMS = (
    select(
        orders.c.id,
        orders.c.side,
        orders.c.status,
        orders.c.qty,
        orders.c.filled_qty,
        orders.c.reserved,
    )
    .where(
        orders.c.position_id == bindparam("position_id"),
        *(orders.c.status != status for status in _TERMINAL),
    )
    .order_by(orders.c.id)
)
_RECENT = "recent orders"
_SINCE = select(
    orders.c.id,
    orders.c.created_at,
    orders.c.side,
    orders.c.type,
    orders.c.qty,
    orders.c.limit_price,
    orders.c.stop_price,
    orders.c.status,
    orders.c.filled_qty,
).where(orders.c.position_id == bindparam("position_id"), orders.c.created_at >= bindparam("since"))
_IN_FLIGHT = select(orders.c.id).where(
    orders.c.position_id == bindparam("position_id"), text(IS_AUTOMATIC_IN_FLIGHT)
)
_BY_CLIENT_ID = select(orders.c.id).where(orders.c.client_order_id == bindparam("client_order_id"))
_IS_HELD_HERE = or_(*(orders.c.venue == venue for venue in VENUES_HELD_HERE))
_OWNED = select(orders.c.id, orders.c.owner_id)
_POSITIONS_CALENDAR = (
    select(positions.c.calendar)
    .where(positions.c.id == orders.c.position_id)
    .correlate(orders)
    .scalar_subquery()
)
_DAY_CALENDARS = (
    select(_POSITIONS_CALENDAR.label("calendar"))
    .select_from(orders)
    .where(text(IS_OPEN_DAY_ORDER))
    .distinct()
)
_DAY_ORDERS = (
    _OWNED.where(
        text(IS_OPEN_DAY_ORDER),
        orders.c.created_at < bindparam("created_before"),
        _IS_HELD_HERE,
        bindparam("calendar") == _POSITIONS_CALENDAR,
    )
    .order_by(orders.c.created_at)
    .limit(bindparam("most"))
)
_GOOD_TILL_PASSED = (
    _OWNED.where(text(IS_OPEN_GTD_ORDER), orders.c.good_till <= bindparam("instant"), _IS_HELD_HERE)
    .order_by(orders.c.good_till)
    .limit(bindparam("most"))
)
_IMMEDIATE = (
    _OWNED.where(
        text(IS_OPEN_IMMEDIATE_ORDER),
        orders.c.created_at < bindparam("created_before"),
        or_(
            orders.c.deferred_until.is_(None), orders.c.deferred_until < bindparam("created_before")
        ),
        _IS_HELD_HERE,
    )
    .order_by(orders.c.created_at)
    .limit(bindparam("most"))
)
_UNSENT = (
    _OWNED.where(
        text(IS_UNSENT_ORDER),
        orders.c.created_at < bindparam("created_before"),
        orders.c.deferred_until.is_(None),
    )
    .order_by(orders.c.created_at)
    .limit(bindparam("most"))
)


class SqlOrders:
    """`Orders` on SQL."""

    def __init__(self, session: BookSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def get(self, order_id: str) -> Order:
        row = self._session.one(_BY_ID, id=order_id, owner_id=self._owner_id)
        if row is None:
            raise NotFound("order_not_found", f"No order {order_id}.")
        return _order(row)

    def add(self, order: Order) -> None:
        if order.terms.origin is Origin.PLAN and not order.status.is_terminal:
            self._require_none_in_flight(order.position_id)
        self._session.run(_INSERT, **_row(order))
        self._note(order)

    def _note(self, order: Order) -> None:
        """Keep what is remembered of the position in step with this order."""
        recent: RecentOrders | None = self._session.recall(_RECENT, order.position_id)
        if recent is not None:
            recent.note(order)
        known: dict[str, OpenOrder] | None = self._session.recall(_CLAIMED, order.position_id)
        if known is None:
            return
        known.pop(order.id, None)
        if not order.status.is_terminal:
            known[order.id] = OpenOrder(
                order.id, order.terms.side, order.status, order.remaining_qty, order.reserved
            )

    def _require_none_in_flight(self, position_id: str) -> None:
        if self._session.one(_IN_FLIGHT, position_id=position_id) is not None:
            raise Conflict(
                "automatic_order_in_flight", "An automatic order of this position is still open."
            )

    def save(self, order: Order) -> None:
        row = {name: getattr(order, name) for name in _MUTABLE}
        if self._session.run(_UPDATE, key=order.id, before=order.version - 1, **row) != 1:
            raise StaleVersion("stale_version", f"Order {order.id} changed meanwhile.")
        self._note(order)

    def open_of(self, position_id: str) -> Sequence[Order]:
        return [_order(row) for row in self._session.all(_OPEN, position_id=position_id)]

    def claims_of(self, position_id: str) -> Sequence[OpenOrder]:
        known: dict[str, OpenOrder] | None = self._session.recall(_CLAIMED, position_id)
        if known is None:
            known = {
                row["id"]: OpenOrder(
                    row["id"],
                    Side(row["side"]),
                    OrderStatus(row["status"]),
                    row["qty"] - row["filled_qty"],
                    row["reserved"],
                )
                for row in self._session.all(_CLAIMS, position_id=position_id)
            }
            self._session.remember(_CLAIMED, position_id, known)
        return sorted(known.values(), key=lambda claim: claim.id)

    def accepted_between(self, position_id: str, since: datetime, until: datetime) -> int:
        recent = self._recent(position_id, since)
        if recent.since < since:
            recent.forget_before(since)
        return recent.accepted_between(since, until)

    def last_similar_at(self, order: Order, since: datetime) -> datetime | None:
        recent = self._recent(order.position_id, since)
        if len(recent.by_id) > KEPT_MAX:
            recent.forget_before(since)
        return recent.last_similar_at(terms_of(order), since)

    def _recent(self, position_id: str, since: datetime) -> RecentOrders:
        known: RecentOrders | None = self._session.recall(_RECENT, position_id)
        if known is None or known.since > since:
            known = RecentOrders(since)
            for row in self._session.all(_SINCE, position_id=position_id, since=since):
                known.note_row(row)
            self._session.remember(_RECENT, position_id, known)
        return known

    def client_order_id_exists(self, client_order_id: str) -> bool:
        return self._session.one(_BY_CLIENT_ID, client_order_id=client_order_id) is not None

    def day_calendars(self) -> Sequence[str]:
        return sorted(row["calendar"] for row in self._session.all(_DAY_CALENDARS))

    def day_orders(
        self, calendar: str, created_before: datetime, limit: int
    ) -> Sequence[OwnedOrder]:
        rows = self._session.all(
            _DAY_ORDERS, calendar=calendar, created_before=created_before, most=limit
        )
        return [OwnedOrder(**row) for row in rows]

    def good_till_passed(self, instant: datetime, limit: int) -> Sequence[OwnedOrder]:
        rows = self._session.all(_GOOD_TILL_PASSED, instant=instant, most=limit)
        return [OwnedOrder(**row) for row in rows]

    def immediate_orders(self, created_before: datetime, limit: int) -> Sequence[OwnedOrder]:
        rows = self._session.all(_IMMEDIATE, created_before=created_before, most=limit)
        return [OwnedOrder(**row) for row in rows]

    def unsent(self, created_before: datetime, limit: int) -> Sequence[OwnedOrder]:
        rows = self._session.all(_UNSENT, created_before=created_before, most=limit)
        return [OwnedOrder(**row) for row in rows]

    def list(self, where: OrderFilter, page: Page) -> Sequence[Order]:
        query = paged(self._filtered(select(orders), where), orders.c.id, page)
        return [_order(row) for row in self._session.built(query)]

    def count(self, where: OrderFilter) -> int:
        counted = self._filtered(select(func.count().label("n")).select_from(orders), where)
        return int(self._session.built(counted)[0]["n"])

    def _filtered(self, query: Select[Any], where: OrderFilter) -> Select[Any]:
        query = query.where(orders.c.owner_id == self._owner_id)
        for name in ("account_id", "position_id", "status"):
            value = getattr(where, name)
            if value is not None:
                query = query.where(orders.c[name] == value)
        return query


def _row(order: Order) -> Row:
    row: Row = {name: getattr(order, name) for name in _STATE}
    row.update((name, getattr(order.terms, name)) for name in _TERMS)
    return row


def _order(row: Row) -> Order:
    terms = {name: row.pop(name) for name in _TERMS}
    terms["side"] = Side(terms["side"])
    terms["type"] = OrderType(terms["type"])
    terms["time_in_force"] = TimeInForce(terms["time_in_force"])
    terms["intent"] = Intent(terms["intent"])
    terms["origin"] = Origin(terms["origin"])
    row["status"] = OrderStatus(row["status"])
    return Order(**row, terms=OrderTerms(**terms))
