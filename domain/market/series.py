"""A stored series: what is known of it as a whole, and the files that hold its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.market.candle import SeriesKey
from domain.market.merging import Range

WHOLE_SERIES = 0


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Inventory entry. `coverage`: ranges that were fetched; `confirmed_empty`: ranges the source
    says hold nothing. Both sorted, disjoint, half-open, epoch ms. `gap_count` counts missing
    bars."""

    key: SeriesKey
    calendar: str
    price_scale: int
    bars: int
    expected: int
    gap_count: int
    first_open: datetime
    last_open: datetime
    last_close: datetime
    coverage: tuple[Range, ...]
    confirmed_empty: tuple[Range, ...]
    fetched_at: datetime
    updated_at: datetime
    attribution: str | None = None
    note: str | None = None
    opens_reliable_from: date | None = None
    publication_delay_s: int = 0
    version: int = 1

    @property
    def completeness(self) -> float | None:
        """Present bars of the grid / expected bars; null when none is expected."""
        return (self.expected - self.gap_count) / self.expected if self.expected else None


class PartitionState(StrEnum):
    """A quarantined partition failed its checksum and is not read."""

    READY = "ready"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class PartitionManifest:
    """One Parquet file and its mirror. `year` is 0 for intervals of a day and longer.

    `sha256` is of the file's bytes, `content_sha256` of the rows' bytes: equal rows have equal
    content hashes on every machine, whatever wrote the file.
    """

    series_id: str
    year: int
    path: str
    rows: int
    first_open: datetime
    last_open: datetime
    sha256: str
    content_sha256: str
    schema_version: int
    written_at: datetime
    state: PartitionState = PartitionState.READY


@dataclass(frozen=True, slots=True)
class Revision:
    """A row whose values a later fetch changed."""

    series_id: str
    open_time: datetime
    old: Mapping[str, object]
    new: Mapping[str, object]
    old_fetched_at: datetime
    fetched_at: datetime


class ActionKind(StrEnum):
    """Corporate actions that came with a series."""

    DIVIDEND = "dividend"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """A cash amount per share, or a split ratio (2 = two new for one), on its ex-date."""

    series_id: str
    kind: ActionKind
    ex_date: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class DataSnapshot:
    """Rows pinned for a computation. `sha256` depends on series, range and row values only."""

    series_ids: tuple[str, ...]
    start_ms: int
    end_ms: int
    rows: int
    partitions: tuple[str, ...]
    sha256: str
