"""Which source is asked first when the caller names none; synthetic data is never among them."""

from domain.market.candle import Source

SOURCE_ORDER = (
    Source.BINANCE,
    Source.HYPERLIQUID,
    Source.IMPORTED,
    Source.YFINANCE,
    Source.BUNDLED,
)
