"""An instrument first met in a command is registered as unverified, and the answer says so."""

import re
from decimal import Decimal

from application.ports.repositories import RegisteredInstrument
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import FieldFault, Invalid

SYMBOL = re.compile(r"[A-Z0-9.^=/-]{1,24}", re.ASCII)
PAIR = re.compile(r"[A-Z0-9]{2,12}-(USD|USDT|USDC|EUR|BTC)(-PERP)?", re.ASCII)
EQUITY_TICK = Decimal("0.0001")


def normal_symbol(text: str, pointer: str = "/ticker") -> str:
    """Trimmed and upper-cased; Invalid `invalid_symbol` unless 1–24 of `A-Z 0-9 . ^ = / -`."""
    symbol = text.strip().upper()
    if not SYMBOL.fullmatch(symbol):
        fault = FieldFault(pointer, "invalid_symbol", "1 to 24 of A-Z 0-9 . ^ = / -")
        raise Invalid("invalid_request", "The symbol is not valid.", errors=(fault,))
    return symbol


def registered(ticker: str, work: UnitOfWork) -> tuple[RegisteredInstrument, bool]:
    """The instrument, and whether this call registered it."""
    symbol = normal_symbol(ticker)
    known = work.instruments.find(symbol)
    if known is not None:
        return known, False
    is_pair = PAIR.fullmatch(symbol) is not None
    new = RegisteredInstrument(
        id=symbol,
        kind="spot" if is_pair else "equity",
        asset_class="crypto" if is_pair else "equity",
        quote=symbol.split("-")[1] if is_pair else "USD",
        calendar="24/7" if is_pair else "XNYS",
        tick_size=None if is_pair else EQUITY_TICK,
        lot_step=None,
        status="unverified",
        updated_at=work.now,
    )
    work.instruments.add(new)
    return new, True
