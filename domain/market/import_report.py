"""What became of an imported file, row by row where rows were wrong."""

from dataclasses import dataclass

from domain.market.quality_report import QualityReport

ROW_ERRORS_MAX = 500


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that could not be used. `row` is the line of the file, the header being 1."""

    row: int
    column: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`stored` is true only when every row was usable; else nothing was written.

    `errors` is in row order and capped at 500; `errors_omitted` counts the rest.
    """

    instrument: str
    series: str
    stored: bool
    rows_read: int
    rows_of_other_symbols: int
    inserted: int
    unchanged: int
    revised: int
    actions: int
    errors: tuple[RowError, ...]
    errors_omitted: int
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    report: QualityReport


def capped_errors(errors: list[RowError]) -> tuple[tuple[RowError, ...], int]:
    """The first 500 by row, and how many are left out."""
    ordered = sorted(errors, key=lambda error: (error.row, error.column))
    return tuple(ordered[:ROW_ERRORS_MAX]), max(0, len(ordered) - ROW_ERRORS_MAX)
