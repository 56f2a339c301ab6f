"""What a regime trade has made so far, as fractions of the initial position and in money."""

from dataclasses import dataclass
from decimal import Decimal

from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.shared.decimals import divide, floor_to
from domain.shared.errors import Defect


@dataclass(frozen=True, slots=True)
class TradeState:
    """What the book says: quantity left, realised money (before or after fees), newest price."""

    remaining_qty: Decimal
    realized_amount: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """Fractions, unrounded.

    `current_pnl` is the price return of what is left, null without a price or with nothing left;
    `realized_pnl` is of the initial notional; `total_pnl` = realised + remaining share · current;
    `final_pnl` is the realised one once nothing is left. `pnl_amount` is realised plus open money.
    """

    current_pnl: Decimal | None
    realized_pnl: Decimal
    total_pnl: Decimal | None
    final_pnl: Decimal | None
    remaining_fraction: Decimal
    pnl_amount: Decimal | None
    max_profit: Decimal
    max_loss: Decimal


def trade_figures(plan: RegimeExitPlan, state: TradeState) -> TradeFigures:
    """Figures of a sized plan; a `Defect` `plan_not_sized` before it has a quantity."""
    if plan.initial_qty is None:
        raise Defect("plan_not_sized", "The plan has no quantity yet.")
    is_flat = state.remaining_qty == 0
    current = None
    if state.price is not None and not is_flat:
        current = divide(state.price, plan.entry_price) - 1
    realized = realized_fraction(plan, state.realized_amount)
    remaining = divide(state.remaining_qty, plan.initial_qty)
    total, amount = (realized, state.realized_amount) if is_flat else (None, None)
    if current is not None and state.price is not None:
        total = realized + remaining * current
        open_amount = (state.price - plan.entry_price) * state.remaining_qty
        amount = state.realized_amount + open_amount
    return TradeFigures(
        current_pnl=current,
        realized_pnl=realized,
        total_pnl=total,
        final_pnl=realized if is_flat else None,
        remaining_fraction=remaining,
        pnl_amount=amount,
        max_profit=plan.max_profit,
        max_loss=plan.max_loss,
    )


def realized_fraction(plan: RegimeExitPlan, realized_amount: Decimal) -> Decimal:
    """Realised money / (initial quantity · entry price); after fees if the amount is."""
    if plan.initial_qty is None:
        raise Defect("plan_not_sized", "The plan has no quantity yet.")
    return divide(realized_amount, plan.initial_qty * plan.entry_price)


def exit_fill_price(price: Decimal, slippage: Decimal, price_step: Decimal) -> Decimal:
    """What a sale at `price` is filled at: `price·(1 − slippage)`, against the seller: down."""
    return floor_to(price * (1 - slippage), price_step)
