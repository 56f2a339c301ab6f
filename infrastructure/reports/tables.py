"""Tables as csv and xlsx, in memory or into a file; a text cell that a spreadsheet could run as a
formula is neutralised.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from domain.shared.decimals import plain
from domain.shared.instants import rfc3339

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutral(text: str) -> str:
    """Text that starts like a formula gets a leading apostrophe."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """RFC 4180 with a header row, UTF-8; numbers are exact decimals."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_text(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def as_xlsx(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """One sheet; a number that a float cannot hold exactly is written as text."""
    # Imported here: the API process should not load a spreadsheet writer to start.
    from xlsxwriter import Workbook  # noqa: PLC0415

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(out, options) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(columns))
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, [_cell(cell) for cell in row])
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A named table of a workbook."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """As `as_csv`, row by row into a file."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([neutral(column) for column in columns])
        writer.writerows([_text(cell) for cell in row] for row in rows)


def write_workbook(path: Path, sheets: Iterable[Sheet]) -> None:
    """As `as_xlsx`, several sheets into a file, one row in memory at a time."""
    from xlsxwriter import Workbook  # noqa: PLC0415

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(path, options) as book:
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            page.write_row(0, 0, [neutral(column) for column in sheet.columns])
            for number, row in enumerate(sheet.rows, start=1):
                page.write_row(number, 0, [_cell(cell) for cell in row])


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return plain(cell)
    if isinstance(cell, datetime):
        return rfc3339(cell)
    if isinstance(cell, int):
        return str(cell)
    return neutral(str(cell))


def _cell(cell: object) -> object:
    if isinstance(cell, Decimal):
        approximate = float(cell)
        return approximate if Decimal(repr(approximate)) == cell else plain(cell)
    return cell if isinstance(cell, int) else _text(cell)
