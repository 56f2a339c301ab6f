"""Cash dividends: what a holding is entitled to, once, and when it becomes cash, once.

The ex-date accrues a receivable and lowers price levels by the gross amount per share; the payment
turns the receivable into cash. Unknown pay dates stay unknown, and the receivable stays open.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ONE, ZERO, cash
from domain.shared.errors import Conflict, FieldFault, Invalid

WITHHOLDING_RATE_DEFAULT = Decimal("0.25")


class DividendKind(StrEnum):
    """Part of the natural key (instrument, ex-date, kind)."""

    REGULAR = "regular"
    SPECIAL = "special"


class EntitlementStatus(StrEnum):
    """`pending` → `paid` or `cancelled`; a paid one can still be cancelled, which reverses it."""

    PENDING = "pending"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Dividend:
    """One announced payment: `dps` is the gross amount per share of it, never a yearly rate.

    Raises `Invalid` (`invalid_dividend`) with a pointer per bad field.
    """

    id: str
    instrument: str
    ex_date: date
    dps: Decimal
    currency: str
    pay_date: date | None = None
    kind: DividendKind = DividendKind.REGULAR
    withholding_rate: Decimal | None = None

    def __post_init__(self) -> None:
        faults: list[FieldFault] = []
        if not self.dps.is_finite() or self.dps <= 0:
            faults.append(FieldFault("/dps", "out_of_range", "above zero"))
        if self.pay_date is not None and self.pay_date < self.ex_date:
            faults.append(FieldFault("/pay_date", "before_ex_date", "not before the ex-date"))
        rate = self.withholding_rate
        if rate is not None and not (rate.is_finite() and ZERO <= rate <= ONE):
            message = "from 0 to 1; a fraction, 0.25 is 25 %"
            faults.append(FieldFault("/withholding_rate", "out_of_range", message))
        if faults:
            raise Invalid("invalid_dividend", "The dividend is malformed.", errors=tuple(faults))

    @property
    def natural_key(self) -> tuple[str, date, DividendKind]:
        """Two announcements with one key are the same dividend."""
        return self.instrument, self.ex_date, self.kind


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What one position gets from one dividend; money in ledger cash, `net = gross − tax`.

    `anchor_before` and `anchor_after` record the shift so that a cancellation can undo it.
    """

    id: str
    dividend_id: str
    position_id: str
    shares_at_record: Decimal
    withholding_rate: Decimal
    gross: Decimal
    tax: Decimal
    net: Decimal
    anchor_before: Decimal | None
    anchor_after: Decimal | None
    status: EntitlementStatus = EntitlementStatus.PENDING
    paid_on: date | None = None
    early_reason: str | None = None


@dataclass(frozen=True, slots=True)
class PriceShift:
    """A price level after the gross dividend left the price; `is_lost` when it would be ≤ 0."""

    before: Decimal | None
    after: Decimal | None
    is_lost: bool


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """When and how a payment is booked; `today` is the date where the instrument trades."""

    today: date
    is_early: bool = False
    reason: str | None = None
    paid_on: date | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """An entitlement after a step, and what its holder's cash and receivable change by."""

    entitlement: Entitlement
    cash_change: Decimal
    receivable_change: Decimal
    tax_change: Decimal
    is_replayed: bool


def differing_terms(known: Dividend, announced: Dividend) -> tuple[str, ...]:
    """Names of the terms in which a second announcement differs; empty means it is a replay."""
    names = ("dps", "currency", "pay_date", "withholding_rate")
    return tuple(name for name in names if getattr(known, name) != getattr(announced, name))


def require_same_terms(known: Dividend, announced: Dividend) -> None:
    """Raises `Conflict` `dividend_terms_differ` when one key is announced with other terms."""
    names = differing_terms(known, announced)
    if names:
        raise Conflict(
            "dividend_terms_differ",
            f"This dividend is already announced with other terms: {', '.join(names)}.",
            context={"dividend_id": known.id, "fields": list(names)},
        )


def entitled_shares(
    changes: Iterable[tuple[datetime, Decimal]], ex_session_opens_at: datetime
) -> Decimal:
    """Holding from changes before the ex-date session opens; a short holding gets none."""
    held = sum((qty for at, qty in changes if at < ex_session_opens_at), ZERO)
    return max(ZERO, held)


def applicable_rate(dividend: Dividend, position_rate: Decimal | None) -> Decimal:
    """The position's withholding rate, else the dividend's, else 0.25."""
    if position_rate is not None:
        return position_rate
    if dividend.withholding_rate is not None:
        return dividend.withholding_rate
    return WITHHOLDING_RATE_DEFAULT


def shift_price(price: Decimal | None, dps: Decimal) -> PriceShift:
    """Anchor or high water minus the gross `dps`; ≤ 0 becomes null and lost, null stays null."""
    if price is None:
        return PriceShift(None, None, is_lost=False)
    lowered = price - dps
    if lowered <= 0:
        return PriceShift(price, None, is_lost=True)
    return PriceShift(price, lowered, is_lost=False)


def accrue(
    dividend: Dividend,
    *,
    entitlement_id: str,
    position_id: str,
    shares: Decimal,
    anchor_price: Decimal | None,
    position_rate: Decimal | None = None,
) -> tuple[Booking, PriceShift]:
    """The ex-date for one position: `gross = shares·dps`, `tax = gross·rate`, `net = gross − tax`.

    The anchor moves even when no share is entitled, because the price does.
    """
    rate = applicable_rate(dividend, position_rate)
    gross = cash(shares * dividend.dps)
    tax = cash(gross * rate)
    shift = shift_price(anchor_price, dividend.dps)
    entitlement = Entitlement(
        id=entitlement_id,
        dividend_id=dividend.id,
        position_id=position_id,
        shares_at_record=shares,
        withholding_rate=rate,
        gross=gross,
        tax=tax,
        net=gross - tax,
        anchor_before=shift.before,
        anchor_after=shift.after,
    )
    return Booking(entitlement, ZERO, gross - tax, tax, is_replayed=False), shift


def pay(dividend: Dividend, entitlement: Entitlement, request: PaymentRequest) -> Booking:
    """Receivable becomes cash, once; a paid entitlement answers as replayed.

    Raises `Conflict` `before_pay_date` (unless early with a reason) and `dividend_cancelled`;
    `Invalid` `invalid_payment` when an early reason or the date of an unknown pay date is missing.
    """
    if entitlement.status is EntitlementStatus.PAID:
        return Booking(entitlement, ZERO, ZERO, ZERO, is_replayed=True)
    if entitlement.status is EntitlementStatus.CANCELLED:
        raise Conflict("dividend_cancelled", "This entitlement was cancelled.")
    paid_on = _payment_date(dividend, request)
    paid = replace(
        entitlement,
        status=EntitlementStatus.PAID,
        paid_on=paid_on,
        early_reason=request.reason if request.is_early else None,
    )
    return Booking(paid, entitlement.net, -entitlement.net, ZERO, is_replayed=False)


def cancel(entitlement: Entitlement) -> Booking:
    """Reverse what was booked: cash if it was paid, else the receivable; the tax either way."""
    if entitlement.status is EntitlementStatus.CANCELLED:
        return Booking(entitlement, ZERO, ZERO, ZERO, is_replayed=True)
    cancelled = replace(entitlement, status=EntitlementStatus.CANCELLED)
    if entitlement.status is EntitlementStatus.PAID:
        return Booking(cancelled, -entitlement.net, ZERO, -entitlement.tax, is_replayed=False)
    return Booking(cancelled, ZERO, -entitlement.net, -entitlement.tax, is_replayed=False)


def anchor_after_cancel(current: Decimal | None, entitlement: Entitlement) -> Decimal | None:
    """The anchor before the shift, if nothing has moved it since; else the current one."""
    is_untouched = current == entitlement.anchor_after
    return entitlement.anchor_before if is_untouched else current


def _payment_date(dividend: Dividend, request: PaymentRequest) -> date:
    if request.is_early and not (request.reason or "").strip():
        raise _invalid("/reason", "required", "an early payment needs a reason")
    if request.paid_on is not None and request.paid_on < dividend.ex_date:
        raise _invalid("/paid_on", "before_ex_date", "not before the ex-date")
    if request.paid_on is not None and request.paid_on > request.today:
        raise _invalid("/paid_on", "in_future", "not after today")
    if dividend.pay_date is None:
        if request.paid_on is None:
            raise _invalid("/paid_on", "required", "the pay date is unknown; say when it was paid")
        return request.paid_on
    paid_on = request.paid_on or request.today
    if paid_on < dividend.pay_date and not request.is_early:
        raise Conflict(
            "before_pay_date",
            f"This dividend is payable on {dividend.pay_date.isoformat()}.",
            context={"dividend_id": dividend.id, "pay_date": dividend.pay_date.isoformat()},
        )
    return paid_on


def _invalid(pointer: str, code: str, message: str) -> Invalid:
    fault = FieldFault(pointer, code, message)
    return Invalid("invalid_payment", f"{pointer[1:]}: {message}.", errors=(fault,))
