"""The four daily series every installation starts with, real and years old.

SPX, IXIC and WTI are read from the compressed CSV files of the installed `arch` package, which is
located but not imported; VIX is packaged here.
"""

import csv
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from application.ports.calendars import CalendarTables
from application.ports.candles import CandleStore, SeriesFacts
from domain.market.candle import (
    Adjustment,
    Candles,
    SeriesKey,
    Source,
    Times,
    candles_from,
    close_only,
    to_ms,
)
from domain.market.grid import close_times, session_opens
from domain.market.known_instruments import KNOWN_INSTRUMENTS
from domain.market.merging import OnConflict
from domain.market.quality_report import GapPolicy, QualityReport
from domain.market.series import CandleSeries
from domain.market.timeframe import timeframe
from domain.market.trading_calendar import TradingCalendar
from domain.market.validation import CheckContext, check_candles
from domain.shared.errors import Invalid, Unavailable

INTERVAL = "1d"
EPOCH = date(1970, 1, 1)
_NO_VALUE = ("", ".")
_ARCH = "Distributed as sample data with the arch package (NCSA licence)"
_VIX = (
    "VIX daily history compiled by the Data Packaged Core Datasets project (finance-vix), PDDL; "
    "values originate from Cboe."
)


@dataclass(frozen=True, slots=True)
class BundledSource:
    """One series: where its file is, how its dates are written, whose data it is."""

    instrument: str
    locate: Callable[[], Path]
    date_format: str
    value_column: str | None
    attribution: str
    note: str | None = None
    opens_reliable_from: date | None = None


def _in_arch(folder: str) -> Callable[[], Path]:
    def locate() -> Path:
        package = find_spec("arch")
        if package is None or package.origin is None:
            raise Unavailable("bundled_data_missing", "The arch package is not installed.")
        return Path(package.origin).parent / "data" / folder / f"{folder}.csv.gz"

    return locate


def _packaged_vix() -> Path:
    return Path(__file__).parent / "files" / "vix_daily_close.csv.gz"


BUNDLED: tuple[BundledSource, ...] = (
    BundledSource(
        "SPX",
        _in_arch("sp500"),
        "%m/%d/%Y",
        None,
        f"S&P 500 index history. {_ARCH}.",
        "Before 2008 most opens equal the previous close.",
        date(2008, 1, 2),
    ),
    BundledSource(
        "IXIC", _in_arch("nasdaq"), "%m/%d/%Y", None, f"NASDAQ Composite history. {_ARCH}."
    ),
    BundledSource(
        "WTI",
        _in_arch("wti"),
        "%m/%d/%Y",
        "DCOILWTICO",
        f"WTI spot price (DCOILWTICO), U.S. Energy Information Administration via FRED. {_ARCH}.",
        "One value a day; some values fall on days without trading.",
    ),
    BundledSource("VIX", _packaged_vix, "%Y-%m-%d", "close", _VIX, "One value a day, the close."),
)


@dataclass(frozen=True, slots=True)
class LoadedSeries:
    """A bundled series after loading."""

    series: CandleSeries
    inserted: int
    report: QualityReport


def load_bundled(
    store: CandleStore, calendars: CalendarTables, now: datetime
) -> tuple[LoadedSeries, ...]:
    """Store the four series; a second run changes nothing. Invalid `data_invalid` for a broken
    file."""
    return tuple(_load(source, store, calendars, now) for source in BUNDLED)


def read_bundled(source: BundledSource, calendar: TradingCalendar) -> Candles:
    """Rows of the file; empty values are skipped."""
    with gzip.open(source.locate(), "rt", encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    column = source.value_column
    if column is not None:
        lines = [line for line in lines if line[column].strip() not in _NO_VALUE]
    opens = session_opens(calendar, _days(lines, source.date_format))
    closes = close_times(timeframe(INTERVAL), calendar, opens)
    if column is not None:
        return close_only(opens, closes, _numbers(lines, column))
    return candles_from(
        {
            "open_time": opens,
            "close_time": closes,
            **{name.lower(): _numbers(lines, name) for name in ("Open", "High", "Low", "Close")},
            "volume": _numbers(lines, "Volume"),
        }
    )


def _load(
    source: BundledSource, store: CandleStore, calendars: CalendarTables, now: datetime
) -> LoadedSeries:
    instrument = KNOWN_INSTRUMENTS[source.instrument]
    calendar = calendars.calendar(instrument.calendar)
    key = SeriesKey(Source.BUNDLED, source.instrument, INTERVAL, Adjustment.RAW)
    context = CheckContext(key, calendar, to_ms(now), gap_policy=GapPolicy.WARN)
    checked = check_candles(read_bundled(source, calendar), context)
    if not checked.report.usable:
        raise Invalid("data_invalid", f"The bundled file of {source.instrument} is not usable.")
    rows = checked.rows
    facts = SeriesFacts(
        calendar=instrument.calendar,
        fetched_at=now,
        attribution=source.attribution,
        note=source.note,
        opens_reliable_from=source.opens_reliable_from,
        publication_delay_s=instrument.publication_delay_s,
        covered=(int(rows["open_time"][0]), int(rows["close_time"][-1])),
    )
    outcome = store.merge(key, rows, facts, OnConflict.REPLACE)
    return LoadedSeries(outcome.series, outcome.inserted, checked.report)


def _days(lines: Sequence[dict[str, str]], date_format: str) -> Times:
    if date_format == "%Y-%m-%d":
        days = [date.fromisoformat(line["date"]) for line in lines]
    else:
        days = [_american_date(line["Date"]) for line in lines]
    return np.array([(day - EPOCH).days for day in days], dtype=np.int64)


def _american_date(text: str) -> date:
    month, day, year = text.split("/")
    return date(int(year), int(month), int(day))


def _numbers(lines: Sequence[dict[str, str]], column: str) -> NDArray[np.float64]:
    return np.array([float(line[column]) for line in lines], dtype=np.float64)
