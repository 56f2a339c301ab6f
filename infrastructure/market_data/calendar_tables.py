"""Session tables as memory arrays: written once by a child process, read here without pandas."""

import re
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from domain.market.trading_calendar import (
    ALWAYS_OPEN,
    SESSION_DTYPE,
    WEEKDAYS,
    TradingCalendar,
)
from domain.shared.errors import NotFound, Unavailable

FOLDER = "calendars"
_WHOLE_DAYS: dict[str, Callable[[], TradingCalendar]] = {
    ALWAYS_OPEN: TradingCalendar.always_open,
    WEEKDAYS: TradingCalendar.weekdays,
}
_NAME = re.compile(r"[A-Za-z0-9_]{2,16}")


class ArrayCalendars:
    """`CalendarTables` on `<data>/calendars/*.npy`; a rewritten table is read anew."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER
        self._lock = threading.Lock()
        self._loaded: dict[str, tuple[int, TradingCalendar]] = {}

    def names(self) -> Sequence[str]:
        """Whole-day calendars first, then the tables on disk."""
        return [*_WHOLE_DAYS, *sorted(path.stem for path in self._folder.glob("*.npy"))]

    def calendar(self, name: str) -> TradingCalendar:
        """NotFound `unknown_calendar`; Unavailable `calendar_corrupt` for an unreadable table."""
        if name in _WHOLE_DAYS:
            return _whole_days(name)
        path = self._folder / f"{name}.npy"
        if _NAME.fullmatch(name) is None or not path.is_file():
            raise NotFound("unknown_calendar", "There is no calendar of that name.")
        stamp = path.stat().st_mtime_ns
        with self._lock:
            loaded = self._loaded.get(name)
            if loaded is None or loaded[0] != stamp:
                loaded = (stamp, _load(name, path))
                self._loaded[name] = loaded
        return loaded[1]


@cache
def _whole_days(name: str) -> TradingCalendar:
    return _WHOLE_DAYS[name]()


def _load(name: str, path: Path) -> TradingCalendar:
    try:
        table = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as unreadable:
        raise Unavailable(
            "calendar_corrupt", f"The table of {name} cannot be read."
        ) from unreadable
    if table.dtype != SESSION_DTYPE or not len(table):
        raise Unavailable("calendar_corrupt", f"The table of {name} has an unknown layout.")
    table.flags.writeable = False
    return TradingCalendar.from_table(name, table)
