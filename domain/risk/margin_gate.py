"""The gate of the simulation account: every check runs, and the verdict lists each one.

A margin order is judged by what it can lose and hold: leverage changes the margin it needs, never
the money at risk. Orders that only reduce a position need a price and nothing else.
"""

from collections.abc import Callable
from decimal import Decimal

from domain.risk.checks.size import not_applicable, passed_if
from domain.risk.margin_facts import MarginContext
from domain.risk.verdict import (
    Asked,
    CheckStatus,
    DataQuality,
    Finding,
    Verdict,
    verdict_of,
)
from domain.shared.decimals import (
    ZERO,
    ceil_to,
    divide,
    floor_to,
    fraction,
    plain,
    quantity_to_step,
)

Check = Callable[[MarginContext], Finding]


def instrument_rules(context: MarginContext) -> Finding:
    """Quantity is a positive whole multiple of the instrument's step, or all that is held; every
    price lies on its tick. What was typed is checked, never changed.
    """
    step, qty = context.lot_step, context.order.qty
    fits = qty > 0 and (qty % step == 0 or qty == abs(context.position_qty))
    if fits and (off_tick := _off_tick(context)):
        return Finding(
            "instrument_rules",
            CheckStatus.FAILED,
            limit_key="tick_size",
            limit=context.tick_size,
            unit="price",
            source="instrument",
            reason=off_tick,
        )
    return Finding(
        "instrument_rules",
        passed_if(fits),
        limit_key="lot_step",
        limit=step,
        unit="quantity",
        source="instrument",
        reason=None if fits else "not_a_multiple_of_step",
    )


def _off_tick(context: MarginContext) -> str:
    """Each price between two ticks with the valid ones next to it; empty when all fit."""
    tick, order = context.tick_size, context.order
    if tick is None:
        return ""
    prices = {
        "price": order.limit_price,
        "stop_price": order.stop_price,
        "stop_loss": order.stop_loss,
        "take_profit": order.take_profit,
    }
    told = [
        f"{name} {plain(price)} is off the tick {plain(tick)}, nearest "
        + " or ".join(plain(p) for p in (floor_to(price, tick), ceil_to(price, tick)) if p > 0)
        for name, price in prices.items()
        if price is not None and floor_to(price, tick) != price
    ]
    return "; ".join(told)


def stale_data(context: MarginContext) -> Finding:
    """A price is known and young enough; nothing is ever matched against another one."""
    problem = context.price_problem
    return Finding(
        "stale_data",
        passed_if(problem is None),
        source="price_source",
        data_quality=DataQuality.LIVE if problem is None else DataQuality.NONE,
        reason=problem,
    )


def buying_power(context: MarginContext) -> Finding:
    """Margin and fee of the order, and what it loses when it fills at once, ≤ `equity − used margin
    − margin of open orders`. An account that cannot be valued takes no new risk.
    """
    order, available = context.order, context.available
    if context.is_reducing:
        return not_applicable("buying_power", "reducing")
    if context.unjudgeable is not None:
        return _unjudged("buying_power", context.unjudgeable)
    if order.entry is None or available is None:
        return not_applicable("buying_power", "no_price")
    needed = max(order.margin_needed, order.needed_at_once)
    unit = divide(needed, order.qty) if order.qty else ZERO
    affordable = max(ZERO, divide(available, unit)) if unit else order.qty
    return Finding(
        "buying_power",
        passed_if(needed <= available),
        limit=available,
        used=needed,
        unit="cash",
        source="account",
        data_quality=DataQuality.LIVE,
        quantity_max=quantity_to_step(affordable, context.lot_step),
    )


def _unjudged(code: str, reason: str) -> Finding:
    return Finding(code, CheckStatus.FAILED, source="account", reason=reason)


def open_positions(context: MarginContext) -> Finding:
    """Instruments with a position, this one included, ≤ `max_positions`."""
    if context.is_reducing or context.is_symbol_open:
        return not_applicable("open_positions", "no_new_position")
    limit = context.limits.max_positions
    return Finding(
        "open_positions",
        passed_if(context.open_symbols < limit),
        limit_key="max_positions",
        limit=Decimal(limit),
        before=Decimal(context.open_symbols),
        used=Decimal(context.open_symbols + 1),
        unit="positions",
        source="account",
    )


def risk_per_trade(context: MarginContext) -> Finding:
    """Quantity · R / equity ≤ `risk_per_trade`, R = slipped entry − slipped stop + fees of both
    sides; leverage does not enter.
    """
    order, equity = context.order, context.equity
    if context.is_reducing:
        return not_applicable("risk_per_trade", "reducing")
    if order.stop_loss is None:
        return not_applicable("risk_per_trade", "no_stop")
    if context.unjudgeable is not None:
        return _unjudged("risk_per_trade", context.unjudgeable)
    if order.loss_per_unit is None or equity is None or equity <= 0:
        is_unpriced = order.loss_per_unit is None
        return not_applicable("risk_per_trade", "no_price" if is_unpriced else "no_equity")
    limit, loss = context.limits.risk_per_trade, max(ZERO, order.loss_per_unit)
    used = fraction(divide(order.qty * loss, equity))
    most = divide(limit * equity, loss) if loss else order.qty
    return Finding(
        "risk_per_trade",
        passed_if(used <= limit),
        limit_key="risk_per_trade",
        limit=limit,
        used=used,
        unit="fraction",
        source="account",
        data_quality=DataQuality.LIVE,
        quantity_max=quantity_to_step(most, context.lot_step),
    )


def reward_risk(context: MarginContext) -> Finding:
    """`|target − entry| / |entry − stop|` ≥ `min_reward_risk`; nothing to judge without both."""
    order = context.order
    if context.is_reducing:
        return not_applicable("reward_risk", "reducing")
    if order.stop_loss is None or order.take_profit is None:
        return not_applicable("reward_risk", "no_target" if order.stop_loss else "no_stop")
    if order.entry is None or order.entry == order.stop_loss:
        return not_applicable("reward_risk", "no_price")
    ratio = divide(abs(order.take_profit - order.entry), abs(order.entry - order.stop_loss))
    limit = context.limits.min_reward_risk
    return Finding(
        "reward_risk",
        passed_if(ratio >= limit),
        limit_key="min_reward_risk",
        limit=limit,
        used=fraction(ratio),
        unit="ratio",
        source="account",
        is_floor=True,
    )


def stop_required(context: MarginContext) -> Finding:
    """A new position has a stop where the account asks for one."""
    if context.is_reducing:
        return not_applicable("stop_required", "reducing")
    if not context.limits.require_stop_loss:
        return not_applicable("stop_required", "not_required")
    has_stop = context.order.stop_loss is not None
    return Finding(
        "stop_required",
        passed_if(has_stop),
        limit_key="require_stop_loss",
        source="account",
        reason=None if has_stop else "no_stop",
    )


def trading_state(context: MarginContext) -> Finding:
    """Only `active` takes new risk; reducing orders always pass."""
    if context.is_reducing:
        return not_applicable("trading_state", "reducing")
    state = context.trading_state
    return Finding(
        "trading_state",
        CheckStatus.PASSED if state == "active" else CheckStatus.FAILED,
        source="account",
        reason=None if state == "active" else state,
    )


CHECKS: tuple[Check, ...] = (
    instrument_rules,
    stale_data,
    buying_power,
    open_positions,
    risk_per_trade,
    reward_risk,
    stop_required,
    trading_state,
)


def judge_margin(context: MarginContext) -> Verdict:
    """Run every check; pure, and never raises for a refusable order."""
    findings = tuple([check(context) for check in CHECKS])
    asked = Asked(context.order.qty, context.lot_step)
    return verdict_of(findings, asked, context.trading_state, context.now)
