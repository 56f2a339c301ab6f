"""Isolated margin of linear contracts, one net position per symbol: what is used, what is left,
when a position is liquidated, what funding costs.

A position is (Q, K): signed quantity and signed cost `Q·avg`. Leverage changes margin, never size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from domain.shared.decimals import CASH_STEP, ONE, ZERO, cash, divide

MAINTENANCE_RATE = Decimal("0.005")
FUNDING_HOURS = 8


def unrealized_pnl(qty: Decimal, cost: Decimal, mark: Decimal) -> Decimal:
    """`Q·mark − K`, ledger cash."""
    return cash(qty * mark) - cost


def isolated_margin(cost: Decimal, leverage: int) -> Decimal:
    """`|Q|·avg / leverage`, ledger cash: what the position can lose before others are touched."""
    return cash(divide(abs(cost), Decimal(leverage)))


def margin_to_hold(
    qty: Decimal, price: Decimal, leverage: int, commission_rate: Decimal
) -> Decimal:
    """What an order holds: `q·P/leverage + q·P·c`, rounded up to ledger cash."""
    notional = qty * price
    exact = divide(notional, Decimal(leverage)) + notional * commission_rate
    return exact.quantize(CASH_STEP, rounding=ROUND_CEILING)


def available_margin(equity: Decimal, used: Decimal, order_margin: Decimal) -> Decimal:
    """`equity − used − order margin`: what new orders may use."""
    return equity - used - order_margin


@dataclass(frozen=True, slots=True)
class MarginClaim:
    """An open order as margin sees it: signed quantity left and the price it counts at."""

    signed_qty: Decimal
    price: Decimal
    leverage: int
    commission_rate: Decimal


def order_margin(position_qty: Decimal, claims: Sequence[MarginClaim]) -> Decimal:
    """Margin of the open orders of one symbol, in time priority.

    An order against the position first closes it, which needs no margin; the quantity beyond needs
    its margin in full. Orders on both sides are not netted. Reduce-only orders are no claims.
    """
    return sum(claimed_margins(position_qty, claims), ZERO)


def claimed_margins(position_qty: Decimal, claims: Sequence[MarginClaim]) -> list[Decimal]:
    """What each open order of one symbol holds, in the order of the claims (see `order_margin`)."""
    closable = abs(position_qty)
    held = []
    for claim in claims:
        qty = abs(claim.signed_qty)
        if position_qty * claim.signed_qty < 0:
            closing = min(qty, closable)
            closable -= closing
            qty -= closing
        held.append(margin_to_hold(qty, claim.price, claim.leverage, claim.commission_rate))
    return held


def is_liquidated(
    qty: Decimal,
    cost: Decimal,
    leverage: int,
    mark: Decimal,
    maintenance_rate: Decimal = MAINTENANCE_RATE,
) -> bool:
    """`isolated margin + unrealised ≤ maintenance rate·|Q|·mark`, exact; false when flat."""
    if qty == 0:
        return False
    margin = divide(abs(cost), Decimal(leverage))
    return margin + qty * mark - cost <= maintenance_rate * abs(qty) * mark


def liquidation_price(
    qty: Decimal, cost: Decimal, leverage: int, maintenance_rate: Decimal = MAINTENANCE_RATE
) -> Decimal | None:
    """The mark at which the position is liquidated; null when flat or when no price above zero
    does it.

    Long `(K − M) / (Q(1 − mmr))`, short `(|K| + M) / (|Q|(1 + mmr))`, M = isolated margin.
    """
    if qty == 0:
        return None
    margin = divide(abs(cost), Decimal(leverage))
    rate = ONE - maintenance_rate if qty > 0 else ONE + maintenance_rate
    price = divide(cost - margin, qty * rate)
    return price if price > 0 else None


def funding_payment(qty: Decimal, mark: Decimal, rate: Decimal) -> Decimal:
    """`Q·mark·rate`, ledger cash: above zero the position pays, below it receives."""
    return cash(qty * mark * rate)


def funding_stamps(after: datetime, until: datetime) -> tuple[datetime, ...]:
    """Funding instants s with after < s ≤ until: 00, 08 and 16 o'clock UTC."""
    day = after.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    step = timedelta(hours=FUNDING_HOURS)
    stamp = day + ((after - day) // step + 1) * step
    stamps = []
    while stamp <= until:
        stamps.append(stamp)
        stamp += step
    return tuple(stamps)
