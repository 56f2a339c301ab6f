"""What an open order holds back, so that two orders never use the same cash or the same shares.

BUY: qty · price · (1 + commission rate), with price = the limit, or the reference plus 1 % for
market orders and for stop orders, whose reference is the stop. SELL: the quantity. A BUY without
any known price reserves nothing; cash is checked at the fill.

Executions at no worse a price, with commissions at the rate, never need more than the hold, in
however many parts: what is left held is the whole's worst case less what its parts have cost.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from domain.portfolio.order import OrderTerms
from domain.shared.decimals import CASH_STEP, ONE, ZERO, cash
from domain.shared.side import Side

MARKET_ORDER_MARGIN = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Reservation:
    """Amount to hold (cash for BUY, shares for SELL) and the price it was computed at."""

    amount: Decimal | None
    price: Decimal | None
    reason: str | None = None


def reservation_price(terms: OrderTerms, reference_price: Decimal | None) -> Decimal | None:
    """Worst price a BUY is expected to pay: its limit, else reference · 1.01; null without
    either.
    """
    if terms.limit_price is not None:
        return terms.limit_price
    return None if reference_price is None else reference_price * (ONE + MARKET_ORDER_MARGIN)


def reserve(terms: OrderTerms, reference_price: Decimal | None) -> Reservation:
    """The hold for a whole new order."""
    if terms.side is Side.SELL:
        return Reservation(amount=terms.qty, price=None)
    price = reservation_price(terms, reference_price)
    if price is None:
        return Reservation(amount=None, price=None, reason="no_price")
    return Reservation(amount=still_needed(terms, price, terms.qty), price=price)


def still_needed(
    terms: OrderTerms,
    price: Decimal | None,
    remaining_qty: Decimal,
    filled_notional: Decimal = ZERO,
) -> Decimal:
    """The hold for what is left of an order: 0 once nothing is left."""
    if terms.side is Side.SELL:
        return remaining_qty
    if price is None or not remaining_qty:
        return ZERO
    rate = terms.commission_rate
    whole = filled_notional + remaining_qty * price
    exact = (whole * (ONE + rate)).quantize(CASH_STEP, rounding=ROUND_CEILING)
    # Notional and commission are rounded apart, so together they can exceed the rounded whole.
    return max(exact, _settled(whole, rate)) - _settled(filled_notional, rate)


def _settled(notional: Decimal, rate: Decimal) -> Decimal:
    return cash(notional) + cash(notional * rate)
