"""Text cells to numbers and instants, a column at a time; bad cells are named, never repeated.

A column that parses as a whole takes the fast path; one bad cell sends only its batch through the
slow one, which knows the row.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.market.import_report import RowError
from domain.market.import_spec import TimeUnit

PER_MS = {TimeUnit.SECONDS: 1000, TimeUnit.MILLISECONDS: 1, TimeUnit.MICROSECONDS: 0}
NO_TIME = np.iinfo(np.int64).min
ZONE_STEP_MS = 900_000
DAY_MS = 86_400_000
YEAR_2200_MS = 7_258_118_400_000
_NAN = pa.array(np.full(1, np.nan))[0]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class CellErrors:
    """Errors of all batches, in file order."""

    found: list[RowError] = field(default_factory=list)

    def add(self, row: int, column: str, code: str, message: str) -> None:
        """Name one cell."""
        self.found.append(RowError(row, column, code, message))


def numbers(
    cells: pa.Array, column: str, lines: NDArray[np.int64], errors: CellErrors
) -> NDArray[np.float64]:
    """float64, NaN for an empty cell and for a bad one."""
    trimmed = pc.utf8_trim_whitespace(cells)
    try:
        return _float_array(pc.cast(trimmed, pa.float64()))
    except pa.ArrowInvalid:
        values = np.full(len(cells), np.nan)
        for i, text in enumerate(trimmed.to_pylist()):
            if not text:
                continue
            try:
                values[i] = _plain_float(text)
            except ValueError:
                errors.add(int(lines[i]), column, "not_a_number", "The cell is not a plain number.")
        return values


@dataclass(frozen=True, slots=True)
class TimeReader:
    """Reads the time column: epoch numbers of the declared unit, or ISO 8601 text."""

    unit: TimeUnit | None
    zone: ZoneInfo

    def read(
        self, cells: pa.Array, column: str, lines: NDArray[np.int64], errors: CellErrors
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """UTC epoch ms (`NO_TIME` for a bad cell), and which cells name a whole local day: for
        those the number is the day's midnight as if it were UTC."""
        if self.unit is not None:
            return self._epochs(cells, column, lines, errors)
        trimmed = pc.utf8_trim_whitespace(cells)
        try:
            naive = pc.cast(trimmed, pa.timestamp("us"))
        except pa.ArrowInvalid:
            return self._mixed(trimmed, column, lines, errors)
        if naive.null_count:
            return self._mixed(trimmed, column, lines, errors)
        local = _integers(naive) // 1000
        whole_days = local % DAY_MS == 0
        if bool(whole_days.all()):
            return local, whole_days
        return self._localised(local, column, lines, errors), np.zeros(len(local), dtype=np.bool_)

    def _epochs(
        self, cells: pa.Array, column: str, lines: NDArray[np.int64], errors: CellErrors
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        values = numbers(cells, column, lines, errors)
        named = {error.row for error in errors.found if error.column == column}
        assert self.unit is not None
        factor = PER_MS[self.unit]
        scaled = values * factor if factor else np.floor_divide(values, 1000)
        bad = ~np.isfinite(scaled) | (np.abs(scaled) > YEAR_2200_MS)
        for i in np.flatnonzero(bad).tolist():
            if int(lines[i]) not in named:
                errors.add(int(lines[i]), column, "bad_time", "Not an epoch time in that unit.")
        times = np.where(bad, 0, scaled).astype(np.int64)
        times[bad] = NO_TIME
        return times, np.zeros(len(times), dtype=np.bool_)

    def _mixed(
        self, trimmed: pa.Array, column: str, lines: NDArray[np.int64], errors: CellErrors
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        times = np.full(len(trimmed), NO_TIME, dtype=np.int64)
        local = np.zeros(len(trimmed), dtype=np.bool_)
        for i, text in enumerate(trimmed.to_pylist()):
            try:
                instant = datetime.fromisoformat(text or "")
            except ValueError:
                code, message = _why_not_a_time(text)
                errors.add(int(lines[i]), column, code, message)
                continue
            local[i] = instant.tzinfo is None
            aware = instant.replace(tzinfo=UTC) if local[i] else instant
            times[i] = (aware - _EPOCH) // timedelta(milliseconds=1)
        days = local & (times % DAY_MS == 0) & (times != NO_TIME)
        if bool((days == (times != NO_TIME)).all()):
            return times, days
        times[local] = self._localised(times[local], column, lines[local], errors)
        return times, np.zeros(len(times), dtype=np.bool_)

    def _localised(
        self, local: NDArray[np.int64], column: str, lines: NDArray[np.int64], errors: CellErrors
    ) -> NDArray[np.int64]:
        """Local clock readings to UTC; the hour a clock change doubles or skips is an error."""
        if self.zone.key == "UTC":
            return local
        steps, inverse = np.unique(local // ZONE_STEP_MS, return_inverse=True)
        offsets = np.zeros(len(steps), dtype=np.int64)
        unclear = np.zeros(len(steps), dtype=np.bool_)
        for i, step in enumerate(steps.tolist()):
            reading = (_EPOCH + timedelta(milliseconds=step * ZONE_STEP_MS)).replace(
                tzinfo=self.zone
            )
            early, late = reading.utcoffset(), reading.replace(fold=1).utcoffset()
            offsets[i] = (early or timedelta()) // timedelta(milliseconds=1)
            unclear[i] = early != late
        times: NDArray[np.int64] = local - offsets[inverse]
        for i in np.flatnonzero(unclear[inverse]).tolist():
            errors.add(
                int(lines[i]), column, "unclear_local_time", "The clock change doubles or skips it."
            )
            times[i] = NO_TIME
        return times


def _why_not_a_time(text: str | None) -> tuple[str, str]:
    if text and text.lstrip("-").isdigit():
        return "time_unit_missing", "A number is a time only with a declared time_unit."
    return "bad_time", "The cell is not an ISO 8601 date or time."


def _plain_float(text: str) -> float:
    if "_" in text:
        raise ValueError("digit separators")
    return float(text)


def _float_array(values: pa.Array) -> NDArray[np.float64]:
    """Without `to_numpy`, which would load pandas."""
    whole = pc.fill_null(values, _NAN) if values.null_count else values
    array: NDArray[np.float64] = np.from_dlpack(whole).astype(np.float64, copy=False)
    return array


def _integers(values: pa.Array) -> NDArray[np.int64]:
    array: NDArray[np.int64] = np.from_dlpack(values.cast(pa.int64())).astype(np.int64, copy=False)
    return array
