"""Checks on the state around an order: the cell's band and the account's trading state."""

from decimal import Decimal

from domain.plans.band_rule import (
    buy_to_fraction_qty,
    commission,
    is_allowed_by_band,
    sell_to_fraction_qty,
    stock_fraction_after,
)
from domain.plans.plan import stock_fraction
from domain.risk.checks.size import not_applicable, passed_if
from domain.risk.context import GateContext
from domain.risk.verdict import CheckStatus, Finding
from domain.shared.decimals import ZERO, fraction
from domain.shared.side import Side


def guardrail_band(context: GateContext) -> Finding:
    """Stock fraction after the order inside the plan's band, or strictly closer on the same side.

    Open orders on the order's side count as filled at the reference price, so two orders never
    use the same room. The same rule books fills. It binds buys and sells of a cell alike, because
    selling leaves a band just as buying does; only a close is exempt.
    """
    plan, price = context.position.plan, context.reference.value
    if plan is None:
        return not_applicable("guardrail_band", "no_plan")
    if context.order.is_close:
        return not_applicable("guardrail_band", "close")
    if price is None:
        return not_applicable("guardrail_band", "no_price")
    order = context.order
    qty, cash_amount = _with_open_orders(context, price)
    before = stock_fraction(qty, cash_amount, price)
    fee = commission(order.qty, price, order.commission_rate)
    after = stock_fraction_after(qty, cash_amount, order.side, order.qty, price, fee)
    buys = order.side is Side.BUY
    return Finding(
        "guardrail_band",
        passed_if(is_allowed_by_band(plan.band, before, after)),
        limit_key="band.max" if buys else "band.min",
        limit=plan.band.max if buys else plan.band.min,
        before=None if before is None else fraction(before),
        used=None if after is None else fraction(after),
        unit="fraction",
        source="plan",
        data_quality=context.reference.quality,
        quantity_max=_largest_within_band(context, price),
        is_floor=not buys,
    )


def _with_open_orders(context: GateContext, price: Decimal) -> tuple[Decimal, Decimal]:
    position, buys = context.position, context.order.side is Side.BUY
    change = position.open_buys_qty if buys else -position.open_sells_qty
    return position.qty + change, position.effective_cash - change * price


def _largest_within_band(context: GateContext, price: Decimal) -> Decimal:
    plan, order = context.position.plan, context.order
    assert plan is not None
    qty, cash_amount = _with_open_orders(context, price)
    equity = qty * price + cash_amount
    reach = buy_to_fraction_qty if order.side is Side.BUY else sell_to_fraction_qty
    bound = plan.band.max if order.side is Side.BUY else plan.band.min
    return max(ZERO, reach(equity, qty, price, bound, order.commission_rate))


def trading_state(context: GateContext) -> Finding:
    """No hold covers the order: only `active` takes new risk; reducing orders always pass."""
    if context.is_reducing:
        return not_applicable("trading_state", "reducing")
    state = context.trading_state
    return Finding(
        "trading_state",
        CheckStatus.PASSED if state == "active" else CheckStatus.FAILED,
        source="account",
        reason=None if state == "active" else state,
    )
