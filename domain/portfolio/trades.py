"""A trade: one closed position whose plan opened it, exits it and ends it.

r = realised P&L after fees / (initial quantity · entry price); the R multiple is the same money
over the risk taken at entry, initial quantity · |entry − first stop|.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.shared.decimals import ZERO, divide


@dataclass(frozen=True, slots=True)
class TradeResult:
    """What a trade earned on what it cost; `initial_risk` is null when it began without a stop."""

    net_pnl: Decimal
    cost: Decimal
    fees: Decimal = ZERO
    initial_risk: Decimal | None = None
    regime_at_entry: str | None = None

    @property
    def r(self) -> Decimal:
        """Return on what the whole initial quantity cost, after fees."""
        return divide(self.net_pnl, self.cost)

    @property
    def r_multiple(self) -> Decimal | None:
        """Net P&L in units of the initial risk; null without one."""
        return divide(self.net_pnl, self.initial_risk) if self.initial_risk else None


@dataclass(frozen=True, slots=True)
class Trade:
    """A closed position. `realized_pnl` is before fees."""

    position_id: str
    instrument: str
    opened_at: datetime
    closed_at: datetime
    entry_price: Decimal
    initial_qty: Decimal
    realized_pnl: Decimal
    fees: Decimal = ZERO
    initial_risk: Decimal | None = None
    regime_at_entry: str | None = None

    @property
    def result(self) -> TradeResult:
        """Its figures alone."""
        return TradeResult(
            self.realized_pnl - self.fees,
            abs(self.initial_qty) * self.entry_price,
            self.fees,
            self.initial_risk,
            self.regime_at_entry,
        )
