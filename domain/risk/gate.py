"""The one gate: all checks run, every time, and the verdict lists each one in the
registry's order.
"""

from collections.abc import Callable

from domain.risk.checks.conditions import guardrail_band, trading_state
from domain.risk.checks.conduct import daily_order_cap, duplicate_order, unresolved_orders
from domain.risk.checks.size import (
    buying_power,
    instrument_rules,
    inventory,
    max_trade,
    order_quantity,
)
from domain.risk.checks.trade_risk import (
    correlated_risk,
    order_equity_fraction,
    position_share,
    risk_per_trade,
    stop_distance,
    stop_required,
    stop_side,
)
from domain.risk.context import GateContext
from domain.risk.verdict import Asked, Finding, Verdict, verdict_of

Check = Callable[[GateContext], Finding]

CHECKS: tuple[Check, ...] = (
    instrument_rules,
    order_quantity,
    order_equity_fraction,
    position_share,
    correlated_risk,
    risk_per_trade,
    buying_power,
    inventory,
    guardrail_band,
    max_trade,
    daily_order_cap,
    duplicate_order,
    stop_required,
    stop_side,
    stop_distance,
    unresolved_orders,
    trading_state,
)


def judge(context: GateContext) -> Verdict:
    """Run every check; pure, and never raises for a refusable order."""
    findings = tuple([check(context) for check in CHECKS])
    asked = Asked(context.order.qty, context.instrument.lot_step)
    return verdict_of(findings, asked, context.trading_state, context.now)
