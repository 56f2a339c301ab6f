"""Payment of a dividend: the receivable becomes cash, once per position."""

from dataclasses import dataclass, replace
from datetime import date

from application.portfolio.dividend_step import (
    DividendBook,
    DividendStep,
    Movement,
    PositionStep,
    cash_target,
    own_cash_change,
)
from application.portfolio.ex_session import calendar_of, ex_session_opens_at
from application.portfolio.recording import position_event
from application.ports.calendars import CalendarTables
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.dividend import Booking, Dividend, Entitlement, PaymentRequest, pay
from domain.portfolio.ledger import Bucket, TransferKind
from domain.portfolio.trading_day import session_date
from domain.shared.decimals import plain
from domain.shared.errors import Conflict


@dataclass(frozen=True, slots=True)
class Payment:
    """When it was paid; `early` needs a reason, an unknown pay date needs `paid_on`."""

    is_early: bool = False
    reason: str | None = None
    paid_on: date | None = None


class PayDividend:
    """Conflict `before_pay_date`, `before_ex_date` (nothing accrued yet), `dividend_cancelled`;
    Invalid `invalid_payment`.
    """

    def __init__(self, ids: Ids, calendars: CalendarTables) -> None:
        self._calendars = calendars
        self._book = DividendBook(ids)

    def __call__(self, dividend_id: str, payment: Payment, work: UnitOfWork) -> DividendStep:
        dividend = work.dividends.get(dividend_id)
        if work.dividends.is_cancelled(dividend_id):
            raise Conflict("dividend_cancelled", "This dividend was cancelled.")
        calendar = calendar_of(dividend.instrument, work)
        request = PaymentRequest(
            today=session_date(calendar, work.now),
            is_early=payment.is_early,
            reason=payment.reason,
            paid_on=payment.paid_on,
        )
        entitlements = work.dividends.entitlements(dividend.id)
        if not entitlements:
            self._require_nobody_waits(dividend, calendar, work)
        steps = [self._pay(dividend, entitled, request, work) for entitled in entitlements]
        return DividendStep.of(dividend, steps)

    def _require_nobody_waits(self, dividend: Dividend, calendar: str, work: UnitOfWork) -> None:
        opens_at = ex_session_opens_at(calendar, dividend.ex_date, self._calendars)
        holders = work.positions.holding(dividend.instrument)
        if any(position.opened_at < opens_at for position in holders):
            raise Conflict(
                "before_ex_date",
                "Nothing has accrued: process the ex-date first.",
                context={"ex_date": dividend.ex_date.isoformat()},
            )

    def _pay(
        self, dividend: Dividend, entitled: Entitlement, request: PaymentRequest, work: UnitOfWork
    ) -> PositionStep:
        position = work.positions.get(entitled.position_id)
        booking = pay(dividend, entitled, request)
        if booking.is_replayed:
            return PositionStep(entitled, position, replayed=True)
        work.dividends.save_entitlement(booking.entitlement)
        target = cash_target(position)
        after = replace(
            position,
            cash=position.cash + own_cash_change(position, booking.cash_change),
            receivable=position.receivable + booking.receivable_change,
            dividends_received=position.dividends_received + booking.cash_change,
        )
        received = position_event(
            "dividend_cash_received",
            after,
            work.now,
            f"{plain(booking.cash_change)} {dividend.currency} received.",
            inputs=_inputs(dividend, booking, request),
            outputs={
                "cash": after.cash,
                "receivable": after.receivable,
                "dividends_received": after.dividends_received,
                "paid_to": target.holder_id,
            },
        )
        source = position.cash_key(Bucket.RECEIVABLE)
        moved = Movement(TransferKind.DIVIDEND, booking.cash_change, source, target)
        saved = self._book.write(dividend, after, (moved,), (received,), work)
        return PositionStep(booking.entitlement, saved, replayed=False)


def _inputs(dividend: Dividend, booking: Booking, request: PaymentRequest) -> dict[str, object]:
    paid = booking.entitlement
    return {
        "dividend_id": dividend.id,
        "entitlement_id": paid.id,
        "net": paid.net,
        "paid_on": None if paid.paid_on is None else paid.paid_on.isoformat(),
        "early": request.is_early,
        "reason": request.reason,
    }
