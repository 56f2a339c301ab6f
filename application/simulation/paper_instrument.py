"""What the simulation needs to know of an instrument; nothing is registered by asking."""

from dataclasses import dataclass
from decimal import Decimal

from application.ports.unit_of_work import UnitOfWork
from domain.market.instrument import AssetClass
from domain.market.symbols import find_or_describe
from domain.shared.decimals import QUANTITY_STEP
from domain.shared.errors import FieldFault, Invalid

# On paper a dollar is a dollar, whichever token says so.
DOLLARS = frozenset({"USD", "USDT", "USDC"})
CRYPTO_TICK = Decimal("0.00000001")
OTHER_TICK = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class PaperInstrument:
    """Canonical id and trading steps."""

    id: str
    tick_size: Decimal
    lot_step: Decimal


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
    return PaperInstrument(described.id, tick or default, step or QUANTITY_STEP)
