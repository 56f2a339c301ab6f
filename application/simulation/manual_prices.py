"""Prices a person gives by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.ports.unit_of_work import UnitOfWork
from application.simulation.apply_prices import Applied, ApplyPrices
from application.simulation.paper_instrument import PaperInstrument, paper_instrument
from domain.market.price_event import PriceTick
from domain.portfolio.simulation_run import PriceSource
from domain.shared.decimals import ZERO, plain
from domain.shared.errors import Conflict, FieldFault, Invalid


@dataclass(frozen=True, slots=True)
class GivenPrice:
    """What the caller knows of one symbol; `at` null means now."""

    symbol: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    mark: Decimal | None = None
    at: datetime | None = None


class ManualPrices:
    """Conflict `simulation_stopped`, `not_manual_source`; Invalid `inconsistent_price`,
    `price_below_tick`.
    """

    def __init__(self, apply: ApplyPrices) -> None:
        self._apply = apply

    def __call__(self, prices: Sequence[GivenPrice], work: UnitOfWork) -> Applied:
        run = work.simulation.runs.current()
        run.require_running()
        if run.price_source is not PriceSource.MANUAL:
            raise Conflict(
                "not_manual_source", f"Prices come from the source {run.price_source.value}."
            )
        ticks = [_tick(index, price, work) for index, price in enumerate(prices)]
        return self._apply(ticks, work)


def _tick(index: int, price: GivenPrice, work: UnitOfWork) -> PriceTick:
    if price.at is not None and price.at > work.now:
        fault = FieldFault(f"/prices/{index}/ts", "in_future", "not later than now")
        raise Invalid("invalid_request", "A price lies in the future.", errors=(fault,))
    if price.bid is price.ask is price.last is price.mark is None:
        fault = FieldFault(f"/prices/{index}", "missing", "one of bid, ask, last, mark")
        raise Invalid("invalid_request", "A price without a price.", errors=(fault,))
    instrument = paper_instrument(price.symbol, work)
    _require_on_scale(index, price, instrument)
    return PriceTick(
        instrument=instrument.id,
        at=price.at or work.now,
        source="manual",
        bid=price.bid,
        ask=price.ask,
        last=price.last,
        mark=price.mark,
    )


def _require_on_scale(index: int, price: GivenPrice, instrument: PaperInstrument) -> None:
    """Below one tick an order would fill at the tick: a price nobody gave."""
    told = {"bid": price.bid, "ask": price.ask, "last": price.last, "mark": price.mark}
    least = plain(instrument.tick_size)
    faults = tuple(
        FieldFault(f"/prices/{index}/{name}", "price_below_tick", f"at least {least}")
        for name, value in told.items()
        if value is not None and ZERO < value < instrument.tick_size
    )
    if faults:
        raise Invalid(
            "price_below_tick",
            f"{instrument.id} has a tick of {least}; no order could fill at a price below it.",
            errors=faults,
        )
