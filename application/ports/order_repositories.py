"""Orders and fills of the owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from application.ports.repositories import Page
from domain.portfolio.fill import Fill
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Order
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Equality filters; None does not filter."""

    account_id: str | None = None
    position_id: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """What an order that has not ended still claims: the part the gate and the ledger need."""

    id: str
    side: Side
    status: OrderStatus
    remaining_qty: Decimal
    reserved: Decimal | None


@dataclass(frozen=True, slots=True)
class OwnedOrder:
    """An order by name, with whose it is."""

    id: str
    owner_id: str


class Orders(Protocol):
    """Orders of the owner; what sweeps ask for is told of every owner."""

    def get(self, order_id: str) -> Order: ...
    def add(self, order: Order) -> None:
        """Conflict `automatic_order_in_flight` for a second open order of origin plan."""
        ...

    def save(self, order: Order) -> None: ...
    def open_of(self, position_id: str) -> Sequence[Order]:
        """Orders of the position that are not terminal."""
        ...

    def claims_of(self, position_id: str) -> Sequence[OpenOrder]:
        """The same orders, reduced to what they claim."""
        ...

    def accepted_between(self, position_id: str, since: datetime, until: datetime) -> int:
        """Orders created from `since` to `until`, both included, not rejected and not cancelled
        unfilled: the daily cap counts them.
        """
        ...

    def last_similar_at(self, order: Order, since: datetime) -> datetime | None:
        """When the newest order with the same position, side, type, quantity and prices
        was made.
        """
        ...

    def client_order_id_exists(self, client_order_id: str) -> bool:
        """Whether any order, of any owner, ended ones included, bears the id."""
        ...

    def day_calendars(self) -> Sequence[str]:
        """Calendars of the positions in which DAY orders are open; every owner's."""
        ...

    def day_orders(
        self, calendar: str, created_before: datetime, limit: int
    ) -> Sequence[OwnedOrder]:
        """Open DAY orders on the calendar, oldest first; every owner's, venues held here only."""
        ...

    def good_till_passed(self, instant: datetime, limit: int) -> Sequence[OwnedOrder]:
        """Open GTD orders with `good_till` <= instant, oldest end first; as above."""
        ...

    def immediate_orders(self, created_before: datetime, limit: int) -> Sequence[OwnedOrder]:
        """Open IOC and FOK orders that were due to execute before the instant, oldest first; as
        above.
        """
        ...

    def unsent(self, created_before: datetime, limit: int) -> Sequence[OwnedOrder]:
        """Orders nobody claimed and that wait for no session, oldest first; every owner's."""
        ...

    def list(self, where: OrderFilter, page: Page) -> Sequence[Order]: ...
    def count(self, where: OrderFilter) -> int: ...


class Fills(Protocol):
    """Fills of the owner's orders."""

    def add(self, fill: Fill) -> None: ...
    def of_position(self, position_id: str) -> Sequence[Fill]: ...
    def page_of_position(self, position_id: str, page: Page) -> Sequence[Fill]: ...
    def page_of_account(self, venue: str, account_id: str, page: Page) -> Sequence[Fill]:
        """The account's executions at the venue, by id."""
        ...

    def by_external_id(self, venue: str, account_id: str, external_id: str) -> Fill | None: ...
    def restate(self, realized_by_id: Mapping[str, Decimal | None]) -> None:
        """Correct realised P&L of fills that an out-of-order execution revalued."""
        ...
