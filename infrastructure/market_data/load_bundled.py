"""Child process of the first start: session tables, then the bundled series.

`python -m infrastructure.market_data.load_bundled --data-dir DIR --database-url URL`
"""

import argparse
import fcntl
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from application.market.session_calendar import SessionCalendar
from application.ports.unit_of_work import Store
from infrastructure.clock import SystemClock
from infrastructure.market_data.bundled import LoadedSeries, load_bundled
from infrastructure.market_data.bundled_state import feed_bundled_vix
from infrastructure.market_data.calendar_tables import FOLDER, ArrayCalendars
from infrastructure.market_data.calendar_writer import DEFAULT_NAMES, write_calendars
from infrastructure.market_data.parquet_store import ParquetCandleStore
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore

REWRITE_AFTER = timedelta(days=30)
LOCK_FILE = ".market-data.lock"


def prepare_market_data(data_dir: Path, store: Store, now: datetime) -> tuple[LoadedSeries, ...]:
    """Write session tables that are absent or a month old, then load the series. Idempotent."""
    prepare_tables(data_dir, now)
    calendars = ArrayCalendars(data_dir)
    candles = ParquetCandleStore(data_dir, store, calendars)
    loaded = load_bundled(candles, calendars, now)
    feed_bundled_vix(store, candles, SessionCalendar(calendars))
    return loaded


def prepare_tables(data_dir: Path, now: datetime) -> None:
    """Write session tables that are absent or a month old."""
    stale = [name for name in DEFAULT_NAMES if _is_stale(data_dir / FOLDER / f"{name}.npy", now)]
    if stale:
        write_calendars(data_dir, stale, now.date())


def _is_stale(path: Path, now: datetime) -> bool:
    if not path.is_file():
        return True
    return now - datetime.fromtimestamp(path.stat().st_mtime, UTC) > REWRITE_AFTER


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Several API processes start at once; the second finds everything done by the first."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Command line of the child process; prints one JSON line per series."""
    parser = argparse.ArgumentParser(description="Load the bundled daily series.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--tables-only", action="store_true")
    options = parser.parse_args()
    clock = SystemClock()
    with _alone(options.data_dir):
        if options.tables_only:
            prepare_tables(options.data_dir, clock.now())
            return
        store = SqlStore(open_database(options.database_url), clock)
        try:
            loaded = prepare_market_data(options.data_dir, store, clock.now())
        finally:
            store.close()
    for item in loaded:
        line = {"series": item.series.key.id, "bars": item.series.bars, "inserted": item.inserted}
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
