"""Reading breadth from delimited text: headings, marks for missing values, ranges, one error per
bad cell. A bad row is left out as a whole; nothing is derived or guessed."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Protocol

from domain.market.import_report import RowError
from domain.market.market_state import RANGES, fits, range_of
from domain.shared.errors import FieldFault, Invalid

FIRST_DAY = date(2007, 1, 1)
MISSING_MARKS = frozenset({"", "md"})
DATE_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "YYYY-MM-DD": "%Y-%m-%d",
        "MM/DD/YYYY": "%m/%d/%Y",
        "DD/MM/YYYY": "%d/%m/%Y",
        "DD.MM.YYYY": "%d.%m.%Y",
        "YYYYMMDD": "%Y%m%d",
    }
)
DELIMITERS = (",", ";", "\t")
CSV_COLUMNS = (
    "date", "up4", "down4", "ratio5", "ratio10", "up25q", "down25q", "up25m", "down25m", "up50m",
    "down50m", "up13", "down13", "universe", "t2108", "sp_close", "vix",
)  # fmt: skip
_HEADING_LINES_MAX = 2
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class BreadthSpec:
    """Declared by the caller: how dates are written and what parts the cells.

    `columns` renames headings of the file: {heading: our name}.
    """

    date_format: str = "YYYY-MM-DD"
    delimiter: str = ","
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "BreadthSpec":
        """From JSON; Invalid `import_invalid` names what is unknown."""
        date_format = document.get("date_format", "YYYY-MM-DD")
        delimiter = document.get("delimiter", ",")
        columns = document.get("columns", {})
        faults = [
            FieldFault(f"/spec/{name}", "unknown_field", "not part of the spec")
            for name in document
            if name not in ("date_format", "delimiter", "columns")
        ]
        if date_format not in DATE_FORMATS:
            faults.append(_fault("date_format", f"one of: {', '.join(DATE_FORMATS)}"))
        if delimiter not in DELIMITERS:
            faults.append(_fault("delimiter", "comma, semicolon or tab"))
        if not isinstance(columns, Mapping) or not all(v in CSV_COLUMNS for v in columns.values()):
            faults.append(_fault("columns", f"names among: {', '.join(CSV_COLUMNS)}"))
            columns = {}
        if faults:
            raise Invalid("import_invalid", "The breadth spec is wrong.", errors=tuple(faults))
        names = {str(heading).strip().lower(): str(name) for heading, name in columns.items()}
        return cls(str(date_format), str(delimiter), MappingProxyType(names))

    def as_document(self) -> dict[str, object]:
        """JSON values, as `from_document` takes them."""
        return {
            "date_format": self.date_format,
            "delimiter": self.delimiter,
            "columns": dict(self.columns),
        }


@dataclass(frozen=True, slots=True)
class BreadthLine:
    """One usable row; `values` holds only what the file has."""

    line: int
    day: date
    values: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class ParsedBreadth:
    """Rows by day, ascending, and what was wrong with the others."""

    rows: tuple[BreadthLine, ...]
    errors: tuple[RowError, ...]
    rows_read: int


class _Reader(Protocol):
    """The part of a csv reader that is used."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def parse_breadth(lines: Iterable[str], spec: BreadthSpec, today: date) -> ParsedBreadth:
    """Rows of the text. The heading is the first or the second line: the one that names `date`.

    Invalid `import_invalid` when no heading names `date` and a number. Of two rows of one day the
    later is an error.
    """
    reader = csv.reader(lines, delimiter=spec.delimiter)
    try:
        return _parsed(reader, spec, today)
    except csv.Error as broken:
        raise Invalid(
            "import_invalid", f"Line {reader.line_num} cannot be read.", context={"reason": "csv"}
        ) from broken


def _parsed(reader: "_Reader", spec: BreadthSpec, today: date) -> ParsedBreadth:
    columns = _heading(reader, spec)
    rows: dict[date, BreadthLine] = {}
    errors: list[RowError] = []
    read = 0
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        read += 1
        row = _row(cells, columns, spec, today, reader.line_num)
        if isinstance(row, list):
            errors += row
        elif row.day in rows:
            errors.append(_error(row.line, "date", "duplicate_date", "The day stands above."))
        else:
            rows[row.day] = row
    return ParsedBreadth(tuple(rows[day] for day in sorted(rows)), tuple(errors), read)


def _heading(reader: "_Reader", spec: BreadthSpec) -> tuple[str, ...]:
    for _, cells in zip(range(_HEADING_LINES_MAX), reader, strict=False):
        names = tuple(_name(cell, spec) for cell in cells)
        if "date" in names and any(name in RANGES for name in names):
            return _unique(names)
    message = "One of the first two lines names the columns: date and at least one number."
    raise Invalid("import_invalid", message, context={"reason": "no_heading"})


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    known = [name for name in names if name in CSV_COLUMNS]
    if len(known) != len(set(known)):
        raise Invalid(
            "import_invalid", "A column is named twice.", context={"reason": "column_twice"}
        )
    return names


def _name(cell: str, spec: BreadthSpec) -> str:
    heading = cell.lstrip("\ufeff").strip().lower()
    return spec.columns.get(heading, heading)


def _row(
    cells: Sequence[str], columns: tuple[str, ...], spec: BreadthSpec, today: date, line: int
) -> BreadthLine | list[RowError]:
    if len(cells) != len(columns):
        return [_error(line, "", "wrong_width", f"{len(columns)} cells are named.")]
    named = {n: c.strip() for n, c in zip(columns, cells, strict=True) if n in CSV_COLUMNS}
    values: dict[str, Decimal] = {}
    errors = []
    for name, text in named.items():
        if name == "date" or text.lower() in MISSING_MARKS:
            continue
        value = _number(text)
        if value is None:
            errors.append(_error(line, name, "not_a_number", "The cell is not a plain number."))
        elif not fits(name, value):
            errors.append(_error(line, name, "out_of_range", f"{range_of(name)}."))
        else:
            values[name] = value
    day = _day(named["date"], spec)
    if day is None:
        errors.append(_error(line, "date", "bad_date", f"Not a date written {spec.date_format}."))
    elif not FIRST_DAY <= day <= today:
        errors.append(_error(line, "date", "out_of_range", f"{FIRST_DAY} to today."))
    if errors or day is None:
        return errors
    if not values:
        return [_error(line, "", "empty_row", "The row holds no number.")]
    return BreadthLine(line, day, values)


def _number(text: str) -> Decimal | None:
    plain = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text
    if "_" in plain:
        return None
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _day(text: str, spec: BreadthSpec) -> date | None:
    try:
        return datetime.strptime(text, DATE_FORMATS[spec.date_format]).date()  # noqa: DTZ007
    except ValueError:
        return None


def _error(line: int, column: str, code: str, message: str) -> RowError:
    return RowError(line, column, code, message)


def _fault(name: str, message: str) -> FieldFault:
    return FieldFault(f"/spec/{name}", "out_of_range", message)
