"""A table as csv or xlsx bytes; a text cell that a spreadsheet could run as a formula is
neutralised.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

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


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return plain(cell)
    if isinstance(cell, datetime):
        return rfc3339(cell)
    return neutral(str(cell))


def _cell(cell: object) -> object:
    if isinstance(cell, Decimal):
        approximate = float(cell)
        return approximate if Decimal(repr(approximate)) == cell else plain(cell)
    return cell if isinstance(cell, int) else _text(cell)
