"""The ex-date of a dividend: entitlements accrue and price levels fall by the gross amount, once.

Entitled is what a position held when the ex-date's session opened. A reference price that was set
after that moment already lacks the dividend and stays where it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from application.portfolio.book_entries import book_entries
from application.portfolio.dividend_step import DividendBook, DividendStep, Movement, PositionStep
from application.portfolio.ex_session import (
    calendar_of,
    ex_session_opens_at,
)
from application.portfolio.recording import position_event
from application.portfolio.trade_rows import TradeMoment, dividend_row
from application.ports.calendars import CalendarTables
from application.ports.ids import Ids
from application.ports.repositories import EventFilter
from application.ports.unit_of_work import UnitOfWork
from domain.plans.corporate_actions import shifted_by_dividend
from domain.portfolio.cost_basis import quantity_changes
from domain.portfolio.dividend import (
    Dividend,
    Entitlement,
    PriceShift,
    accrue,
    entitled_shares,
    shift_price,
)
from domain.portfolio.ledger import Bucket, TransferKind
from domain.portfolio.position import Plan, Position
from domain.portfolio.split import rescaled
from domain.shared.decimals import ONE, plain
from domain.shared.errors import Conflict, FieldFault, Invalid
from domain.shared.events import NewEvent
from domain.shared.ids import Prefix
from domain.shared.instants import rfc3339

ANCHOR_SETTERS = ("anchor_updated", "manual_anchor_set")
EVENTS_PER_READ = 500


class ProcessExDate:
    """Conflict `before_ex_date` and `dividend_cancelled`; Invalid `currency_mismatch`."""

    def __init__(self, ids: Ids, calendars: CalendarTables) -> None:
        self._ids = ids
        self._calendars = calendars
        self._book = DividendBook(ids)

    def __call__(self, dividend_id: str, work: UnitOfWork) -> DividendStep:
        dividend = work.dividends.get(dividend_id)
        if work.dividends.is_cancelled(dividend_id):
            raise Conflict("dividend_cancelled", "This dividend was cancelled.")
        calendar = calendar_of(dividend.instrument, work)
        opens_at = ex_session_opens_at(calendar, dividend.ex_date, self._calendars)
        _require_open(dividend, opens_at, work.now)
        steps = [
            PositionStep(known, work.positions.get(known.position_id), replayed=True)
            for known in work.dividends.entitlements(dividend.id)
        ]
        booked = {step.position.id for step in steps}
        steps.extend(
            self._accrue(dividend, position, opens_at, work)
            for position in work.positions.holding(dividend.instrument)
            if position.id not in booked and position.opened_at < opens_at
        )
        return DividendStep.of(dividend, steps)

    def of_position(
        self, dividend: Dividend, position: Position, opens_at: datetime, work: UnitOfWork
    ) -> Position:
        """The step for one position that held when the session opened and is not booked yet."""
        return self._accrue(dividend, position, opens_at, work).position

    def _accrue(
        self, dividend: Dividend, position: Position, opens_at: datetime, work: UnitOfWork
    ) -> PositionStep:
        _require_currency(dividend, position)
        shares = entitled_shares(quantity_changes(book_entries(position, work)), opens_at)
        booking, _ = accrue(
            dividend,
            entitlement_id=self._ids.new(Prefix.ENTITLEMENT),
            position_id=position.id,
            shares=shares,
            anchor_price=None,
            position_rate=position.withholding_rate,
        )
        drop = _price_drop(dividend, position, opens_at, work)
        anchor = shift_price(position.anchor_price, drop)
        if _anchored_since(position, opens_at, work):
            anchor = PriceShift(position.anchor_price, position.anchor_price, is_lost=False)
        entitlement = replace(
            booking.entitlement, anchor_before=anchor.before, anchor_after=anchor.after
        )
        after = replace(
            position,
            receivable=position.receivable + booking.receivable_change,
            anchor_price=anchor.after,
            high_water=shift_price(position.high_water, drop).after,
            low_water=shift_price(position.low_water, drop).after,
            plan=_plan_after(position, drop, dividend.ex_date),
        )
        work.dividends.add_entitlement(entitlement)
        events = _events(dividend, position, after, entitlement, anchor, work.now)
        events.extend(_level_events(dividend, position, after, drop, opens_at, work.now))
        movements = _movements(position, entitlement)
        saved = self._book.write(dividend, after, movements, events, work)
        return PositionStep(entitlement, saved, replayed=False)


def _plan_after(position: Position, drop: Decimal, ex_date: date) -> Plan | None:
    """Stop and targets of a trade follow the price down; the levels of a cell are its anchor."""
    plan = position.exit_plan
    return position.plan if plan is None else shifted_by_dividend(plan, drop, ex_date)


def _movements(position: Position, entitlement: Entitlement) -> tuple[Movement, Movement]:
    issuer = position.cash_key(Bucket.ISSUER)
    receivable, tax = position.cash_key(Bucket.RECEIVABLE), position.cash_key(Bucket.TAX)
    return (
        Movement(TransferKind.DIVIDEND, entitlement.net, issuer, receivable),
        Movement(TransferKind.DIVIDEND_TAX, entitlement.tax, issuer, tax),
    )


def _require_currency(dividend: Dividend, position: Position) -> None:
    if dividend.currency != position.currency:
        fault = FieldFault(
            "/currency", "currency_mismatch", f"the account holds {position.currency}"
        )
        raise Invalid(
            "currency_mismatch",
            f"The dividend is in {dividend.currency}, the account holds {position.currency}.",
            context={"position_id": position.id},
            errors=(fault,),
        )


def _price_drop(
    dividend: Dividend, position: Position, opens_at: datetime, work: UnitOfWork
) -> Decimal:
    """The gross amount in today's shares: a split booked since then divided every price."""
    ratio = ONE
    for applied in work.splits.applied_to_position(position.id):
        if applied.at >= opens_at:
            ratio *= applied.ratio
    return dividend.dps if ratio == 1 else rescaled(dividend.dps, ratio) or dividend.dps


def _anchored_since(position: Position, instant: datetime, work: UnitOfWork) -> bool:
    where = EventFilter(types=ANCHOR_SETTERS, aggregate_id=position.id, limit=EVENTS_PER_READ)
    while events := work.events.list(where):
        if any(event.occurred_at >= instant for event in events):
            return True
        where = replace(where, after_seq=events[-1].seq)
    return False


def _require_open(dividend: Dividend, opens_at: datetime, now: datetime) -> None:
    """What is traded before the session opens still counts: booked earlier, it would be missed."""
    if now < opens_at:
        raise Conflict(
            "before_ex_date",
            f"The session of the ex-date opens at {rfc3339(opens_at)}.",
            context={"ex_date": dividend.ex_date.isoformat(), "opens_at": rfc3339(opens_at)},
        )


def _events(
    dividend: Dividend,
    before: Position,
    after: Position,
    entitlement: Entitlement,
    anchor: PriceShift,
    now: datetime,
) -> list[NewEvent]:
    about: Mapping[str, object] = {"dividend_id": dividend.id, "dps": dividend.dps}
    accrual = position_event(
        "ex_div_effective",
        after,
        now,
        f"{plain(entitlement.shares_at_record)} shares accrue {plain(entitlement.net)} net "
        f"of {plain(entitlement.gross)} gross.",
        inputs={
            **about,
            "ex_date": dividend.ex_date.isoformat(),
            "shares_at_record": entitlement.shares_at_record,
            "withholding_rate": entitlement.withholding_rate,
            "high_water": before.high_water,
            "low_water": before.low_water,
        },
        outputs={
            "entitlement_id": entitlement.id,
            "gross": entitlement.gross,
            "tax": entitlement.tax,
            "net": entitlement.net,
            "receivable": after.receivable,
            "high_water": after.high_water,
            "low_water": after.low_water,
        },
    )
    return [accrual, *_anchor_events(dividend, about, after, anchor, now)]


def _level_events(
    dividend: Dividend,
    before: Position,
    after: Position,
    drop: Decimal,
    opens_at: datetime,
    now: datetime,
) -> list[NewEvent]:
    """Moved levels as a step of the trade's history; a cell has none."""
    plan = before.exit_plan
    if plan is None:
        return []
    row = dividend_row(plan, after, drop, TradeMoment(dividend.ex_date, opens_at))
    message = f"Stop and targets of {after.instrument} fell by the gross dividend {plain(drop)}."
    about = {"dividend_id": dividend.id}
    kind = "levels_adjusted_for_dividend"
    return [position_event(kind, after, now, message, inputs=about, outputs=row)]


def _anchor_events(
    dividend: Dividend,
    about: Mapping[str, object],
    after: Position,
    anchor: PriceShift,
    now: datetime,
) -> list[NewEvent]:
    if anchor.before == anchor.after or anchor.before is None:
        return []
    moved = "none" if anchor.after is None else plain(anchor.after)
    events = [
        position_event(
            "anchor_adjusted_for_dividend",
            after,
            now,
            f"Anchor {plain(anchor.before)} → {moved}: the price fell by the gross dividend.",
            inputs={**about, "anchor_before": anchor.before},
            outputs={"anchor_after": anchor.after},
        )
    ]
    if anchor.is_lost:
        message = f"A dividend of {plain(dividend.dps)} left no anchor; set one by hand."
        lost = {**about, "code": "anchor_lost", "anchor_before": anchor.before}
        events.append(position_event("alert_raised", after, now, message, inputs=lost))
    return events
