"""Checks on how orders are sent: how many, how often, twice, and whether anything is unresolved."""

from decimal import Decimal

from domain.risk.checks.size import not_applicable, passed_if
from domain.risk.context import GateContext
from domain.risk.verdict import CheckStatus, Finding, Severity


def daily_order_cap(context: GateContext) -> Finding:
    """Accepted orders of the position on its trading day < `max_orders_per_day`; a close
    is exempt.
    """
    plan = context.position.plan
    if plan is None:
        return not_applicable("daily_order_cap", "no_plan")
    if context.order.is_close:
        return not_applicable("daily_order_cap", "close")
    count = context.counters.orders_today
    return Finding(
        "daily_order_cap",
        passed_if(count < plan.max_orders_per_day),
        limit_key="max_orders_per_day",
        limit=Decimal(plan.max_orders_per_day),
        before=Decimal(count),
        used=Decimal(count + 1),
        unit="orders",
        source="plan",
    )


def duplicate_order(context: GateContext) -> Finding:
    """A client order id is never used twice; the same order again within the window warns or
    blocks.
    """
    counters, limits = context.counters, context.limits
    if counters.client_order_id_exists:
        return Finding("duplicate_order", CheckStatus.FAILED, reason="duplicate_client_order_id")
    age_s = counters.similar_order_age_s
    if age_s is None or age_s > limits.duplicate_window_s:
        return Finding("duplicate_order", CheckStatus.PASSED)
    blocks = limits.duplicate_policy == "block" and not context.order.confirm_duplicate
    return Finding(
        "duplicate_order",
        CheckStatus.FAILED if blocks else CheckStatus.WARNING,
        Severity.HARD if blocks else Severity.SOFT,
        limit_key="duplicate_window_seconds",
        limit=limits.duplicate_window_s,
        used=age_s,
        unit="seconds",
        source="account",
        reason="confirmed" if context.order.confirm_duplicate else "same_order_within_window",
    )


def unresolved_orders(context: GateContext) -> Finding:
    """No order of this instrument is `unknown`; reducing orders pass all the same."""
    if context.is_reducing:
        return not_applicable("unresolved_orders", "reducing")
    count = context.counters.unresolved_orders
    return Finding(
        "unresolved_orders",
        passed_if(count == 0),
        limit=Decimal(0),
        used=Decimal(count),
        unit="orders",
        source="account",
    )
