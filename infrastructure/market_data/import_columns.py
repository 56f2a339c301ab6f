"""From batches of text columns to candle rows, actions and row errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.market.candle import Candles, SeriesKey, Source, empty_candles
from domain.market.grid import close_times, session_opens
from domain.market.import_report import RowError
from domain.market.import_spec import ImportSpec
from domain.market.instrument import Instrument
from domain.market.series import ActionKind, CorporateAction
from domain.market.timeframe import timeframe
from domain.market.trading_calendar import DAY_MS, EPOCH, TradingCalendar
from domain.shared.errors import Invalid
from infrastructure.market_data.import_cells import (
    NO_TIME,
    CellErrors,
    TimeReader,
    numbers,
)
from infrastructure.market_data.import_file import ImportFile, RowBatch

TIME_COLUMNS = ("open_time", "timestamp", "timestamp_utc", "time", "date", "datetime")
REQUIRED = ("open", "high", "low", "close")
OPTIONAL = ("volume", "quote_volume", "taker_buy_base", "taker_buy_quote")
ACTION_COLUMNS = {"dividends": ActionKind.DIVIDEND, "split": ActionKind.SPLIT}
TICK_VOLUME_NOTE = "The volume column counts ticks, not traded units."
ADJUSTED_CLOSE_NOTE = "adj_close was read over: adjusted prices are computed on reading."

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class ParsedRows:
    """Rows in file order with their lines; rows without a readable time are in `errors` only."""

    rows: Candles
    lines: NDArray[np.int64]
    errors: list[RowError]
    actions: tuple[CorporateAction, ...]
    rows_read: int
    rows_of_other_symbols: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Collected:
    parts: list[Candles] = field(default_factory=list)
    lines: list[NDArray[np.int64]] = field(default_factory=list)
    days: list[NDArray[np.bool_]] = field(default_factory=list)
    actions: list[tuple[ActionKind, NDArray[np.int64], NDArray[np.float64]]] = field(
        default_factory=list
    )
    read: int = 0
    foreign: int = 0


def absent_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Required columns the file lacks."""
    absent = [name for name in REQUIRED if name not in columns]
    if not any(name in columns for name in TIME_COLUMNS):
        absent.insert(0, "open_time")
    return tuple(absent)


def parse_rows(
    file: ImportFile,
    spec: ImportSpec,
    instrument: Instrument,
    calendar: TradingCalendar,
    report_progress: Progress,
) -> ParsedRows:
    """Read the whole file. Invalid `import_invalid` before the calendar's first session."""
    errors = CellErrors()
    reader = TimeReader(spec.time_unit, ZoneInfo(spec.timezone))
    time_column = next(name for name in TIME_COLUMNS if name in file.columns)
    collected = _Collected()
    for batch in file.batches():
        collected.read += len(batch.lines)
        own = _of_symbol(batch, spec, instrument)
        collected.foreign += len(batch.lines) - len(own.lines)
        if len(own.lines):
            _collect(own, time_column, reader, errors, collected)
        report_progress(collected.read, max(file.row_estimate, collected.read), "rows")
    rows = np.concatenate(collected.parts) if collected.parts else empty_candles()
    lines = np.concatenate(collected.lines) if collected.lines else np.zeros(0, dtype=np.int64)
    _place(rows, collected, spec, calendar)
    errors.found.extend(file.errors)
    key = SeriesKey(Source.IMPORTED, instrument.id, spec.interval, spec.adjustment)
    return ParsedRows(
        rows=rows,
        lines=lines,
        errors=errors.found,
        actions=_actions(key.id, collected),
        rows_read=collected.read + len(file.errors),
        rows_of_other_symbols=collected.foreign,
        notes=_notes(file.columns),
    )


def _of_symbol(batch: RowBatch, spec: ImportSpec, instrument: Instrument) -> RowBatch:
    column = batch.columns.get("symbol")
    if column is None:
        return batch
    spellings = {spec.symbol} if spec.symbol else _spellings(instrument)
    folded = column
    if spec.symbol is None:
        folded = pc.replace_substring_regex(pc.utf8_upper(column), "[-/_. ]", "")
    wanted = pc.fill_null(pc.is_in(folded, pa.array(sorted(spellings))), False)
    columns = {name: values.filter(wanted) for name, values in batch.columns.items()}
    return RowBatch(columns, batch.lines[wanted.to_numpy(zero_copy_only=False)])


def _spellings(instrument: Instrument) -> set[str]:
    names = (instrument.id, *instrument.venue_symbols.values())
    return {name.translate(str.maketrans("", "", "-/_. ")) for name in names}


def _collect(
    batch: RowBatch,
    time_column: str,
    reader: TimeReader,
    errors: CellErrors,
    collected: _Collected,
) -> None:
    times, days = reader.read(batch.columns[time_column], time_column, batch.lines, errors)
    rows = empty_candles(len(times))
    rows["open_time"] = times
    for name in REQUIRED + OPTIONAL:
        if name in batch.columns:
            rows[name] = numbers(batch.columns[name], name, batch.lines, errors)
    if "volume" not in batch.columns and "tick_volume" in batch.columns:
        rows["volume"] = numbers(batch.columns["tick_volume"], "tick_volume", batch.lines, errors)
    if "trades" in batch.columns:
        counts = numbers(batch.columns["trades"], "trades", batch.lines, errors)
        rows["trades"] = np.where(np.isfinite(counts), counts, -1).astype(np.int64)
    placed = times != NO_TIME
    collected.parts.append(rows[placed])
    collected.lines.append(batch.lines[placed])
    collected.days.append(days[placed])
    for name, kind in ACTION_COLUMNS.items():
        if name in batch.columns:
            values = numbers(batch.columns[name], name, batch.lines, errors)
            at = placed & np.isfinite(values) & (values > 0)
            collected.actions.append((kind, times[at], values[at]))


def _place(
    rows: Candles, collected: _Collected, spec: ImportSpec, calendar: TradingCalendar
) -> None:
    """Dates become the open of their session or day; every row gets its close."""
    if not len(rows):
        return
    frame = timeframe(spec.interval)
    days = np.concatenate(collected.days)
    if not frame.is_intraday and bool(days.all()) and calendar.has_sessions:
        numbers_of_days = rows["open_time"] // DAY_MS
        first, last = (EPOCH + timedelta(days=int(d)) for d in _ends(numbers_of_days))
        if first < calendar.first_day or last > calendar.last_day:
            raise Invalid(
                "import_invalid",
                f"Dates must lie between {calendar.first_day} and {calendar.last_day}.",
                context={"reason": "outside_calendar"},
            )
        rows["open_time"] = session_opens(calendar, numbers_of_days)
    elif frame.is_intraday and bool(days.any()) and spec.timezone != "UTC":
        raise Invalid(
            "import_invalid",
            "Dates without a time cannot be bars shorter than a day.",
            context={"reason": "date_only"},
        )
    rows["close_time"] = close_times(frame, calendar, rows["open_time"])


def _ends(values: NDArray[np.int64]) -> tuple[int, int]:
    return int(values.min()), int(values.max())


def _actions(series_id: str, collected: _Collected) -> tuple[CorporateAction, ...]:
    return tuple(
        CorporateAction(
            series_id, kind, EPOCH + timedelta(days=int(at) // DAY_MS), Decimal(repr(value))
        )
        for kind, times, values in collected.actions
        for at, value in zip(times.tolist(), values.tolist(), strict=True)
        if kind is ActionKind.DIVIDEND or value != 1
    )


def _notes(columns: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if "volume" not in columns and "tick_volume" in columns:
        notes.append(TICK_VOLUME_NOTE)
    if "adj_close" in columns:
        notes.append(ADJUSTED_CLOSE_NOTE)
    return tuple(notes)
