"""Cancel a dividend: correcting transfers reverse what was booked, and its terms are free again."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from application.portfolio.announce_dividend import dividend_event
from application.portfolio.dividend_step import (
    DividendBook,
    DividendStep,
    Movement,
    PositionStep,
    cash_target,
    own_cash_change,
)
from application.portfolio.recording import position_event
from application.ports.ids import Ids
from application.ports.repositories import EventFilter
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.dividend import Booking, Dividend, Entitlement, anchor_after_cancel, cancel
from domain.portfolio.ledger import Bucket, TransferKind
from domain.portfolio.position import Position
from domain.shared.decimals import plain
from domain.shared.events import NewEvent

ACCRUALS_PER_READ = 500


class CancelDividend:
    """Conflict `insufficient_cash` when dividend cash that was paid has been used since."""

    def __init__(self, ids: Ids) -> None:
        self._book = DividendBook(ids)

    def __call__(self, dividend_id: str, reason: str | None, work: UnitOfWork) -> DividendStep:
        dividend = work.dividends.get(dividend_id)
        was_cancelled = work.dividends.is_cancelled(dividend_id)
        entitlements = work.dividends.entitlements(dividend.id)
        steps = [self._reverse(dividend, entitled, reason, work) for entitled in entitlements]
        if not was_cancelled:
            work.dividends.mark_cancelled(dividend.id)
            message = f"The dividend of {dividend.instrument} was cancelled."
            work.events.append(
                [dividend_event("dividend_cancelled", dividend, work, message, reason=reason)]
            )
        return DividendStep(dividend, tuple(steps), replayed=was_cancelled)

    def _reverse(
        self, dividend: Dividend, entitled: Entitlement, reason: str | None, work: UnitOfWork
    ) -> PositionStep:
        position = work.positions.get(entitled.position_id)
        booking = cancel(entitled)
        if booking.is_replayed:
            return PositionStep(entitled, position, replayed=True)
        work.dividends.save_entitlement(booking.entitlement)
        accrual = _accrual(entitled, work)
        after = replace(
            position,
            cash=position.cash + own_cash_change(position, booking.cash_change),
            receivable=position.receivable + booking.receivable_change,
            dividends_received=position.dividends_received + booking.cash_change,
            anchor_price=anchor_after_cancel(position.anchor_price, entitled),
            high_water=_restored("high_water", position.high_water, accrual),
            low_water=_restored("low_water", position.low_water, accrual),
        )
        events = [_event(booking, position, after, reason, work)]
        movements = _movements(booking, position)
        saved = self._book.write(dividend, after, movements, events, work)
        return PositionStep(booking.entitlement, saved, replayed=False)


def _movements(booking: Booking, position: Position) -> tuple[Movement, ...]:
    issuer, tax = position.cash_key(Bucket.ISSUER), position.cash_key(Bucket.TAX)
    receivable, kind = position.cash_key(Bucket.RECEIVABLE), TransferKind.CORRECTION
    return (
        Movement(kind, -booking.cash_change, cash_target(position), issuer),
        Movement(kind, -booking.receivable_change, receivable, issuer),
        Movement(kind, -booking.tax_change, tax, issuer),
    )


def _accrual(entitled: Entitlement, work: UnitOfWork) -> Mapping[str, object]:
    """Data of the event that recorded the accrual: it holds the marks before and after."""
    where = EventFilter(
        types=("ex_div_effective",), aggregate_id=entitled.position_id, limit=ACCRUALS_PER_READ
    )
    while events := work.events.list(where):
        for event in events:
            outputs = event.data["outputs"]
            if isinstance(outputs, Mapping) and outputs.get("entitlement_id") == entitled.id:
                return event.data
        where = replace(where, after_seq=events[-1].seq)
    return {"inputs": {}, "outputs": {}}


def _restored(name: str, current: Decimal | None, accrual: Mapping[str, object]) -> Decimal | None:
    """The mark before the accrual, if nothing has moved it since."""
    before, after = accrual["inputs"], accrual["outputs"]
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return current
    earlier = before.get(name)
    if earlier is None or after.get(name) != current:
        return current
    return Decimal(earlier)


def _event(
    booking: Booking, before: Position, after: Position, reason: str | None, work: UnitOfWork
) -> NewEvent:
    entitled = booking.entitlement
    return position_event(
        "dividend_cancelled",
        after,
        work.now,
        f"Dividend reversed: cash {plain(booking.cash_change)}, "
        f"receivable {plain(booking.receivable_change)}.",
        inputs={
            "dividend_id": entitled.dividend_id,
            "entitlement_id": entitled.id,
            "reason": reason,
            "anchor_before": before.anchor_price,
        },
        outputs={
            "cash": after.cash,
            "receivable": after.receivable,
            "tax": booking.tax_change,
            "dividends_received": after.dividends_received,
            "anchor_after": after.anchor_price,
        },
    )
