"""What can be traded or read, and how it is called. Ids are canonical: `AAPL`, `SPX`,
`BTC-USDT-PERP`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.shared.errors import FieldFault, Invalid

SYMBOL_LENGTH_MAX = 24
TICKER_LENGTH_MAX = 20
SYNTHETIC_PREFIX = "SYN-"
UNVERIFIED_TICK = Decimal("0.0001")
UNVERIFIED_LOT_STEP = Decimal("0.00000001")

_SYMBOL = re.compile(r"[A-Z0-9.^=/_-]{1,24}")
_TICKER = re.compile(r"[A-Z0-9.^=/-]{1,20}")
_PAIR = re.compile(r"([A-Z0-9]{2,10})-([A-Z]{3,4})")
_NO_PARTS = frozenset({"", ".", ".."})
_CASH = frozenset({"USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD"})
_STABLE = frozenset({"USDT", "USDC"})


class InstrumentKind(StrEnum):
    """Index and rate are not tradable."""

    EQUITY = "equity"
    ETF = "etf"
    INDEX = "index"
    RATE = "rate"
    FX = "fx"
    SPOT = "spot"
    PERP = "perp"
    FUTURE = "future"
    OPTION = "option"
    SYNTHETIC = "synthetic"


ONLY_READ = frozenset({InstrumentKind.INDEX, InstrumentKind.RATE})


class AssetClass(StrEnum):
    """Picks fallbacks and thresholds."""

    EQUITY = "equity"
    EQUITY_INDEX = "equity_index"
    CRYPTO = "crypto"
    FX = "fx"
    COMMODITY = "commodity"
    VOLATILITY = "volatility"
    RATE = "rate"


class InstrumentStatus(StrEnum):
    """Anything but trading and unverified blocks new risk, never reading or reducing."""

    TRADING = "trading"
    HALTED = "halted"
    DELISTED = "delisted"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument. Steps and bounds are in its own units; null where no venue told them."""

    id: str
    kind: InstrumentKind
    asset_class: AssetClass
    base: str
    quote: str
    settle: str
    calendar: str
    name: str = ""
    tick_size: Decimal | None = None
    lot_step: Decimal | None = None
    min_qty: Decimal | None = None
    max_qty: Decimal | None = None
    min_notional: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    status: InstrumentStatus = InstrumentStatus.TRADING
    venue_symbols: Mapping[str, str] = field(default_factory=dict)
    publication_delay_s: int = 0
    is_close_only: bool = False
    funding_interval_h: int | None = None

    @property
    def is_tradable(self) -> bool:
        """False for indices and rates: they are read, never held."""
        return self.kind not in ONLY_READ


def clean_symbol(text: str) -> str:
    """Trimmed and upper-cased; Invalid `invalid_symbol` unless 1–24 characters of
    [A-Z0-9.^=/_-], a letter or digit among them, and no part between slashes empty, `.` or `..`.
    """
    trimmed = text.strip()
    symbol = trimmed.upper()
    # Upper-casing turns some letters of other scripts into A-Z.
    if not trimmed.isascii() or _SYMBOL.fullmatch(symbol) is None or not _is_name(symbol):
        message = (
            "A symbol has 1 to 24 characters out of A-Z 0-9 . ^ = / - with a letter or digit, "
            "and no empty, . or .. part between slashes"
        )
        raise Invalid(
            "invalid_symbol", message, errors=(FieldFault("/symbol", "invalid_symbol", message),)
        )
    return symbol


def _is_name(symbol: str) -> bool:
    parts = symbol.split("/")
    return any(c.isalnum() for c in symbol) and not _NO_PARTS.intersection(parts)


def unverified(symbol: str) -> Instrument:
    """The instrument an unknown ticker is registered as: a US equity on XNYS in USD; names like
    BTC-USD are crypto on 24/7, two national currencies are FX on 24/5.

    Invalid `unknown_instrument` when the cleaned symbol cannot be a ticker.
    """
    ticker = clean_symbol(symbol)
    if _TICKER.fullmatch(ticker) is None or ticker.startswith(SYNTHETIC_PREFIX):
        raise Invalid("unknown_instrument", f"{ticker} is neither known nor a possible ticker.")
    pair = _PAIR.fullmatch(ticker)
    if pair is None or pair[2] not in _CASH | _STABLE:
        kind, asset_class, calendar = InstrumentKind.EQUITY, AssetClass.EQUITY, "XNYS"
        base, quote = ticker, "USD"
    else:
        base, quote = pair[1], pair[2]
        both_cash = base in _CASH and quote in _CASH
        kind = InstrumentKind.FX if both_cash else InstrumentKind.SPOT
        asset_class = AssetClass.FX if both_cash else AssetClass.CRYPTO
        calendar = "24/5" if both_cash else "24/7"
    return Instrument(
        id=ticker,
        kind=kind,
        asset_class=asset_class,
        base=base,
        quote=quote,
        settle=quote,
        calendar=calendar,
        tick_size=UNVERIFIED_TICK,
        lot_step=UNVERIFIED_LOT_STEP,
        status=InstrumentStatus.UNVERIFIED,
    )
