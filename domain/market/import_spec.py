"""What a caller declares about a file of candles: declared, never guessed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.market.candle import Adjustment
from domain.market.instrument import clean_symbol
from domain.market.merging import OnConflict
from domain.market.quality_report import GapPolicy
from domain.market.timeframe import timeframe
from domain.shared.errors import FieldFault, Invalid

DELIMITERS = {",": ",", ";": ";", "\t": "\t", "comma": ",", "semicolon": ";", "tab": "\t"}
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")


class TimeUnit(StrEnum):
    """Unit of epoch numbers in the time column."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """`symbol` picks the rows of a file with a symbol column; without it, the instrument's
    spellings do.

    `timezone` applies to times written without an offset. `gap_policy` is `warn`: a file may have
    holes.
    """

    instrument: str
    interval: str
    adjustment: Adjustment = Adjustment.RAW
    timezone: str = "UTC"
    time_unit: TimeUnit | None = None
    delimiter: str = ","
    symbol: str | None = None
    on_conflict: OnConflict = OnConflict.REJECT
    gap_policy: GapPolicy = GapPolicy.WARN

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "ImportSpec":
        """Spec from JSON; Invalid `import_invalid` naming every bad field."""
        faults = [
            FieldFault(f"/{name}", "unknown_field", "There is no such field.")
            for name in document
            if name not in _READERS
        ]
        values: dict[str, object] = {}
        for name, read in _READERS.items():
            raw = document.get(name)
            if raw is None:
                if name in ("instrument", "interval"):
                    faults.append(FieldFault(f"/{name}", "missing", f"{name} must be declared."))
                continue
            try:
                values[name] = read(str(raw))
            except (ValueError, Invalid) as refused:
                text = refused.message if isinstance(refused, Invalid) else str(refused)
                faults.append(FieldFault(f"/{name}", "invalid_value", text))
        if faults:
            raise Invalid("import_invalid", "The import spec is not usable.", errors=tuple(faults))
        return cls(**values)  # type: ignore[arg-type]

    def as_document(self) -> dict[str, object]:
        """Inverse of `from_document`."""
        return {name: getattr(self, name) for name in _READERS}


def _zone(text: str) -> str:
    if _ZONE.fullmatch(text) is None:
        raise ValueError("not the name of a time zone")
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise ValueError("not a known time zone") from unknown
    return text


def _delimiter(text: str) -> str:
    if text not in DELIMITERS:
        raise ValueError("comma, semicolon or tab")
    return DELIMITERS[text]


def _choice(kind: type[StrEnum]) -> Callable[[str], object]:
    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError as unknown:
            raise ValueError("one of " + ", ".join(kind)) from unknown

    return read


def _interval(text: str) -> str:
    return timeframe(text).name


_READERS: dict[str, Callable[[str], object]] = {
    "instrument": clean_symbol,
    "interval": _interval,
    "adjustment": _choice(Adjustment),
    "timezone": _zone,
    "time_unit": _choice(TimeUnit),
    "delimiter": _delimiter,
    "symbol": str,
    "on_conflict": _choice(OnConflict),
    "gap_policy": _choice(GapPolicy),
}
