"""An instrument first met in a command is registered as unverified, and the answer says so."""

from application.ports.repositories import RegisteredInstrument
from application.ports.unit_of_work import UnitOfWork
from domain.market.instrument import Instrument, clean_symbol
from domain.market.symbols import find_or_describe


def instrument_id(text: str) -> str:
    """Canonical id of any accepted spelling; Invalid `invalid_symbol` for impossible text."""
    return find_or_describe(text).instrument.id


def registered(ticker: str, work: UnitOfWork) -> tuple[RegisteredInstrument, bool]:
    """The instrument of the spelling, and whether this call registered it."""
    known = work.instruments.find(clean_symbol(ticker))
    if known is not None:
        return known, False
    described = find_or_describe(ticker).instrument
    known = work.instruments.find(described.id)
    if known is not None:
        return known, False
    new = _row(described, work)
    work.instruments.add(new)
    return new, True


def _row(instrument: Instrument, work: UnitOfWork) -> RegisteredInstrument:
    return RegisteredInstrument(
        id=instrument.id,
        kind=instrument.kind.value,
        asset_class=instrument.asset_class.value,
        quote=instrument.quote,
        calendar=instrument.calendar,
        tick_size=instrument.tick_size,
        lot_step=instrument.lot_step,
        status=instrument.status.value,
        updated_at=work.now,
    )
