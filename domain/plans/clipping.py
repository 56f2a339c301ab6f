"""Cut a wished quantity down to what every limit allows, and say which limit cut it.

Order: per-trade share of equity, free inventory or cash, band, quantity step, order minimum; then
the limits are checked once more, independently of the formulas that produced the result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, DivisionByZero, InvalidOperation, localcontext

from domain.plans.balancing_plan import BalancingPlan, BelowMinimum
from domain.plans.band_rule import (
    affordable_qty,
    buy_to_fraction_qty,
    max_trade_qty,
    sell_to_fraction_qty,
)
from domain.plans.plan import ClipStep, PositionView, Trim
from domain.shared.decimals import CASH_STEP, QUANTITY_STEP, ZERO, cash, fraction
from domain.shared.errors import Defect
from domain.shared.side import Side

# Sums and products of bounded inputs fit 160 digits, so only quotients round here, and they round
# down: a limit turned into a quantity can never come out above the limit.
NEVER_ABOVE = Context(prec=160, rounding=ROUND_DOWN, traps=[DivisionByZero, InvalidOperation])


@dataclass(frozen=True, slots=True)
class WishedTrade:
    """A quantity before any limit; a rebalance to the band ignores the per-trade share."""

    side: Side
    qty: Decimal
    price: Decimal
    is_rebalance: bool = False


@dataclass(frozen=True, slots=True)
class ClippedTrade:
    """What is left, a multiple of the step, with every cut; below the minimum it is untradable."""

    qty: Decimal
    trimming: tuple[Trim, ...]
    is_below_minimum: bool


@dataclass(frozen=True, slots=True)
class _Limit:
    step: ClipStep
    qty_max: Decimal
    limit: Decimal


def clip(wish: WishedTrade, plan: BalancingPlan, view: PositionView) -> ClippedTrade:
    """Largest quantity ≤ the wish, on the step, that breaks no limit; `Defect` if one would."""
    with localcontext(NEVER_ABOVE):
        limits = tuple(_limits(wish, plan, view))
        step = effective_step(plan, view)
        trims: list[Trim] = []
        qty = wish.qty
        for limit in limits:
            if qty > limit.qty_max:
                trims.append(_trim(limit.step, qty, limit.qty_max, limit.limit))
                qty = limit.qty_max
        stepped = _to_affordable_step(qty, step, wish, plan, view)
        # The 8 decimals of the book are precision; only a real lot is reported as a cut.
        if stepped != qty and step > QUANTITY_STEP:
            trims.append(_trim(ClipStep.QTY_STEP, qty, stepped, step))
        qty = stepped
        if _is_below_minimum(qty, wish.price, plan):
            raised = _raised_to_minimum(wish, plan, view, limits, step)
            if raised is None:
                return ClippedTrade(qty, tuple(trims), is_below_minimum=True)
            trims.append(_trim(ClipStep.MINIMUM, qty, raised, raised))
            qty = raised
        _assert_within_limits(qty, wish, plan, view, step)
        return ClippedTrade(qty, tuple(trims), is_below_minimum=False)


def effective_step(plan: BalancingPlan, view: PositionView) -> Decimal:
    """The plan's quantity step, or the instrument's when the plan leaves it at 0."""
    return plan.order_policy.qty_step or view.qty_step


def _limits(wish: WishedTrade, plan: BalancingPlan, view: PositionView) -> Iterator[_Limit]:
    price, rate = wish.price, plan.commission_rate
    equity = view.equity_at(price)
    if not wish.is_rebalance:
        share = plan.max_trade_fraction
        yield _limit(ClipStep.MAX_TRADE, max_trade_qty(equity, price, share), share)
    if wish.side is Side.SELL:
        yield _limit(ClipStep.INVENTORY, view.free_qty, view.free_qty)
        bound = plan.band.min
        to_bound = sell_to_fraction_qty(equity, view.qty, price, bound, rate)
    else:
        affordable = affordable_qty(view.free_cash, price, rate)
        yield _limit(ClipStep.CASH, affordable, view.free_cash)
        bound = plan.band.max
        to_bound = buy_to_fraction_qty(equity, view.qty, price, bound, rate)
    yield _limit(ClipStep.BAND, to_bound, bound)


def _limit(step: ClipStep, qty_max: Decimal, limit: Decimal) -> _Limit:
    return _Limit(step, max(ZERO, qty_max), limit)


def _to_affordable_step(
    qty: Decimal, step: Decimal, wish: WishedTrade, plan: BalancingPlan, view: PositionView
) -> Decimal:
    stepped = qty // step * step
    if wish.side is Side.SELL or _cost(stepped, wish.price, plan) <= max(ZERO, view.free_cash):
        return stepped
    # Half-even ledger rounding of notional and fee can add one cash step to what the formula gave.
    spendable = max(ZERO, view.free_cash - CASH_STEP)
    affordable = affordable_qty(spendable, wish.price, plan.commission_rate)
    return min(qty, affordable) // step * step


def _cost(qty: Decimal, price: Decimal, plan: BalancingPlan) -> Decimal:
    notional = qty * price
    return cash(notional) + cash(notional * plan.commission_rate)


def _is_below_minimum(qty: Decimal, price: Decimal, plan: BalancingPlan) -> bool:
    policy = plan.order_policy
    return qty <= 0 or qty < policy.min_qty or qty * price < policy.min_notional


def _raised_to_minimum(
    wish: WishedTrade,
    plan: BalancingPlan,
    view: PositionView,
    limits: tuple[_Limit, ...],
    step: Decimal,
) -> Decimal | None:
    policy = plan.order_policy
    if policy.action_below_min is not BelowMinimum.CLIP or wish.qty <= 0:
        return None
    raised = max(policy.min_qty, policy.min_notional / wish.price) // step * step
    while _is_below_minimum(raised, wish.price, plan):
        raised += step
    if any(raised > limit.qty_max for limit in limits):
        return None
    if wish.side is Side.BUY and _cost(raised, wish.price, plan) > view.free_cash:
        return None
    return raised


def _assert_within_limits(
    qty: Decimal, wish: WishedTrade, plan: BalancingPlan, view: PositionView, step: Decimal
) -> None:
    notional = qty * wish.price
    equity = view.equity_at(wish.price)
    equity_after = equity - notional * plan.commission_rate
    held_value = view.qty * wish.price
    if wish.side is Side.BUY:
        is_held = _cost(qty, wish.price, plan) <= view.free_cash
        is_held = is_held and held_value + notional <= plan.band.max * equity_after
    else:
        is_held = qty <= view.free_qty
        is_held = is_held and held_value - notional >= plan.band.min * equity_after
    if not wish.is_rebalance:
        is_held = is_held and notional <= plan.max_trade_fraction * equity
    if not is_held or qty % step != 0:
        raise Defect(
            "clip_broke_limit",
            "A clipped quantity breaks one of its own limits.",
            context={"position_id": view.position_id, "side": wish.side, "qty": qty},
        )


def _trim(step: ClipStep, before: Decimal, after: Decimal, limit: Decimal) -> Trim:
    return Trim(step, fraction(before), fraction(after), limit)
