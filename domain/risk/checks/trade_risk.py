"""Checks on a trade that carries its own stop: its share of the account and its loss at the stop.

They use the size function's own R and equity, so what was sized within the limits passes, and what
somebody asks for directly is held to the same limits.
"""

from dataclasses import dataclass
from decimal import Decimal

from domain.risk.checks.size import not_applicable, passed_if
from domain.risk.context import GateContext, TradeFacts
from domain.risk.verdict import Finding
from domain.shared.decimals import ONE, ZERO, divide, fraction, quantity_to_step


@dataclass(frozen=True, slots=True)
class _Limit:
    key: str
    value: Decimal
    per_share: Decimal
    before: Decimal = ZERO


def order_equity_fraction(context: GateContext) -> Finding:
    """Notional of the order / equity ≤ `max_order_equity_fraction`."""
    trade = _judged(context)
    if trade is None:
        return _skipped("order_equity_fraction", context)
    limit = _Limit("max_order_equity_fraction", trade.limits.max_position_size, trade.entry)
    return _within("order_equity_fraction", context, trade, limit)


def position_share(context: GateContext) -> Finding:
    """(held outside cells + order) · price / equity ≤ `max_position_share`."""
    trade = _judged(context)
    if trade is None:
        return _skipped("position_share", context)
    share, held = trade.limits.position_concentration_limit, trade.held_qty * trade.entry
    limit = _Limit("max_position_share", share, trade.entry, held)
    return _within("position_share", context, trade, limit)


def correlated_risk(context: GateContext) -> Finding:
    """(loss at the stops of the cluster + this order's) / equity ≤ `max_correlated_risk`."""
    trade = _judged(context)
    if trade is None:
        return _skipped("correlated_risk", context)
    share, risk = trade.limits.max_correlation_exposure, trade.per_share_risk
    limit = _Limit("max_correlated_risk", share, risk, trade.cluster_risk)
    return _within("correlated_risk", context, trade, limit)


def risk_per_trade(context: GateContext) -> Finding:
    """Quantity · R / equity ≤ `risk_per_trade`, R = entry − stop + round-trip costs."""
    trade = _judged(context)
    if trade is None:
        return _skipped("risk_per_trade", context)
    limit = _Limit("risk_per_trade", trade.limits.risk_per_trade, trade.per_share_risk)
    return _within("risk_per_trade", context, trade, limit)


def stop_required(context: GateContext) -> Finding:
    """A trade's plan places its stop in the transaction of the order."""
    trade = _judged(context)
    if trade is None:
        return _skipped("stop_required", context)
    return Finding("stop_required", passed_if(trade.stop > ZERO), source="plan")


def stop_side(context: GateContext) -> Finding:
    """The stop lies on the loss side: below the entry of a long trade."""
    trade = _judged(context)
    if trade is None:
        return _skipped("stop_side", context)
    return Finding(
        "stop_side",
        passed_if(trade.stop < trade.entry),
        limit=trade.entry,
        used=trade.stop,
        unit="price",
        source="plan",
    )


def stop_distance(context: GateContext) -> Finding:
    """`min_stop_distance` ≤ (entry − stop) / entry ≤ `max_stop_distance`, one price step apart."""
    trade = _judged(context)
    if trade is None:
        return _skipped("stop_distance", context)
    slack = divide(trade.price_step, trade.entry)
    distance = ONE - divide(trade.stop, trade.entry)
    fits = trade.stop_distance_min - slack <= distance <= trade.stop_distance_max + slack
    return Finding(
        "stop_distance",
        passed_if(fits),
        limit_key="max_stop_distance",
        limit=trade.stop_distance_max,
        used=fraction(distance),
        unit="fraction",
        source="account",
    )


def _judged(context: GateContext) -> TradeFacts | None:
    return None if context.is_reducing else context.trade


def _skipped(code: str, context: GateContext) -> Finding:
    if context.is_reducing:
        return not_applicable(code, "reducing")
    return not_applicable(code, "governed_by_band" if context.position.is_cell else "no_stop_plan")


def _within(code: str, context: GateContext, trade: TradeFacts, limit: "_Limit") -> Finding:
    """(before + qty · per share) / equity against the limit."""
    allowed, before = limit.value * trade.equity, limit.before
    after = before + context.order.qty * limit.per_share
    largest = divide(max(ZERO, allowed - before), limit.per_share)
    return Finding(
        code,
        passed_if(after <= allowed),
        limit_key=limit.key,
        limit=limit.value,
        before=fraction(divide(before, trade.equity)),
        used=fraction(divide(after, trade.equity)),
        unit="fraction",
        source="account",
        data_quality=context.reference.quality,
        quantity_max=quantity_to_step(largest, context.instrument.lot_step),
    )
