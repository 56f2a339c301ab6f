"""The one gate: all checks run, every time, and the verdict lists each one in the
registry's order.
"""

from collections.abc import Callable
from decimal import Decimal

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
from domain.risk.verdict import Finding, Verdict
from domain.shared.decimals import ZERO, quantity_to_step

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
    findings = tuple(check(context) for check in CHECKS)
    return Verdict(
        findings=findings,
        adjusted_quantity=_adjusted_quantity(context, findings),
        trading_state=context.trading_state,
        as_of=context.now,
    )


def _adjusted_quantity(context: GateContext, findings: tuple[Finding, ...]) -> Decimal | None:
    """Largest step multiple that every quantity-dependent check passes; null when another check
    fails.
    """
    if any(f.refuses and f.quantity_max is None for f in findings):
        return None
    bounds = [f.quantity_max for f in findings if f.quantity_max is not None]
    largest = min([context.order.qty, *bounds])
    stepped = quantity_to_step(largest, context.instrument.lot_step)
    return stepped if stepped > ZERO else None
