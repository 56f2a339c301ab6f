"""What a regime trade has made so far, as fractions of the initial position and in money."""

from dataclasses import dataclass
from decimal import Decimal

from domain.plans.regime_exit_plan import RegimeExitPlan


@dataclass(frozen=True, slots=True)
class TradeState:
    """What the book says: quantity left, realised money (before or after fees), newest price."""

    remaining_qty: Decimal
    realized_amount: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """Fractions, unrounded. `current_pnl` is the price return of what is left, null without a
    price; `final_pnl` is set once nothing is left. `total_pnl` = realised + remaining share ·
    current. `pnl_amount` is realised plus open money.
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
    """Figures of a sized plan."""
    raise NotImplementedError


def exit_fill_price(price: Decimal, slippage: Decimal, price_step: Decimal) -> Decimal:
    """What a sale at `price` is filled at: `price·(1 − slippage)`, down to the tick."""
    raise NotImplementedError
