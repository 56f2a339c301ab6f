"""The instruments every installation knows without a network.

Four bundled series, 30 USDT perpetuals, 10 spot pairs, 8 currency pairs. Steps of the crypto rows
are null: only a venue can tell them, and its metadata replaces these rows when it is reachable.
"""

from domain.market.instrument import AssetClass, Instrument, InstrumentKind

VIX_PUBLICATION_DELAY_S = 900

_PERPETUALS = (
    "BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA", "AVAX", "LINK", "DOT",
    "LTC", "BCH", "UNI", "ATOM", "ETC", "FIL", "APT", "ARB", "OP", "NEAR",
    "INJ", "SUI", "TIA", "SEI", "AAVE", "XLM", "TRX", "ICP", "HBAR", "ALGO",
)  # fmt: skip
_SPOT = ("BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA", "LTC", "LINK", "AVAX")
_FX = (
    ("EUR", "USD"), ("GBP", "USD"), ("USD", "JPY"), ("USD", "CHF"),
    ("AUD", "USD"), ("USD", "CAD"), ("NZD", "USD"), ("EUR", "GBP"),
)  # fmt: skip


def _index(symbol: str, name: str, yfinance: str) -> Instrument:
    return Instrument(
        id=symbol,
        kind=InstrumentKind.INDEX,
        asset_class=AssetClass.EQUITY_INDEX,
        base=symbol,
        quote="USD",
        settle="USD",
        calendar="XNYS",
        name=name,
        venue_symbols={"yfinance": yfinance},
    )


_BUNDLED = (
    _index("SPX", "S&P 500 index", "^GSPC"),
    _index("IXIC", "NASDAQ Composite index", "^IXIC"),
    Instrument(
        id="WTI",
        kind=InstrumentKind.INDEX,
        asset_class=AssetClass.COMMODITY,
        base="WTI",
        quote="USD",
        settle="USD",
        calendar="XNYS",
        name="West Texas Intermediate crude oil, spot price at Cushing",
        is_close_only=True,
    ),
    Instrument(
        id="VIX",
        kind=InstrumentKind.INDEX,
        asset_class=AssetClass.VOLATILITY,
        base="VIX",
        quote="USD",
        settle="USD",
        calendar="XNYS",
        name="Cboe Volatility Index",
        venue_symbols={"yfinance": "^VIX"},
        publication_delay_s=VIX_PUBLICATION_DELAY_S,
        is_close_only=True,
    ),
)


def _perpetual(base: str) -> Instrument:
    return Instrument(
        id=f"{base}-USDT-PERP",
        kind=InstrumentKind.PERP,
        asset_class=AssetClass.CRYPTO,
        base=base,
        quote="USDT",
        settle="USDT",
        calendar="24/7",
        name=f"{base} USDT perpetual",
        venue_symbols={"binance": f"{base}USDT", "hyperliquid": base},
        funding_interval_h=8,
    )


def _spot(base: str) -> Instrument:
    return Instrument(
        id=f"{base}-USDT",
        kind=InstrumentKind.SPOT,
        asset_class=AssetClass.CRYPTO,
        base=base,
        quote="USDT",
        settle="USDT",
        calendar="24/7",
        name=f"{base} in USDT",
    )


def _pair(base: str, quote: str) -> Instrument:
    return Instrument(
        id=f"{base}-{quote}",
        kind=InstrumentKind.FX,
        asset_class=AssetClass.FX,
        base=base,
        quote=quote,
        settle=quote,
        calendar="24/5",
        name=f"{base} in {quote}",
        venue_symbols={"yfinance": f"{base}{quote}=X"},
    )


KNOWN_INSTRUMENTS: dict[str, Instrument] = {
    instrument.id: instrument
    for instrument in (
        *_BUNDLED,
        *(_perpetual(base) for base in _PERPETUALS),
        *(_spot(base) for base in _SPOT),
        *(_pair(base, quote) for base, quote in _FX),
    )
}
