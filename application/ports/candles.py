"""Candles at rest: the inventory in the database, the rows in files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from domain.market.candle import Candles, SeriesKey
from domain.market.merging import OnConflict, Range
from domain.market.series import (
    CandleSeries,
    CorporateAction,
    DataSnapshot,
    PartitionManifest,
    Revision,
)


@dataclass(frozen=True, slots=True)
class SeriesFilter:
    """Equality filters; None does not filter."""

    instrument: str | None = None
    source: str | None = None
    interval: str | None = None
    adjustment: str | None = None


class SeriesBook(Protocol):
    """Inventory of series, shared by all owners, inside one transaction."""

    def find(self, series_id: str) -> CandleSeries | None: ...
    def get(self, series_id: str) -> CandleSeries:
        """NotFound `unknown_series`."""
        ...

    def list(self, where: SeriesFilter) -> Sequence[CandleSeries]:
        """Ordered by id."""
        ...

    def put(self, series: CandleSeries) -> None:
        """Insert, or replace the predecessor version. StaleVersion `stale_version` otherwise."""
        ...

    def partitions(self, series_id: str) -> Sequence[PartitionManifest]:
        """Ordered by year."""
        ...

    def put_partitions(self, manifests: Sequence[PartitionManifest]) -> None:
        """Insert or replace by (series, year)."""
        ...

    def quarantine(self, series_id: str, year: int) -> None: ...
    def remove(self, series_id: str) -> None:
        """Forget series, partitions, revisions and actions. NotFound `unknown_series`."""
        ...

    def revisions(self, series_id: str) -> Sequence[Revision]:
        """Oldest fetch first."""
        ...

    def add_revisions(self, revisions: Sequence[Revision]) -> None: ...
    def actions(self, series_id: str) -> Sequence[CorporateAction]:
        """By ex-date."""
        ...

    def put_actions(self, actions: Sequence[CorporateAction]) -> None:
        """Insert or replace by (series, kind, ex-date)."""
        ...


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """What a writer states about the series it stores.

    `covered` is the range that was fetched; without it, every unbroken run of the rows.
    """

    calendar: str
    fetched_at: datetime
    attribution: str | None = None
    note: str | None = None
    opens_reliable_from: date | None = None
    publication_delay_s: int = 0
    covered: Range | None = None
    confirmed_empty: tuple[Range, ...] = ()
    actions: tuple[CorporateAction, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """What a merge changed."""

    series: CandleSeries
    inserted: int
    unchanged: int
    revised: int


class CandleReader(Protocol):
    """Reads memory-mapped rows. Thread-safe, no third-party reader in the process.

    Raises NotFound `unknown_series`; Unavailable `corrupt_partition` when a file of the range
    fails its checksum (it is quarantined; other ranges stay readable).
    """

    def series(self, where: SeriesFilter) -> Sequence[CandleSeries]: ...
    def describe(self, series_id: str) -> CandleSeries: ...
    def read(self, series_id: str, start_ms: int, end_ms: int, limit: int | None = None) -> Candles:
        """Rows with start <= open_time < end, ascending, the first `limit`."""
        ...

    def latest(self, series_id: str, until_ms: int, limit: int) -> Candles:
        """The last `limit` rows with close_time <= until, ascending."""
        ...


class CandleStore(CandleReader, Protocol):
    """Reader and writer; writing needs the process that may load the file format's library."""

    def merge(
        self, key: SeriesKey, rows: Candles, facts: SeriesFacts, on_conflict: OnConflict
    ) -> MergeOutcome:
        """Upsert valid, sorted, unique rows. Conflict `conflicting_candles` with the first 20 times
        when `on_conflict` is reject and stored rows differ; nothing is written then."""
        ...

    def snapshot(self, series_ids: Sequence[str], start_ms: int, end_ms: int) -> DataSnapshot: ...
    def delete(self, series_id: str) -> None: ...
