"""Orders as the paper venue is told of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from application.simulation.paper_desk import PaperDesk
from application.simulation.paper_gate import PaperDraft
from domain.portfolio.order import Order, TimeInForce
from domain.portfolio.ticket import OrderTicket


def tickets_of(
    order: Order, children: Sequence[Order], draft: PaperDraft, desk: PaperDesk, group_id: str
) -> list[OrderTicket]:
    """The order as the venue is told of it, then its protective orders, in one group."""
    costs = desk.account.costs
    parent = OrderTicket(
        order_id=order.id,
        client_order_id=order.client_order_id,
        account_id=order.account_id,
        instrument=order.instrument,
        side=order.terms.side,
        qty=order.terms.qty,
        tick_size=draft.instrument.tick_size,
        type=order.terms.type,
        time_in_force=order.terms.time_in_force,
        limit_price=order.terms.limit_price,
        stop_price=order.terms.stop_price,
        trail_fraction=draft.request.trail_fraction,
        expires_at=_expiry(order, desk.at),
        reduce_only=order.terms.reduce_only,
        taker_rate=costs.commission_rate,
        maker_rate=costs.commission_rate,
        slippage=costs.slippage,
        leverage=draft.leverage,
    )
    return [parent, *(_child(parent, child, group_id) for child in children)]


def _child(parent: OrderTicket, child: Order, group_id: str) -> OrderTicket:
    return replace(
        parent,
        order_id=child.id,
        client_order_id=child.client_order_id,
        side=child.terms.side,
        type=child.terms.type,
        time_in_force=TimeInForce.GTC,
        limit_price=child.terms.limit_price,
        stop_price=child.terms.stop_price,
        trail_fraction=None,
        expires_at=None,
        reduce_only=True,
        group_id=group_id,
        parent_id=parent.order_id,
    )


def _expiry(order: Order, at: datetime) -> datetime | None:
    """End of the UTC day for DAY, the account's calendar being 24/7; `good_till` for GTD."""
    if order.terms.time_in_force is TimeInForce.DAY:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)
    return order.terms.good_till
