"""Names of report files: plain, short, and safe on every file system."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.shared.errors import BadInput

FORMATS = ("json", "csv", "xlsx")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
)


@dataclass(frozen=True, slots=True)
class ReportName:
    """A name that may be written and read; its extension is its format."""

    name: str

    def __post_init__(self) -> None:
        if not is_report_name(self.name):
            raise BadInput(
                "invalid_filename",
                "A report's name is up to 80 letters, digits, dots, dashes and underscores, begins "
                "with a letter or digit, and ends in .json, .csv or .xlsx.",
            )

    @property
    def format(self) -> str:
        """`json`, `csv` or `xlsx`."""
        return self.name.rpartition(".")[2].lower()


def is_report_name(name: str) -> bool:
    """True for a name that neither leaves the folder nor means something else anywhere."""
    stem, _, extension = name.rpartition(".")
    return (
        _PLAIN.fullmatch(name) is not None
        and ".." not in name
        and bool(stem)
        and extension.lower() in FORMATS
        and name.split(".", 1)[0].upper() not in _DEVICES
    )


def default_name(now: datetime, file_format: str = "json") -> ReportName:
    """`performance_report_YYYYMMDD_HHMMSS` in UTC."""
    return ReportName(f"performance_report_{now.astimezone(UTC):%Y%m%d_%H%M%S}.{file_format}")
