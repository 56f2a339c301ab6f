"""Close a trade by hand, in whole or in part, and delete one that nothing filled."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from application.market.register_instrument import instrument_id
from application.portfolio.end_order import EndOrder
from application.portfolio.exit_rules import exit_rules
from application.portfolio.recording import Claims, plan_view, position_event
from application.portfolio.running_worth import Change
from application.portfolio.submit_order import Submitted
from application.portfolio.trade_events import closed_event, step_events, step_rows
from application.portfolio.trade_orders import TradeOrders
from application.portfolio.trade_report import TradeReport, report_of
from application.portfolio.trade_rows import Row, TradeMoment
from application.portfolio.trade_sessions import trade_calendar
from application.portfolio.update_regime_position import trade_plan
from application.portfolio.views import newest_price
from application.ports.calendars import CalendarTables
from application.ports.prices import Prices
from application.ports.unit_of_work import UnitOfWork
from application.risk.effective_configuration import desktop_configuration
from domain.plans.regime_exit import ManualClose, close_by_hand
from domain.portfolio.position import Position, PositionStatus
from domain.shared.decimals import ONE
from domain.shared.errors import BadInput, Conflict, Defect, NotFound

MARK_AGE_MAX = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class TradeClose:
    """`fraction` of what is left; without a price, a mark of the last minute."""

    price: Decimal | None = None
    fraction: Decimal = ONE
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ClosedByHand:
    """The trade after the exit, and the order that made it."""

    report: TradeReport
    submitted: Submitted


class CloseTrade:
    """Conflict `position_closed`; BadInput `no_price` without a price and a fresh mark; Invalid
    `size_below_minimum` when the fraction holds no whole lot.
    """

    def __init__(self, calendars: CalendarTables, prices: Prices, orders: TradeOrders) -> None:
        self._calendars = calendars
        self._prices = prices
        self._orders = orders

    def of_symbol(self, symbol: str, request: TradeClose, work: UnitOfWork) -> ClosedByHand:
        """The open trade of the main account in the symbol; NotFound `position_not_found`."""
        return self(live_trade(symbol, work).id, request, work)

    def __call__(self, position_id: str, request: TradeClose, work: UnitOfWork) -> ClosedByHand:
        position = work.positions.get(position_id)
        plan = trade_plan(position)
        calendar = trade_calendar(position.calendar, self._calendars, work.now)
        price = request.price if request.price is not None else self._mark(position, work)
        wanted = ManualClose(price, request.fraction, request.reason or "manual_close")
        decision = close_by_hand(plan, plan_view(position, Claims()), wanted)
        rules = exit_rules(desktop_configuration(work))
        moment = TradeMoment(calendar.today, work.now)
        sold = self._orders.leave(position, decision.actions, rules, work.now, work)
        if sold.last is None:
            raise Defect("nothing_sold", "A close by hand sold nothing.")
        after = replace(
            sold.position,
            plan=decision.plan,
            mark_price=price,
            marked_at=work.now,
            version=sold.position.version + 1,
        )
        work.positions.save(after)
        self._orders.touch(Change(position, after), work)
        days_held = calendar.sessions_after(plan.entry_session, moment.session)
        rows = step_rows(after, decision.actions, sold.exits, moment)
        inputs: Row = {
            "price": request.price,
            "fraction": request.fraction,
            "reason": request.reason,
        }
        events = step_events(after, rows, inputs, work)
        if decision.position_closed:
            events.append(closed_event(after, moment, days_held, work))
        work.events.append(events)
        return ClosedByHand(report_of(after, rows, days_held, moment), sold.last)

    def _mark(self, position: Position, work: UnitOfWork) -> Decimal:
        price = newest_price(position, self._prices, work.now)
        if price is None or price.age_s > MARK_AGE_MAX.total_seconds():
            raise BadInput("no_price", "Send a price: no mark of the last 60 seconds is known.")
        return price.value


class DeleteTrade:
    """Take back an entry that nothing filled: its orders end, the record is closed.

    Conflict `position_has_fills` once anything was executed.
    """

    def __init__(self, end: EndOrder) -> None:
        self._end = end

    def of_symbol(self, symbol: str, work: UnitOfWork) -> Position:
        """The open trade of the main account in the symbol; NotFound `position_not_found`."""
        position = live_trade(symbol, work)
        if position.last_executed_at is not None:
            raise Conflict(
                "position_has_fills",
                f"The position in {position.instrument} was filled; close it instead.",
            )
        for order in work.orders.open_of(position.id):
            self._end.cancel(order.id, work)
        current = work.positions.get(position.id)
        deleted = replace(
            current,
            status=PositionStatus.CLOSED,
            closed_at=work.now,
            version=current.version + 1,
        )
        work.positions.save(deleted)
        event = position_event(
            "position_closed",
            deleted,
            work.now,
            f"{deleted.instrument}: deleted before anything was filled.",
            outputs={"status": deleted.status.value, "reason": "deleted"},
        )
        work.events.append([event])
        return deleted


def live_trade(symbol: str, work: UnitOfWork) -> Position:
    """The open trade of the main account in the symbol; NotFound `position_not_found`."""
    instrument = instrument_id(symbol)
    live = work.positions.live_trade(work.accounts.main().id, instrument)
    if live is None:
        raise NotFound("position_not_found", f"No position in {instrument} is open.")
    return live
