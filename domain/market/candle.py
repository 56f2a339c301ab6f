"""Candles as columns: one structured array per series, keyed by open time.

Times are UTC epoch milliseconds. `close_time` is the first instant at which the bar is complete,
so a reader at t may see exactly the rows with `close_time <= t`. Volumes that a source does not
give are NaN, a missing trade count is -1; prices are always finite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntFlag, StrEnum
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from domain.market.timeframe import timeframe
from domain.shared.errors import Invalid

Candles = NDArray[np.void]
Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

CANDLE_DTYPE = np.dtype(
    [
        ("open_time", "<i8"),
        ("close_time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("volume", "<f8"),
        ("quote_volume", "<f8"),
        ("trades", "<i8"),
        ("taker_buy_base", "<f8"),
        ("taker_buy_quote", "<f8"),
        ("flags", "<i8"),
    ]
)
PRICES = ("open", "high", "low", "close")
VOLUMES = ("volume", "quote_volume", "taker_buy_base", "taker_buy_quote")
PRICE_SCALE_MAX = 12


class Flag(IntFlag):
    """Bits of `flags`."""

    FILLED = 1
    REVISED = 2
    AGGREGATED = 4
    CLOSE_ONLY = 8
    AGGREGATED_WITH_HOLES = 16


class Adjustment(StrEnum):
    """What the prices contain: nothing, splits, or splits and dividends."""

    RAW = "raw"
    SPLIT = "split"
    TOTAL = "total"


class Source(StrEnum):
    """Where candles come from."""

    BINANCE = "binance"
    HYPERLIQUID = "hyperliquid"
    YFINANCE = "yfinance"
    IMPORTED = "imported"
    BUNDLED = "bundled"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """One series: state is never shared between two of these."""

    source: str
    instrument: str
    interval: str
    adjustment: str = Adjustment.RAW

    @property
    def id(self) -> str:
        """`bundled:SPX:1d:raw`."""
        return f"{self.source}:{self.instrument}:{self.interval}:{self.adjustment}"

    @classmethod
    def parse(cls, text: str) -> "SeriesKey":
        """Inverse of `id`. Invalid `unknown_series` when the text is not four known parts."""
        parts = text.split(":")
        if len(parts) != 4 or not parts[1]:
            raise Invalid("unknown_series", "A series id is source:instrument:interval:adjustment.")
        source, instrument, interval, adjustment = parts
        try:
            return cls(Source(source), instrument, timeframe(interval).name, Adjustment(adjustment))
        except ValueError as unknown:
            raise Invalid("unknown_series", "The series id names an unknown part.") from unknown


def empty_candles(count: int = 0) -> Candles:
    """Rows with zero times, NaN prices and volumes, no trade count and no flags."""
    rows = np.zeros(count, dtype=CANDLE_DTYPE)
    for name in PRICES + VOLUMES:
        rows[name] = np.nan
    rows["trades"] = -1
    return rows


def candles_from(columns: Mapping[str, NDArray[np.generic]]) -> Candles:
    """Rows from named columns of equal length; columns not named keep their empty values."""
    count = len(next(iter(columns.values()))) if columns else 0
    rows = empty_candles(count)
    for name, values in columns.items():
        rows[name] = values
    return rows


def close_only(open_times: Times, close_times: Times, closes: NDArray[np.float64]) -> Candles:
    """Rows of a series with one value a day: open = high = low = close, no volume, flag 8."""
    rows = candles_from({"open_time": open_times, "close_time": close_times})
    for name in PRICES:
        rows[name] = closes
    rows["flags"] = Flag.CLOSE_ONLY
    return rows


def same_values(left: Candles, right: Candles) -> Mask:
    """Row by row: equal in everything but flags, where two missing values are equal."""
    equal = np.ones(len(left), dtype=np.bool_)
    for name in CANDLE_DTYPE.names or ():
        if name == "flags":
            continue
        a, b = left[name], right[name]
        equal &= (a == b) | (np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else a == b
    return equal


def is_among(values: Times, reference: Times) -> Mask:
    """Per value: is it in `reference`, which is ascending?"""
    if not len(reference):
        return np.zeros(len(values), dtype=np.bool_)
    at = np.minimum(np.searchsorted(reference, values), len(reference) - 1)
    found: Mask = reference[at] == values
    return found


def content_hash(*parts: Candles) -> str:
    """SHA-256 over the rows' little-endian bytes, hex: the same on every machine for the same
    data."""
    digest = sha256()
    for rows in parts:
        digest.update(np.ascontiguousarray(rows, dtype=CANDLE_DTYPE).view(np.uint8).data)
    return digest.hexdigest()


def price_scale(rows: Candles) -> int:
    """Fewest decimals (at most 12) that write every price of the rows exactly."""
    prices = np.concatenate([rows[name] for name in PRICES]) if len(rows) else np.zeros(0)
    prices = prices[np.isfinite(prices)]
    for decimals in range(PRICE_SCALE_MAX):
        if bool(np.all(np.round(prices, decimals) == prices)):
            return decimals
    return PRICE_SCALE_MAX


def to_ms(instant: datetime) -> int:
    """Epoch milliseconds, rounded down."""
    whole = instant.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * 1000 + whole.microseconds // 1000


def from_ms(epoch_ms: int) -> datetime:
    """Aware UTC datetime of epoch milliseconds."""
    seconds, milliseconds = divmod(int(epoch_ms), 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)
