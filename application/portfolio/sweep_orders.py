"""Orders whose time is up: DAY at its session's close, GTD at `good_till`, IOC and FOK after 60 s,
unsent after 300 s.

A DAY order belongs to the session during which, or before which, it was made; so all that were
made before the newest close are due, whatever was missed while nobody looked. Of an immediate order
a venue would be asked; of one that is held here nobody can be, so what was not reported as executed
by then counts as not executed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from application.portfolio.end_order import EndOrder
from application.ports.calendars import CalendarTables
from application.ports.order_repositories import OwnedOrder
from application.ports.unit_of_work import UnitOfWork
from domain.market.trading_calendar import TradingCalendar
from domain.portfolio.lifecycle import OrderFact, OrderStatus
from domain.portfolio.trading_day import day_start, session_date
from domain.shared.errors import NotFound, Unavailable

UNSENT_MAX = timedelta(seconds=300)
IMMEDIATE_MAX = timedelta(seconds=60)
NOT_SENT = "not_sent"
SESSION_CLOSED = "session_closed"
GOOD_TILL_PASSED = "good_till_passed"
NOT_FILLED = "not_filled"


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order to end, and by which rule."""

    order: OwnedOrder
    reason: str


class SweepOrders:
    """`due` finds, in one query over every owner; `__call__` ends one, in its owner's command."""

    def __init__(self, end: EndOrder, calendars: CalendarTables) -> None:
        self._end = end
        self._calendars = calendars

    def due(self, work: UnitOfWork, limit: int) -> list[DueOrder]:
        """At most `limit` of each rule, the longest overdue first."""
        now, orders = work.now, work.orders
        due = [DueOrder(order, NOT_SENT) for order in orders.unsent(now - UNSENT_MAX, limit)]
        passed = orders.good_till_passed(now, limit)
        due.extend(DueOrder(order, GOOD_TILL_PASSED) for order in passed)
        immediate = orders.immediate_orders(now - IMMEDIATE_MAX, limit)
        due.extend(DueOrder(order, NOT_FILLED) for order in immediate)
        for calendar in orders.day_calendars():
            closed_at = self._newest_close(calendar, now)
            if closed_at is not None:
                made_before = orders.day_orders(calendar, closed_at, limit)
                due.extend(DueOrder(order, SESSION_CLOSED) for order in made_before)
        return due

    def __call__(self, due: DueOrder, work: UnitOfWork) -> bool:
        """False when the order ended, or was claimed, between the look and this command."""
        order = work.orders.get(due.order.id)
        if order.status.is_terminal:
            return False
        if due.reason != NOT_SENT:
            kind = order.terms.time_in_force.value
            reason = f"{kind}_{NOT_FILLED}" if due.reason == NOT_FILLED else due.reason
            self._end.end(order, OrderFact.EXPIRED, reason, work)
            return True
        if order.status is not OrderStatus.PENDING_SUBMIT or order.deferred_until is not None:
            return False
        self._end.end(order, OrderFact.CANCEL_CONFIRMED, NOT_SENT, work)
        return True

    def _newest_close(self, calendar: str, now: datetime) -> datetime | None:
        """Local midnight where no table tells the close; None while the table cannot be read."""
        try:
            table = self._calendars.calendar(calendar)
        except NotFound:
            return day_start(calendar, now)
        except Unavailable:
            return None
        if not _covers(table, calendar, now):
            return day_start(calendar, now)
        closed = table.last_closed(now)
        return None if closed is None else closed.closes_at


def _covers(table: TradingCalendar, calendar: str, now: datetime) -> bool:
    return table.first_day <= session_date(calendar, now) <= table.last_day
