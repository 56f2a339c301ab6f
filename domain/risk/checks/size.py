"""Checks on quantity, cash and shares."""

from decimal import ROUND_DOWN, Decimal
from functools import lru_cache

from domain.risk.context import GateContext
from domain.risk.verdict import CheckStatus, Finding, Severity
from domain.shared.decimals import ONE, ZERO, divide
from domain.shared.side import Side


def passed_if(condition: bool) -> CheckStatus:
    """PASSED or FAILED."""
    return CheckStatus.PASSED if condition else CheckStatus.FAILED


@lru_cache(maxsize=256)
def not_applicable(code: str, reason: str) -> Finding:
    """A check that has nothing to judge here."""
    return Finding(code, CheckStatus.NOT_APPLICABLE, reason=reason)


def instrument_rules(context: GateContext) -> Finding:
    """Quantity is a positive whole multiple of the instrument's step, or all that is held."""
    step, qty = context.instrument.lot_step, context.order.qty
    is_remainder = context.is_reducing and qty == abs(context.position.qty)
    fits = qty > 0 and (qty % step == 0 or is_remainder)
    return Finding(
        "instrument_rules",
        passed_if(fits),
        limit_key="lot_step",
        limit=step,
        unit="quantity",
        source="instrument",
        reason=None if fits else "not_a_multiple_of_step",
    )


def order_quantity(context: GateContext) -> Finding:
    """Quantity of one order ≤ `max_order_quantity`; a reducing order at most the position."""
    limit = abs(context.position.qty) if context.is_reducing else context.limits.max_order_quantity
    allowed = limit is None or context.order.qty <= limit
    return Finding(
        "order_quantity",
        passed_if(allowed),
        limit_key="max_order_quantity",
        limit=limit,
        used=context.order.qty,
        unit="quantity",
        source="position" if context.is_reducing else "account",
        quantity_max=limit,
    )


def buying_power(context: GateContext) -> Finding:
    """A BUY's whole reservation (price · quantity · (1 + fee)) ≤ cash not yet reserved."""
    order, position = context.order, context.position
    if order.side is Side.SELL:
        return not_applicable("buying_power", "sell")
    if order.needs_cash is None:
        return not_applicable("buying_power", "no_price")
    unit_cost = divide(order.needs_cash, order.qty)
    step = context.instrument.lot_step
    affordable = divide(position.free_cash, unit_cost) if unit_cost else None
    return Finding(
        "buying_power",
        passed_if(order.needs_cash <= position.free_cash),
        limit=position.free_cash,
        used=order.needs_cash,
        unit="cash",
        source="position" if position.is_cell else "account",
        data_quality=context.reference.quality,
        quantity_max=None if affordable is None else _down(affordable, step),
    )


def inventory(context: GateContext) -> Finding:
    """A SELL ≤ shares that no other open order holds: two orders never sell the same shares."""
    if context.order.side is Side.BUY:
        return not_applicable("inventory", "buy")
    return Finding(
        "inventory",
        passed_if(context.order.qty <= context.position.free_qty),
        limit=context.position.free_qty,
        before=context.position.open_sells_qty,
        used=context.order.qty,
        unit="quantity",
        source="position",
        quantity_max=context.position.free_qty,
    )


def max_trade(context: GateContext) -> Finding:
    """Notional ≤ `max_trade_fraction` of equity; soft, because a person may decide otherwise."""
    plan, price = context.position.plan, context.reference.value
    if plan is None:
        return not_applicable("max_trade", "no_plan")
    if price is None:
        return not_applicable("max_trade", "no_price")
    equity = context.position.qty * price + context.position.effective_cash
    if equity <= ZERO:
        return not_applicable("max_trade", "no_equity")
    used = divide(context.order.qty * price, equity).quantize(Decimal("1e-10"))
    within = used <= plan.max_trade_fraction
    return Finding(
        "max_trade",
        CheckStatus.PASSED if within else CheckStatus.WARNING,
        Severity.SOFT,
        limit_key="max_trade_fraction",
        limit=plan.max_trade_fraction,
        used=used,
        unit="fraction",
        source="plan",
        data_quality=context.reference.quality,
        reason=None if within else "larger_than_one_trade",
    )


def _down(value: Decimal, step: Decimal) -> Decimal:
    return (
        divide(value, step).to_integral_value(rounding=ROUND_DOWN) * step if step else value * ONE
    )
