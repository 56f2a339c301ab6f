"""Candle store: Parquet is the truth, a mirror array beside each file serves readers.

Write order: files in place and synced, then manifests, inventory and the event in one transaction.
A crash in between leaves files no manifest names (`orphaned_files`); never a manifest without its
file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from application.context import SYSTEM
from application.ports.calendars import CalendarTables
from application.ports.candles import MergeOutcome, SeriesFacts, SeriesFilter
from application.ports.unit_of_work import Store, UnitOfWork
from domain.market.candle import (
    Candles,
    SeriesKey,
    content_hash,
    empty_candles,
    from_ms,
)
from domain.market.merging import Merged, OnConflict, merge_candles
from domain.market.series import (
    CandleSeries,
    DataSnapshot,
    PartitionManifest,
    PartitionState,
)
from domain.shared.canonical import signature
from domain.shared.errors import Conflict, Invalid, StaleVersion
from domain.shared.events import NewEvent, explained
from domain.shared.instants import rfc3339
from infrastructure.market_data.array_mirror import MirrorReader
from infrastructure.market_data.parquet_files import write_partition
from infrastructure.market_data.partition_files import FOLDER, mirror_of, partition_years
from infrastructure.market_data.series_summary import revisions_of, summarised

CONFLICTS_SHOWN = 20
ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class _Change:
    """A partition before and after the merge."""

    year: int
    merged: Merged

    @property
    def is_needed(self) -> bool:
        return bool(self.merged.inserted or len(self.merged.replaced))


class ParquetCandleStore(MirrorReader):
    """`CandleStore`; load it only where pyarrow may be imported."""

    def __init__(self, data_dir: Path, store: Store, calendars: CalendarTables) -> None:
        super().__init__(data_dir, store)
        self._calendars = calendars

    def merge(
        self, key: SeriesKey, rows: Candles, facts: SeriesFacts, on_conflict: OnConflict
    ) -> MergeOutcome:
        """Upsert rows; another writer that came first makes this one merge again."""
        if not len(rows):
            raise Invalid("no_data", "There are no rows to store.")
        for attempt in range(ATTEMPTS):
            try:
                return self._merge_once(key, rows, facts, on_conflict)
            except StaleVersion:
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def snapshot(self, series_ids: Sequence[str], start_ms: int, end_ms: int) -> DataSnapshot:
        """Identity of the rows of the range: the same rows give the same hash on any machine."""
        hashes: dict[str, str] = {}
        partitions: list[str] = []
        count = 0
        for series_id in sorted(series_ids):
            rows = self.read(series_id, start_ms, end_ms)
            hashes[series_id] = content_hash(rows)
            count += len(rows)
            partitions += [
                manifest.path
                for manifest in self._partitions(series_id)
                if manifest.state is PartitionState.READY
            ]
        digest = signature({"start": start_ms, "end": end_ms, "series": hashes})
        return DataSnapshot(
            tuple(sorted(series_ids)), start_ms, end_ms, count, tuple(partitions), digest
        )

    def delete(self, series_id: str) -> None:
        """Forget the series; its files become orphans that maintenance removes."""
        self._store.command(lambda work: work.series.remove(series_id), SYSTEM).result()

    def orphaned_files(self) -> list[Path]:
        """Files below the candle folder that no manifest names."""

        def named(work: UnitOfWork) -> set[Path]:
            found: set[Path] = set()
            for series in work.series.list(SeriesFilter()):
                for manifest in work.series.partitions(series.key.id):
                    path = self._data_dir / manifest.path
                    found |= {path, mirror_of(path)}
            return found

        kept = self._store.query(named, SYSTEM)
        folder = self._data_dir / FOLDER
        return sorted(path for path in folder.rglob("*") if path.is_file() and path not in kept)

    def _merge_once(
        self, key: SeriesKey, rows: Candles, facts: SeriesFacts, on_conflict: OnConflict
    ) -> MergeOutcome:
        before, manifests = self._stored(key.id)
        changes = self._changes(key, rows, manifests, on_conflict)
        needed = [change for change in changes if change.is_needed]
        whole = self._whole(manifests, changes)
        calendar = self._calendars.calendar(facts.calendar)
        after = summarised(key, whole, rows, facts, before, calendar)
        revised = sum(len(change.merged.replaced) for change in changes)
        if on_conflict is OnConflict.KEEP:
            needed = [change for change in needed if change.merged.inserted]
            revised = 0
        unchanged = len(rows) - sum(change.merged.inserted for change in changes) - revised
        if before is not None and not needed and before.coverage == after.coverage:
            return MergeOutcome(before, 0, unchanged, 0)
        written = [
            write_partition(self._data_dir, key, change.year, change.merged.rows, after)
            for change in needed
        ]

        def commit(work: UnitOfWork) -> None:
            current = work.series.find(key.id)
            if (current.version if current else 0) != after.version - 1:
                raise StaleVersion("stale_version", f"Series {key.id} changed meanwhile.")
            work.series.put(after)
            work.series.put_partitions(written)
            if before is not None and on_conflict is OnConflict.REPLACE:
                for change in needed:
                    work.series.add_revisions(revisions_of(key.id, change.merged, before, facts))
            work.series.put_actions(facts.actions)
            work.events.append([_stored_event(work, after, len(rows), revised)])

        self._store.command(commit, SYSTEM).result()
        inserted = sum(change.merged.inserted for change in changes)
        return MergeOutcome(after, inserted, unchanged, revised)

    def _stored(self, series_id: str) -> tuple[CandleSeries | None, Sequence[PartitionManifest]]:
        return self._store.query(
            lambda work: (work.series.find(series_id), work.series.partitions(series_id)), SYSTEM
        )

    def _changes(
        self,
        key: SeriesKey,
        rows: Candles,
        manifests: Sequence[PartitionManifest],
        on_conflict: OnConflict,
    ) -> list[_Change]:
        by_year = {m.year: m for m in manifests if m.state is PartitionState.READY}
        years = partition_years(key, rows)
        changes = []
        starts = np.flatnonzero(np.diff(years, prepend=years[0] - 1))
        for year, incoming in zip(years[starts].tolist(), np.split(rows, starts[1:]), strict=True):
            known = by_year.get(year)
            stored = self.mapped(known) if known is not None else empty_candles()
            changes.append(_Change(year, merge_candles(stored, incoming, on_conflict)))
        if on_conflict is OnConflict.REJECT:
            _refuse_conflicts(key, changes)
        return changes

    def _whole(
        self, manifests: Sequence[PartitionManifest], changes: Sequence[_Change]
    ) -> list[Candles]:
        parts = {m.year: self.mapped(m) for m in manifests if m.state is PartitionState.READY}
        parts |= {change.year: change.merged.rows for change in changes}
        return [parts[year] for year in sorted(parts)]


def _refuse_conflicts(key: SeriesKey, changes: Sequence[_Change]) -> None:
    different = [int(t) for change in changes for t in change.merged.replaced["open_time"]]
    if different:
        shown = [rfc3339(from_ms(at)) for at in different[:CONFLICTS_SHOWN]]
        raise Conflict(
            "conflicting_candles",
            f"{len(different)} rows of {key.id} are stored with other values; "
            "say on_conflict keep or replace.",
            context={"count": len(different), "open_times": shown},
        )


def _stored_event(work: UnitOfWork, series: CandleSeries, rows: int, revised: int) -> NewEvent:
    sentence = f"{rows} rows of {series.key.id} were stored, {revised} of them revised."
    return NewEvent(
        type="candles_stored",
        aggregate_type="series",
        aggregate_id=series.key.id,
        account_id=None,
        data=explained(
            sentence,
            inputs={"rows": rows, "source": series.key.source},
            outputs={"bars": series.bars, "revised": revised, "gap_count": series.gap_count},
        ),
        occurred_at=work.now,
    )
