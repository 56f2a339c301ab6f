"""One trade from flat to flat on a net position: what went in, what came out, and what it cost.

A fill that turns a long into a short ends one round trip and begins the next; its fee and slippage
are shared by quantity.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from domain.portfolio.stop_plan import StopPlan
from domain.shared.decimals import ZERO, cash, divide, fraction
from domain.shared.side import Side

AVERAGE_STEP = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class TripFill:
    """The part of one execution that belongs to one round trip; money with 6 decimals."""

    qty: Decimal
    price: Decimal
    fee: Decimal
    slippage: Decimal
    at: datetime

    def shared(self, qty: Decimal) -> tuple["TripFill", "TripFill"]:
        """The part of `qty` and the rest; nothing of fee and slippage is lost."""
        fee = cash(divide(self.fee * qty, self.qty))
        slippage = cash(divide(self.slippage * qty, self.qty))
        first = replace(self, qty=qty, fee=fee, slippage=slippage)
        rest = replace(
            self, qty=self.qty - qty, fee=self.fee - fee, slippage=self.slippage - slippage
        )
        return first, rest


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """`side` is the side that opened it, `stop_price` its first order's stop. `risk` is what was
    to be lost, costs included, if every entry were stopped at the stop of its own order; null
    when an entry had no stop. Open while `closed_at` is null.
    """

    id: str
    run_id: str
    position_id: str
    instrument: str
    side: Side
    leverage: int
    opened_at: datetime
    entry_qty: Decimal = ZERO
    entry_notional: Decimal = ZERO
    exit_qty: Decimal = ZERO
    exit_notional: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    slippage: Decimal = ZERO
    funding: Decimal = ZERO
    stop_price: Decimal | None = None
    risk: Decimal | None = None
    closed_at: datetime | None = None
    exit_reason: str | None = None
    version: int = 1

    @property
    def entry_price(self) -> Decimal:
        """Quantity-weighted entry price, 12 decimals."""
        return _average(self.entry_notional, self.entry_qty)

    @property
    def exit_price(self) -> Decimal | None:
        """Quantity-weighted exit price, 12 decimals; null before anything was sold."""
        return None if self.exit_qty == 0 else _average(self.exit_notional, self.exit_qty)

    @property
    def net_pnl(self) -> Decimal:
        """Realised P&L after fees and funding."""
        return self.realized_pnl - self.fees - self.funding

    @property
    def return_fraction(self) -> Decimal | None:
        """Net P&L / entry notional, 10 decimals."""
        if self.entry_notional == 0:
            return None
        return fraction(divide(self.net_pnl, self.entry_notional))

    @property
    def r_multiple(self) -> Decimal | None:
        """Net P&L / initial risk, 10 decimals; null without a stop."""
        return None if not self.risk else fraction(divide(self.net_pnl, self.risk))

    def entered(self, fill: TripFill, stop: StopPlan | None) -> "RoundTrip":
        """After an execution on the opening side, of an order with this stop."""
        return replace(
            self,
            entry_qty=self.entry_qty + fill.qty,
            entry_notional=self.entry_notional + fill.qty * fill.price,
            fees=self.fees + fill.fee,
            slippage=self.slippage + fill.slippage,
            risk=_risk(self, fill, stop),
            version=self.version + 1,
        )

    def left(self, fill: TripFill, realized: Decimal, reason: str, *, is_flat: bool) -> "RoundTrip":
        """After an execution against the opening side."""
        return replace(
            self,
            exit_qty=self.exit_qty + fill.qty,
            exit_notional=self.exit_notional + fill.qty * fill.price,
            realized_pnl=self.realized_pnl + realized,
            fees=self.fees + fill.fee,
            slippage=self.slippage + fill.slippage,
            closed_at=fill.at if is_flat else None,
            exit_reason=reason if is_flat else self.exit_reason,
            version=self.version + 1,
        )


def _risk(trip: RoundTrip, fill: TripFill, stop: StopPlan | None) -> Decimal | None:
    """Null once an entry could lose anything: a multiple of the rest's risk would say nothing."""
    is_bounded = trip.entry_qty == 0 or trip.risk is not None
    if stop is None or not is_bounded:
        return None
    lost = cash(fill.qty * stop.loss_per_unit(trip.side, fill.price))
    return (trip.risk or ZERO) + max(ZERO, lost)


def _average(notional: Decimal, qty: Decimal) -> Decimal:
    return divide(notional, qty).quantize(AVERAGE_STEP) if qty else ZERO
