"""The process that answers requests never loads the libraries that only workers need."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "pyarrow", "arch", "exchange_calendars", "yfinance")
LIGHT = (
    "infrastructure.market_data.array_mirror",
    "infrastructure.market_data.calendar_tables",
    "infrastructure.persistence.repositories.market",
    "application.market.newest_close",
    "application.market.read_candles",
    "application.market.catalogue",
    "application.market.job_kinds",
    "app.api.market.routes",
    "domain.market.validation",
    "domain.market.import_spec",
    "domain.market.symbols",
)


@pytest.mark.parametrize("module", LIGHT)
def test_a_reader_module_loads_no_worker_library(module):
    program = f"import sys, {module}; print(*sorted({HEAVY} & sys.modules.keys()))".replace(
        str(HEAVY), repr(set(HEAVY))
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == []


def test_reading_a_candle_and_a_calendar_loads_none_of_them_either(tmp_path):
    from application.ports.candles import SeriesFacts
    from domain.market.candle import SeriesKey
    from domain.market.merging import OnConflict
    from tests.support.market import NOW, calendar_folder, hourly, open_room

    room = open_room(tmp_path)
    room.candles.merge(
        SeriesKey("imported", "BTC-USD", "1h"),
        hourly(5),
        SeriesFacts("24/7", NOW),
        OnConflict.REJECT,
    )
    room.close()
    program = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from application.market.newest_close import NewestClose
from infrastructure.clock import SystemClock
from infrastructure.market_data.array_mirror import MirrorReader
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore
store = SqlStore(open_database("sqlite:///{tmp_path / "book.db"}"), SystemClock())
close = NewestClose(MirrorReader(Path({str(tmp_path)!r}), store))("BTC-USD", datetime.now(UTC))
phase = ArrayCalendars(Path({str(calendar_folder())!r})).calendar("XNYS").phase(datetime(2024, 7, 5, 15, tzinfo=UTC))
store.close()
print(close.price, phase, *sorted({set(HEAVY)!r} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["101.00", "REGULAR"]
