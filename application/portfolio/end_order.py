"""Cancel an order: a request, granted at once where nothing was sent to a venue."""

from dataclasses import dataclass, replace

from application.portfolio.order_outcome import (
    anchor_event,
    note_execution,
    with_anchor_after_end,
)
from application.portfolio.recording import (
    Claims,
    position_event,
    require_sound_reservations,
    transfer_ids,
)
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.apply_fill import release_reservation
from domain.portfolio.lifecycle import OrderFact
from domain.portfolio.order import Order
from domain.shared.decimals import ZERO, plain


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The order after the request; `cancelled` is false when it had already ended."""

    order: Order
    cancelled: bool


class EndOrder:
    """Ends an order of the manual venue by a fact (cancel confirmed, expired) and frees
    its hold.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def cancel(self, order_id: str, work: UnitOfWork) -> Cancelled:
        """Cancel; a terminal order answers `cancelled: false` with its status."""
        order = work.orders.get(order_id)
        if order.status.is_terminal:
            return Cancelled(order, cancelled=False)
        return Cancelled(self.end(order, OrderFact.CANCEL_CONFIRMED, "user_request", work), True)

    def end(self, order: Order, fact: OrderFact, reason: str, work: UnitOfWork) -> Order:
        """Move a live order to its end, void what it holds, move the anchor if it had
        executions.
        """
        position = work.positions.get(order.position_id)
        ended = order.moved(fact, work.now, reason=reason)
        if fact is OrderFact.CANCEL_CONFIRMED:
            ended = replace(ended, cancel_requested_at=work.now)
        balances = work.ledger.balances(*position.holders)
        transfers = release_reservation(order, position, work.now, transfer_ids(self._ids))
        balances.apply(transfers)
        ended = replace(ended, reserved=None if order.reserved is None else ZERO)
        work.orders.save(ended)
        work.ledger.post(transfers, balances)
        after = with_anchor_after_end(position, ended, work.now)
        kind = "order_cancelled" if fact is OrderFact.CANCEL_CONFIRMED else "order_expired"
        events = [
            position_event(
                kind,
                position,
                work.now,
                f"Order ended with {plain(ended.filled_qty)} of {plain(ended.terms.qty)} filled.",
                inputs={"order_id": order.id, "reason": reason},
                outputs={"status": ended.status.value, "filled_qty": ended.filled_qty},
            )
        ]
        if after is not position:
            work.positions.save(after)
            events.append(anchor_event(position, after, work.now, "the order ended"))
        note_execution(ended, after, work)
        require_sound_reservations(after, Claims.of(work.orders.claims_of(position.id)), balances)
        work.events.append(events)
        return ended
