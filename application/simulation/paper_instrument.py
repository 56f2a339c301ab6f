"""What the simulation needs to know of an instrument; nothing is registered by asking."""

from dataclasses import dataclass
from decimal import Decimal

from application.ports.unit_of_work import UnitOfWork
from application.simulation.paper_request import PaperOrderRequest
from domain.market.instrument import ONLY_READ, AssetClass
from domain.market.symbols import find_or_describe
from domain.portfolio.simulation_run import PriceSource, SimulationRun
from domain.shared.decimals import QUANTITY_STEP
from domain.shared.errors import FieldFault, Invalid

# On paper a dollar is a dollar, whichever token says so.
DOLLARS = frozenset({"USD", "USDT", "USDC"})
CRYPTO_TICK = Decimal("0.00000001")
OTHER_TICK = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class PaperInstrument:
    """Canonical id and trading steps. `is_only_read`: an index or a rate, which nobody sells;
    `has_bars`: its series tell opens, highs and lows, not closes alone.
    """

    id: str
    tick_size: Decimal
    lot_step: Decimal
    is_only_read: bool = False
    has_bars: bool = True


def paper_instrument(symbol: str, work: UnitOfWork) -> PaperInstrument:
    """The instrument of any accepted spelling. Invalid `invalid_symbol`, `unknown_instrument`, or
    `currency_mismatch` when it is not quoted in dollars.

    Steps come from the registered row, else the shipped one, else 8 decimals of quantity and 8
    (crypto) or 4 decimals of price.
    """
    described = find_or_describe(symbol).instrument
    if described.quote not in DOLLARS:
        fault = FieldFault("/symbol", "currency_mismatch", "quoted in USD or USDT")
        raise Invalid(
            "currency_mismatch",
            f"{described.id} is quoted in {described.quote}; this account holds dollars.",
            errors=(fault,),
        )
    known = work.instruments.find(described.id)
    tick = (known.tick_size if known else None) or described.tick_size
    step = (known.lot_step if known else None) or described.lot_step
    default = CRYPTO_TICK if described.asset_class is AssetClass.CRYPTO else OTHER_TICK
    return PaperInstrument(
        id=described.id,
        tick_size=tick or default,
        lot_step=step or QUANTITY_STEP,
        is_only_read=(known.kind if known else described.kind) in ONLY_READ,
        has_bars=not described.is_close_only,
    )


def require_tradable(
    request: PaperOrderRequest, instrument: PaperInstrument, run: SimulationRun
) -> None:
    """Invalid `not_tradable` for an index or a rate, save an index whose whole bars the run
    replays. Leaving a position is always possible.
    """
    if not instrument.is_only_read or request.reduce_only or request.is_close:
        return
    is_replayed = run.price_source is PriceSource.REPLAY and run.watches(instrument.id)
    if is_replayed and instrument.has_bars:
        return
    fault = FieldFault("/symbol", "not_tradable", "an index is traded in a replay of its bars only")
    raise Invalid("not_tradable", f"{instrument.id} cannot be bought or sold.", errors=(fault,))
