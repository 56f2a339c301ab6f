"""A store on a folder with real session tables, for tests of market data."""

import functools
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from domain.market.candle import Candles, candles_from
from domain.market.trading_calendar import TradingCalendar
from infrastructure.market_data.array_mirror import MirrorReader
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.market_data.calendar_writer import write_calendars
from infrastructure.market_data.parquet_store import ParquetCandleStore
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore
from infrastructure.persistence.tables import METADATA

NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
EXCERPTS = Path(__file__).parent.parent / "data" / "market"
HOUR_MS = 3_600_000


class FixedClock:
    """Always `NOW`."""

    def now(self) -> datetime:
        return NOW


@functools.cache
def calendar_folder() -> Path:
    """A data folder with the XNYS table, written once per test process."""
    folder = Path(tempfile.mkdtemp(prefix="ballast-calendars-"))
    write_calendars(folder, ("XNYS",), date(2026, 1, 5))
    return folder


def xnys() -> TradingCalendar:
    return ArrayCalendars(calendar_folder()).calendar("XNYS")


@dataclass(frozen=True)
class Room:
    """Everything a market-data test needs."""

    folder: Path
    store: SqlStore
    calendars: ArrayCalendars
    candles: ParquetCandleStore

    def reader(self) -> MirrorReader:
        """A reader that has mapped nothing yet, as another process would be."""
        return MirrorReader(self.folder, self.store)

    def close(self) -> None:
        self.store.close()


def open_room(folder: Path, address: str | None = None) -> Room:
    database = open_database(address or f"sqlite:///{folder / 'book.db'}")
    METADATA.create_all(database.writes)
    store = SqlStore(database, FixedClock())
    calendars = ArrayCalendars(calendar_folder())
    return Room(folder, store, calendars, ParquetCandleStore(folder, store, calendars))


def hourly(
    count: int, first: datetime = datetime(2024, 1, 1, tzinfo=UTC), price: float = 100.0
) -> Candles:
    """Unbroken 1h rows on a 24/7 calendar; closes rise by 0.25 a bar."""
    start = int(first.timestamp() * 1000)
    opens = start + np.arange(count, dtype=np.int64) * HOUR_MS
    closes = price + 0.25 * np.arange(count)
    return candles_from(
        {
            "open_time": opens,
            "close_time": opens + HOUR_MS,
            "open": closes,
            "high": closes + 1,
            "low": closes - 1,
            "close": closes,
            "volume": np.full(count, 3.0),
        }
    )
