"""What an order's execution or end means for its evaluation row and for the cell's anchor."""

from dataclasses import asdict, replace
from datetime import datetime

from application.portfolio.recording import position_event
from application.ports.unit_of_work import UnitOfWork
from domain.plans.evaluation_row import AnchorFacts, ExecutionFacts, Holdings
from domain.portfolio.apply_fill import anchored
from domain.portfolio.order import Order
from domain.portfolio.position import Position
from domain.shared.decimals import cash, plain
from domain.shared.events import NewEvent


def note_execution(order: Order, position: Position, work: UnitOfWork) -> None:
    """Complete the evaluation that caused the order with what became of it.

    An order that ended without an execution moved neither the anchor nor the holdings; one that
    ended before the anchor was set, and was told of later, left the anchor alone.
    """
    if order.evaluation_id is None:
        return
    evaluation = work.evaluations.get(order.evaluation_id)
    document = dict(evaluation.document)
    document["order"] = {"id": order.id, "status": order.status.value}
    if order.filled_qty:
        document["execution"] = asdict(_execution(order))
    if order.status.is_terminal and order.filled_qty:
        if position.anchor_price == order.avg_fill_price:
            old = document["anchor"]["old"]
            document["anchor"] = asdict(AnchorFacts(old, position.anchor_price, "order_ended"))
        document["impact"] = {**document["impact"], "after": asdict(_holdings(position, order))}
    work.evaluations.save_outcome(replace(evaluation, order_id=order.id, document=document))


def _execution(order: Order) -> ExecutionFacts:
    price = order.avg_fill_price
    assert price is not None
    return ExecutionFacts(order.terms.side, order.filled_qty, price, order.fees, order.status.value)


def _holdings(position: Position, order: Order) -> Holdings:
    price = order.avg_fill_price or position.last_fill_price
    return Holdings(
        qty=position.qty,
        cash=position.cash,
        stock_value=None if price is None else cash(position.qty * price),
        equity=position.equity(price),
        stock_fraction=position.stock_fraction(price),
    )


def anchor_event(before: Position, after: Position, now: datetime, why: str) -> NewEvent:
    """The anchor moved, and why."""
    old, new = before.anchor_price, after.anchor_price
    return position_event(
        "anchor_updated",
        after,
        now,
        f"Anchor {'none' if old is None else plain(old)} → "
        f"{'none' if new is None else plain(new)}: {why}.",
        inputs={"anchor_before": old},
        outputs={"anchor_after": new},
    )


def with_anchor_after_end(position: Position, order: Order, at: datetime) -> Position:
    """A cell's anchor after an order ended with executions: the order's volume-weighted price."""
    after = anchored(position, order, at)
    return after if after is position else replace(after, version=position.version + 1)
