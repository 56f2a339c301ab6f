"""Every instrument this installation knows: the shipped table and what commands registered."""

from dataclasses import dataclass

from application.ports.repositories import RegisteredInstrument
from application.ports.unit_of_work import UnitOfWork
from domain.market.instrument import AssetClass, Instrument, InstrumentKind, InstrumentStatus
from domain.market.known_instruments import KNOWN_INSTRUMENTS
from domain.market.symbols import require_instrument


@dataclass(frozen=True, slots=True)
class InstrumentFilter:
    """`q` is part of the id or the name, case ignored; the others are equal; None does not
    filter."""

    q: str | None = None
    kind: str | None = None
    asset_class: str | None = None
    venue: str | None = None


def catalogue(work: UnitOfWork) -> dict[str, Instrument]:
    """Instruments by id; a shipped row wins over a registered one of the same id."""
    registered = {row.id: _instrument(row) for row in work.instruments.list()}
    return registered | KNOWN_INSTRUMENTS


def instruments(where: InstrumentFilter, work: UnitOfWork) -> list[Instrument]:
    """Instruments that match, by id."""
    wanted = (where.q or "").strip().casefold()
    found = [
        item
        for item in catalogue(work).values()
        if wanted in item.id.casefold() or wanted in item.name.casefold()
    ]
    return sorted(
        (
            item
            for item in found
            if where.kind in (None, item.kind)
            and where.asset_class in (None, item.asset_class)
            and (where.venue is None or where.venue in item.venue_symbols)
        ),
        key=lambda item: item.id,
    )


def instrument_named(symbol: str, work: UnitOfWork, venue: str | None = None) -> Instrument:
    """The instrument of any accepted spelling; NotFound `unknown_instrument` with near matches."""
    return require_instrument(symbol, catalogue(work), venue=venue)


def _instrument(row: RegisteredInstrument) -> Instrument:
    return Instrument(
        id=row.id,
        kind=InstrumentKind(row.kind),
        asset_class=AssetClass(row.asset_class),
        base=row.id.split("-")[0],
        quote=row.quote,
        settle=row.quote,
        calendar=row.calendar,
        tick_size=row.tick_size,
        lot_step=row.lot_step,
        status=InstrumentStatus(row.status),
    )
