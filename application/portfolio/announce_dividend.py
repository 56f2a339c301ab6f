"""Announce a dividend; the same announcement again is the same dividend."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from application.market.register_instrument import registered
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.dividend import Dividend, DividendKind, require_same_terms
from domain.shared.decimals import plain
from domain.shared.events import NewEvent, explained
from domain.shared.ids import Prefix

DIVIDEND = "dividend"


@dataclass(frozen=True, slots=True)
class NewDividend:
    """Terms of one payment; `dps` is gross per share, never a yearly rate."""

    ticker: str
    ex_date: date
    dps: Decimal
    pay_date: date | None = None
    kind: DividendKind = DividendKind.REGULAR
    withholding_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AnnouncedDividend:
    """The dividend; `replayed` when it had been announced before with these terms."""

    dividend: Dividend
    replayed: bool


class AnnounceDividend:
    """Conflict `dividend_terms_differ`; Invalid `invalid_dividend`."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def __call__(self, new: NewDividend, work: UnitOfWork) -> AnnouncedDividend:
        instrument, _ = registered(new.ticker, work)
        announced = Dividend(
            id=self._ids.new(Prefix.DIVIDEND),
            instrument=instrument.id,
            ex_date=new.ex_date,
            dps=new.dps,
            currency=instrument.quote,
            pay_date=new.pay_date,
            kind=new.kind,
            withholding_rate=new.withholding_rate,
        )
        known = work.dividends.find(*announced.natural_key)
        if known is not None:
            require_same_terms(known, announced)
            return AnnouncedDividend(known, replayed=True)
        work.dividends.add(announced)
        work.events.append([_announcement(announced, work)])
        return AnnouncedDividend(announced, replayed=False)


def dividend_event(
    kind: str, dividend: Dividend, work: UnitOfWork, message: str, **outputs: object
) -> NewEvent:
    """A fact about the dividend itself; what it does to a position is an event of the position."""
    inputs = {
        "dividend_id": dividend.id,
        "ticker": dividend.instrument,
        "ex_date": dividend.ex_date.isoformat(),
        "dps": dividend.dps,
        "currency": dividend.currency,
        "pay_date": None if dividend.pay_date is None else dividend.pay_date.isoformat(),
        "kind": dividend.kind.value,
        "withholding_rate": dividend.withholding_rate,
    }
    data = explained(message, inputs=inputs, outputs=outputs)
    return NewEvent(kind, DIVIDEND, dividend.id, None, data, work.now)


def _announcement(dividend: Dividend, work: UnitOfWork) -> NewEvent:
    message = (
        f"{dividend.instrument} pays {plain(dividend.dps)} {dividend.currency} per share, "
        f"ex {dividend.ex_date.isoformat()}."
    )
    return dividend_event("ex_div_announced", dividend, work, message)
