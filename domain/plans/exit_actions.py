"""What a plan with exits may answer: sell now, move the stop, move a target.

Fractions are unrounded; prices are rounded to the tick by the rule that made them.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.market.market_regime import MarketRegime


class ExitCause(StrEnum):
    """Why quantity leaves; the values name why a position closed."""

    STOP_LOSS = "stop_loss"
    PROFIT_TAKING = "profit_taking_complete"
    TIME_EXIT = "time_exit"
    MANUAL_CLOSE = "manual_close"


class StopCause(StrEnum):
    """Why a stop moved; the values name the published actions."""

    REGIME_ADJUSTMENT = "REGIME_ADJUSTMENT"
    BREAKEVEN_STOP = "BREAKEVEN_STOP"
    TRAILING_STOP_MOVED = "TRAILING_STOP_MOVED"
    STOP_TIGHTENED = "STOP_TIGHTENED"


@dataclass(frozen=True, slots=True)
class Exit:
    """Sell `qty` at `price`, before costs.

    `closed_fraction` and `remaining_fraction` are of the initial quantity, `profit_fraction` is
    price / entry − 1, `pnl_fraction` this exit's gain over the whole initial notional, `pnl_amount`
    in money. `level` is the target's number, null for other causes.
    """

    qty: Decimal
    price: Decimal
    cause: ExitCause
    reason: str
    remaining_qty: Decimal
    closed_fraction: Decimal
    remaining_fraction: Decimal
    profit_fraction: Decimal
    pnl_fraction: Decimal
    pnl_amount: Decimal
    level: int | None = None

    @property
    def kind(self) -> str:
        """Published name of the action."""
        return f"PROFIT_TAKING_LEVEL_{self.level}" if self.level else _KINDS[self.cause]


_KINDS = {
    ExitCause.STOP_LOSS: "STOP_LOSS_EXECUTED",
    ExitCause.PROFIT_TAKING: "PROFIT_TAKING",
    ExitCause.TIME_EXIT: "TIME_BASED_EXIT",
    ExitCause.MANUAL_CLOSE: "MANUAL_CLOSE",
}


@dataclass(frozen=True, slots=True)
class MoveStop:
    """The stop for the next bar; `old` equals `new` when a wider stop was asked for and refused.

    The regimes and `suppressed_widening` speak for a regime adjustment only.
    """

    old: Decimal
    new: Decimal
    cause: StopCause
    reason: str
    old_regime: MarketRegime | None = None
    new_regime: MarketRegime | None = None
    suppressed_widening: bool = False

    @property
    def kind(self) -> str:
        """Published name of the action."""
        return self.cause.value


@dataclass(frozen=True, slots=True)
class MoveTarget:
    """The price of an unfilled target for the next bar; never further out."""

    level: int
    old: Decimal
    new: Decimal
