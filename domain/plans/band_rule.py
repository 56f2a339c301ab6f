"""The allocation band as arithmetic: where a trade lands, how large it may be, what may be booked.

The order gate, the fill endpoint and the balancing decision share these functions. Quotients are
rounded by the caller's decimal context.
"""

from decimal import Decimal

from domain.plans.balancing_plan import Band
from domain.plans.plan import stock_fraction
from domain.shared.decimals import ZERO, cash
from domain.shared.side import Side

BAND_TOLERANCE = Decimal("0.005")


def affordable_qty(free_cash: Decimal, price: Decimal, commission_rate: Decimal) -> Decimal:
    """Shares that `free_cash` pays for, commission included: `F / (P(1 + c))`."""
    return free_cash / (price * (1 + commission_rate))


def max_trade_qty(equity: Decimal, price: Decimal, max_trade_fraction: Decimal) -> Decimal:
    """Shares whose notional is `max_trade_fraction` of equity: `m·V / P`."""
    return max_trade_fraction * equity / price


def buy_to_fraction_qty(
    equity: Decimal, qty: Decimal, price: Decimal, bound: Decimal, commission_rate: Decimal
) -> Decimal:
    """Shares to buy so that the stock fraction ends at `bound`, commission c paid from cash.

    `(aV − QP) / (P(1 + a·c))`; negative when the fraction is already above the bound.
    """
    return (bound * equity - qty * price) / (price * (1 + bound * commission_rate))


def sell_to_fraction_qty(
    equity: Decimal, qty: Decimal, price: Decimal, bound: Decimal, commission_rate: Decimal
) -> Decimal:
    """Shares to sell so that the stock fraction ends at `bound`, commission c paid from cash.

    `(QP − aV) / (P(1 − a·c))`; negative when the fraction is already below the bound.
    """
    return (qty * price - bound * equity) / (price * (1 - bound * commission_rate))


def commission(qty: Decimal, price: Decimal, commission_rate: Decimal) -> Decimal:
    """`qty·P·c` as ledger cash."""
    return cash(qty * price * commission_rate)


def after_trade(
    qty: Decimal, cash_amount: Decimal, side: Side, trade_qty: Decimal, price: Decimal, fee: Decimal
) -> tuple[Decimal, Decimal]:
    """Quantity and cash after a fill; notional and fee move as ledger cash (6 decimals)."""
    notional = cash(trade_qty * price)
    if side is Side.BUY:
        return qty + trade_qty, cash_amount - notional - fee
    return qty - trade_qty, cash_amount + notional - fee


def stock_fraction_after(
    qty: Decimal,
    effective_cash: Decimal,
    side: Side,
    trade_qty: Decimal,
    price: Decimal,
    fee: Decimal = ZERO,
) -> Decimal | None:
    """Stock fraction at `price` once the trade is booked; null when no equity is left."""
    held, rest = after_trade(qty, effective_cash, side, trade_qty, price, fee)
    return stock_fraction(held, rest, price)


def is_allowed_by_band(
    band: Band,
    fraction_before: Decimal | None,
    fraction_after: Decimal | None,
    tolerance: Decimal = BAND_TOLERANCE,
) -> bool:
    """Whether a fill may be booked, judged by the stock fraction at the fill price.

    Allowed inside [min − tolerance, max + tolerance], or still on the same side of the band and
    strictly closer than before. An unknown fraction before counts as inside; no equity afterwards
    leaves nothing to balance, which is allowed.
    """
    if fraction_after is None:
        return True
    if band.min - tolerance <= fraction_after <= band.max + tolerance:
        return True
    if fraction_before is None:
        return False
    if fraction_after < band.min:
        return fraction_before < fraction_after
    return fraction_before > fraction_after
