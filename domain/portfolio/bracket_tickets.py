"""The two children of a bracket's entry as orders: reduce-only, one cancels the other, as large as
what the entry has filled.
"""

from dataclasses import replace

from domain.plans.bracket import BracketPlan
from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.ticket import OrderTicket
from domain.shared.errors import Defect


def bracket_children(
    plan: BracketPlan, entry: OrderTicket, client_order_ids: tuple[str, str]
) -> tuple[OrderTicket, ...]:
    """Stop, and target if the plan has one, for the entry's ticket.

    Order ids come from the plan, client order ids in the order (stop, target). A plan that trails
    has a trailing stop that starts no looser than its stop. Defect `bracket_without_ids` when the
    plan names no order id.
    """
    child = replace(
        entry,
        side=plan.exit_side,
        time_in_force=TimeInForce.GTC,
        expires_at=None,
        limit_price=None,
        stop_price=None,
        trail_fraction=None,
        reduce_only=True,
        group_id=entry.order_id,
        parent_id=entry.order_id,
    )
    is_trailing = plan.trailing_fraction is not None
    stop = replace(
        child,
        order_id=_named(plan.stop_order_id),
        client_order_id=client_order_ids[0],
        type=OrderType.TRAILING_STOP if is_trailing else OrderType.STOP_MARKET,
        stop_price=plan.stop,
        trail_fraction=plan.trailing_fraction,
    )
    if plan.take_profit is None:
        return (stop,)
    target = replace(
        child,
        order_id=_named(plan.target_order_id),
        client_order_id=client_order_ids[1],
        type=OrderType.LIMIT,
        limit_price=plan.take_profit,
    )
    return stop, target


def _named(order_id: str | None) -> str:
    if order_id is None:
        raise Defect("bracket_without_ids", "A bracket's children have ids before they are sent.")
    return order_id
