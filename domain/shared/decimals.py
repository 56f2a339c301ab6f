"""Exact decimal arithmetic with named rounding; nothing else in Ballast rounds (spec of numbers).

All sums and products of money run in `EXACT`, a 50-digit context, so no operation on bounded
inputs (20 integer and 18 fraction digits) rounds before its named rounding does.
"""

import decimal
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

EXACT = Context(
    prec=50, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow]
)

ZERO = Decimal(0)
ONE = Decimal(1)
CASH_STEP = Decimal("0.000001")
QUANTITY_STEP = Decimal("0.00000001")
FRACTION_STEP = Decimal("0.0000000001")

INTEGER_DIGITS_MAX = 20
FRACTION_DIGITS_MAX = 18


def cash(amount: Decimal) -> Decimal:
    """Ledger cash: 6 decimals, half-even."""
    return amount.quantize(CASH_STEP, rounding=ROUND_HALF_EVEN, context=EXACT)


def cash_part(before: Decimal, amount: Decimal) -> Decimal:
    """Ledger cash of an amount that follows others worth `before`: parts of a whole, in whatever
    order, add up to the rounding of the whole.
    """
    return cash(before + amount) - cash(before)


def fraction(value: Decimal) -> Decimal:
    """Derived ratio for an answer: 10 decimals, half-even."""
    return value.quantize(FRACTION_STEP, rounding=ROUND_HALF_EVEN, context=EXACT)


def quantity_to_step(quantity: Decimal, step: Decimal = QUANTITY_STEP) -> Decimal:
    """Largest multiple of `step` not beyond `quantity` in magnitude (toward zero)."""
    steps = EXACT.divide(quantity, step).to_integral_value(rounding=ROUND_DOWN)
    return EXACT.multiply(steps, step)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Largest multiple of `step` ≤ value."""
    steps = EXACT.divide(value, step).to_integral_value(rounding=ROUND_FLOOR)
    return EXACT.multiply(steps, step)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Smallest multiple of `step` ≥ value."""
    steps = EXACT.divide(value, step).to_integral_value(rounding=ROUND_CEILING)
    return EXACT.multiply(steps, step)


def divide(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Quotient in the 50-digit context; the caller names the rounding that follows."""
    return EXACT.divide(numerator, denominator)


def decimals_of(value: Decimal) -> int:
    """Number of significant fraction digits, however many: 1.50 has 1, 100 has 0.

    Read from the digits themselves, because normalising in a context rounds what is beyond it.
    """
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or not any(digits):
        return 0
    trailing_zeros = next(i for i, digit in enumerate(reversed(digits)) if digit)
    return max(0, -exponent - trailing_zeros)


def plain(value: Decimal) -> str:
    """Exact text without exponent or trailing zeros: Decimal('1.500') → '1.5', Decimal('1E+2') →
    '100'.
    """
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if "." in text and text[-1] == "0":
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _widen_default_context() -> None:
    """Every thread computes with 50 digits: the library default of 28 could round a product of two
    prices.
    """
    decimal.DefaultContext.prec = EXACT.prec
    decimal.setcontext(EXACT.copy())


_widen_default_context()
