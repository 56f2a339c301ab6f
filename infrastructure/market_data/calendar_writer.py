"""Writes session tables with exchange_calendars. Needs pandas: run it in a child process.

`python -m infrastructure.market_data.calendar_writer --data-dir DIR [--names XNYS …]`
"""

import argparse
import warnings
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.market.trading_calendar import DAY_MS, SESSION_DTYPE
from infrastructure.market_data.calendar_tables import FOLDER
from infrastructure.market_data.durable_files import write_durably

FIRST_DAY = date(1986, 1, 2)
DAYS_AHEAD = 400
DEFAULT_NAMES = ("XNYS",)


def write_calendars(
    data_dir: Path, names: Sequence[str] = DEFAULT_NAMES, today: date | None = None
) -> list[Path]:
    """Write `<data>/calendars/{name}.npy` for each name, from 1986-01-02 to today + 400 days."""
    last = (today or datetime.now(UTC).date()) + timedelta(days=DAYS_AHEAD)
    written = []
    for name in names:
        table = _sessions(name, last)
        target = data_dir / FOLDER / f"{name}.npy"
        write_durably(target, lambda path, rows=table: _save(path, rows))  # type: ignore[misc]
        written.append(target)
    return written


def _sessions(name: str, last: date) -> NDArray[np.void]:
    from exchange_calendars import get_calendar  # noqa: PLC0415 - pandas stays out of other processes

    with warnings.catch_warnings():
        # The library itself calls what newer pandas releases deprecate.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        source = get_calendar(name, start=FIRST_DAY.isoformat(), end=last.isoformat())
    schedule = source.schedule
    table = np.zeros(len(schedule), dtype=SESSION_DTYPE)
    table["session"] = _epoch_ms(schedule.index) // DAY_MS
    table["open_ms"] = _epoch_ms(schedule["open"].dt.tz_convert(None))
    table["close_ms"] = _epoch_ms(schedule["close"].dt.tz_convert(None))
    table["early"] = schedule.index.isin(source.early_closes)
    return table


def _epoch_ms(stamps: object) -> NDArray[np.int64]:
    return np.asarray(stamps, dtype="datetime64[ms]").astype(np.int64)


def _save(path: Path, table: NDArray[np.void]) -> None:
    with path.open("wb") as stream:
        np.save(stream, table, allow_pickle=False)


def main() -> None:
    """Command line of the child process."""
    parser = argparse.ArgumentParser(description="Write session tables.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--names", nargs="*", default=list(DEFAULT_NAMES))
    options = parser.parse_args()
    write_calendars(options.data_dir, options.names)


if __name__ == "__main__":
    main()
