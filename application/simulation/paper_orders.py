"""Positions and orders on paper: how they begin and how an order ends without a fill."""

from dataclasses import replace

from application.ports.ids import Ids
from application.ports.simulation import StoredTicket
from application.ports.unit_of_work import UnitOfWork
from application.simulation.recording import paper_event
from application.simulation.simulation_ids import SimulationIds
from domain.portfolio.account import Account
from domain.portfolio.lifecycle import OrderFact
from domain.portfolio.margin_fill import release_margin
from domain.portfolio.order import Order
from domain.portfolio.position import Position, PositionStatus
from domain.portfolio.simulation_run import SimulationRun
from domain.portfolio.ticket import RestingOrder
from domain.shared.decimals import ZERO, plain
from domain.shared.ids import Prefix

PAPER_VENUE = "paper"


def new_position(
    account: Account, run: SimulationRun, instrument: str, ids: SimulationIds, work: UnitOfWork
) -> Position:
    """A pending position: it opens with its first fill."""
    position = Position(
        id=ids.new(Prefix.POSITION),
        owner_id=run.owner_id,
        account_id=run.id,
        instrument=instrument,
        currency=account.base_currency,
        calendar=account.calendar,
        venue=PAPER_VENUE,
        is_cell=False,
        status=PositionStatus.PENDING,
        opened_at=work.now,
    )
    work.simulation.positions.add(position)
    return position


def close_unopened(position_id: str, work: UnitOfWork) -> None:
    """A position that was made for an order which was refused never waits for a fill."""
    position = work.simulation.positions.get(position_id)
    work.simulation.positions.save(
        replace(
            position,
            status=PositionStatus.CLOSED,
            closed_at=work.now,
            version=position.version + 1,
        )
    )


class EndPaperOrder:
    """Moves a live order to its end and gives back the margin it holds."""

    def __init__(self, ids: Ids) -> None:
        self._ids = SimulationIds(ids)

    def __call__(
        self, order: Order, fact: OrderFact, reason: str, run: SimulationRun, work: UnitOfWork
    ) -> Order:
        book = work.simulation
        position = book.positions.get(order.position_id)
        ended = order.moved(fact, work.now, reason=reason)
        if fact is OrderFact.REFUSED:
            ended = replace(ended, rejected_by="venue")
        if fact is OrderFact.CANCEL_CONFIRMED:
            ended = replace(ended, cancel_requested_at=work.now)
        balances = book.ledger.balances(*position.holders)
        transfers = release_margin(
            order, position, work.now, lambda: self._ids.new(Prefix.TRANSFER)
        )
        balances.apply(transfers, on_margin=True)
        ended = replace(ended, reserved=None if order.reserved is None else ZERO)
        book.orders.save(ended)
        book.ledger.post(transfers, balances)
        paper_event(
            _ENDINGS[fact],
            position.id,
            run,
            work,
            f"Order ended with {plain(ended.filled_qty)} of {plain(ended.terms.qty)} filled.",
            inputs={"order_id": order.id, "reason": reason},
            outputs={"status": ended.status.value, "filled_qty": ended.filled_qty},
        )
        return ended

    def archive(self, resting: RestingOrder, run: SimulationRun, work: UnitOfWork) -> None:
        """Cancel an order of a run that ends for good."""
        order = work.simulation.orders.get(resting.ticket.order_id)
        if not order.status.is_terminal:
            self(order, OrderFact.CANCEL_CONFIRMED, "run_archived", run, work)
        work.simulation.tickets.put(run.id, [StoredTicket(resting, ended_at=work.now)])


_ENDINGS = {
    OrderFact.CANCEL_CONFIRMED: "order_cancelled",
    OrderFact.EXPIRED: "order_expired",
    OrderFact.REFUSED: "order_refused",
}
