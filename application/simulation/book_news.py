"""Books what a paper market reports: executions through the one apply path, order facts on orders.

Called inside the transaction of whatever made the market move; the market's own memory of its
orders is stored beside.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from application.simulation.carry_orders import CarryOrders
from application.simulation.note_trip import Booked, note_trip
from application.simulation.paper_desk import PaperDesk, live_position, remember
from application.simulation.paper_orders import PAPER_VENUE, EndPaperOrder, new_position
from application.simulation.paper_stop import stop_plan
from application.simulation.recording import paper_event
from application.simulation.simulation_ids import SimulationIds
from domain.portfolio.account import Costs
from domain.portfolio.execution import Execution, News, OrderReport, ReportKind, ReportReason
from domain.portfolio.fill import Fill
from domain.portfolio.lifecycle import OrderFact, OrderStatus
from domain.portfolio.margin_fill import MarginBooking, apply_margin_fill
from domain.portfolio.order import Intent, Order, OrderTerms, OrderType, Origin
from domain.portfolio.position import Position, PositionStatus
from domain.portfolio.simulation_run import SimulationRun
from domain.portfolio.stop_plan import StopPlan
from domain.portfolio.ticket import OrderTicket
from domain.shared.decimals import ZERO, plain
from domain.shared.ids import Prefix


class BookNews:
    """Answers the notional that was executed."""

    def __init__(self, ids: Ids, end_order: EndPaperOrder) -> None:
        self._ids = SimulationIds(ids)
        self._end = end_order
        self._carry = CarryOrders(ids)

    def __call__(
        self,
        news: Sequence[News],
        desk: PaperDesk,
        work: UnitOfWork,
        tickets: Sequence[OrderTicket] = (),
    ) -> Decimal:
        """`tickets` are orders the market heard of in this call, beside those it knew."""
        told = list(news)
        notional = self._tell(told, desk, tickets, work)
        is_traded = any(isinstance(item, Execution) for item in told)
        while refused := self._carry(desk, work, is_traded=is_traded):
            self._tell(refused, desk, tickets, work)
            told += refused
        for order_id in remember(desk, told, tickets, work):
            order = work.simulation.orders.get(order_id)
            if not order.status.is_terminal:
                # Cut to the position: it ends with less than it asked for.
                why = order.reason or ReportReason.REDUCE_ONLY.value
                self._end(order, OrderFact.CANCEL_CONFIRMED, why, desk.run, work)
        return notional

    def _tell(
        self,
        news: Sequence[News],
        desk: PaperDesk,
        tickets: Sequence[OrderTicket],
        work: UnitOfWork,
    ) -> Decimal:
        notional = ZERO
        for item in news:
            if isinstance(item, Execution):
                self._execute(item, desk, [*tickets, *(r.ticket for r in desk.resting)], work)
                notional += item.qty * item.price
            else:
                self._report(item, desk, work)
        return notional

    def _execute(
        self,
        execution: Execution,
        desk: PaperDesk,
        tickets: Sequence[OrderTicket],
        work: UnitOfWork,
    ) -> None:
        book, run = work.simulation, desk.run
        position = live_position(run, desk.instrument, work)
        if position is None:
            position = new_position(desk.account, run, desk.instrument, self._ids, work)
        order = self._order_of(execution, position, work)
        if position.status is PositionStatus.PENDING:
            position = replace(position, status=PositionStatus.OPEN)
        trip = book.trips.open_of(position.id)
        order_leverage = _leverage(order, tickets)
        leverage = trip.leverage if trip else order_leverage or 1
        balances = book.ledger.balances(*position.holders)
        outcome = apply_margin_fill(
            position,
            order,
            self._fill(execution, order, position, work),
            MarginBooking(
                balances=balances,
                leverage=leverage,
                history=lambda: [fill.entry() for fill in book.fills.of_position(position.id)],
                new_id=lambda: self._ids.new(Prefix.TRANSFER),
                order_leverage=order_leverage,
            ),
        )
        book.fills.add(outcome.fill)
        book.fills.restate(outcome.restated)
        book.orders.save(outcome.order)
        book.positions.save(outcome.position)
        book.ledger.post(outcome.transfers, balances)
        stop = _stop_of(order, tickets)
        opening = order_leverage or leverage
        booked = Booked(run.id, position, outcome, execution, opening, stop)
        note_trip(booked, self._ids, work)
        _announce(booked, run, work)

    def _order_of(self, execution: Execution, position: Position, work: UnitOfWork) -> Order:
        if execution.order_id is not None:
            return work.simulation.orders.get(execution.order_id)
        # A liquidation has no order of anybody's: the breaker's is made for the book.
        order = Order(
            id=self._ids.new(Prefix.ORDER),
            client_order_id=self._ids.new(Prefix.CLIENT_ORDER),
            owner_id=position.owner_id,
            account_id=position.account_id,
            position_id=position.id,
            instrument=position.instrument,
            venue=PAPER_VENUE,
            terms=OrderTerms(
                side=execution.side,
                qty=execution.qty,
                reduce_only=True,
                intent=Intent.CLOSE,
                origin=Origin.BREAKER,
            ),
            status=OrderStatus.WORKING,
            created_at=work.now,
            updated_at=work.now,
            reason=execution.reason.value,
        )
        work.simulation.orders.add(order)
        return order

    def _fill(
        self, execution: Execution, order: Order, position: Position, work: UnitOfWork
    ) -> Fill:
        # The market tells executions in their order; time and tie-break keep the book in it.
        last = position.last_executed_at or execution.executed_at
        return Fill(
            id=self._ids.new(Prefix.FILL),
            order_id=order.id,
            position_id=position.id,
            account_id=position.account_id,
            owner_id=position.owner_id,
            venue=PAPER_VENUE,
            side=execution.side,
            qty=execution.qty,
            price=execution.price,
            fee=execution.fee,
            fee_currency=position.currency,
            executed_at=max(execution.executed_at, last),
            recorded_at=work.now,
            external_id=f"{position.version:08d}:{position.id}:{execution.external_id}",
            liquidity=execution.liquidity,
        )

    def _report(self, report: OrderReport, desk: PaperDesk, work: UnitOfWork) -> None:
        order = work.simulation.orders.get(report.order_id)
        fact = report.kind.fact
        reason = _reason(report, order)
        if fact is OrderFact.ACCEPTED:
            claimed = order.moved(OrderFact.CLAIMED, work.now)
            work.simulation.orders.save(claimed)
            work.simulation.orders.save(claimed.moved(OrderFact.ACCEPTED, work.now))
        elif fact is not None and not order.status.is_terminal:
            self._end(order, fact, reason or fact.value, desk.run, work)
        elif report.reason in _CUTS and not order.status.is_terminal:
            work.simulation.orders.save(
                replace(order, reason=reason, updated_at=work.now, version=order.version + 1)
            )
        elif report.kind is ReportKind.TRIGGERED:
            paper_event(
                "order_triggered",
                order.position_id,
                desk.run,
                work,
                f"The stop of {order.id} was reached.",
                inputs={"order_id": order.id},
                outputs={"stop_price": report.stop_price},
            )


_STOPS = (OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_CUTS = (ReportReason.REDUCE_ONLY, ReportReason.OCO)


def _reason(report: OrderReport, order: Order) -> str | None:
    """What cut the order is also why it ends with less than it asked for; the market, which keeps
    no reasons, says only that nothing more can come from its parent then.
    """
    if report.reason is ReportReason.PARENT_ENDED and order.reason in _CUTS:
        return order.reason
    return None if report.reason is None else report.reason.value


def _leverage(order: Order, tickets: Sequence[OrderTicket]) -> int | None:
    return next((t.leverage for t in tickets if t.order_id == order.id), None)


def _stop_of(order: Order, tickets: Sequence[OrderTicket]) -> StopPlan | None:
    """The stop that protects what this order opens."""
    children = (t for t in tickets if t.parent_id == order.id and t.type in _STOPS)
    return next(
        (
            stop_plan(t.side, t.stop_price, Costs(t.taker_rate, t.slippage), t.tick_size)
            for t in children
            if t.stop_price is not None
        ),
        None,
    )


def _announce(booked: Booked, run: SimulationRun, work: UnitOfWork) -> None:
    fill, order = booked.outcome.fill, booked.outcome.order
    after, execution = booked.outcome.position, booked.execution
    ended = order.status is OrderStatus.FILLED
    paper_event(
        "order_filled" if ended else "order_partially_filled",
        after.id,
        run,
        work,
        f"{fill.side} {plain(fill.qty)} at {plain(fill.price)}, fee {plain(fill.fee)}.",
        inputs={
            "order_id": order.id,
            "fill_id": fill.id,
            "side": fill.side.value,
            "price": fill.price,
            "qty": fill.qty,
            "fee": fill.fee,
            "slippage": execution.slippage,
            "rule": execution.reason.value,
            "external_id": fill.external_id,
        },
        outputs={
            "order_status": order.status.value,
            "filled_qty": order.filled_qty,
            "position_qty": after.qty,
            "realized_pnl": fill.realized_pnl,
        },
    )
