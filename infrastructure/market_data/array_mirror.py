"""Reads candles from memory-mapped arrays: no Parquet or data-frame library enters the process.

A partition is verified when it is first mapped, both the Parquet file and its mirror. One that
fails is quarantined; the rest of its series stays readable.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from application.context import SYSTEM
from application.ports.candles import SeriesFilter
from application.ports.unit_of_work import Store, UnitOfWork
from domain.market.candle import CANDLE_DTYPE, Candles, content_hash, empty_candles, to_ms
from domain.market.merging import difference
from domain.market.series import CandleSeries, PartitionManifest, PartitionState
from domain.shared.errors import Unavailable
from domain.shared.events import NewEvent, explained
from domain.shared.instants import rfc3339
from infrastructure.market_data.durable_files import file_sha256
from infrastructure.market_data.partition_files import mirror_of

MAPPED_MAX = 512


class MirrorReader:
    """`CandleReader` on the mirrors below the data folder."""

    def __init__(self, data_dir: Path, store: Store) -> None:
        self._data_dir = data_dir
        self._store = store
        self._lock = threading.Lock()
        self._mapped: OrderedDict[str, Candles] = OrderedDict()

    def series(self, where: SeriesFilter) -> Sequence[CandleSeries]:
        """Inventory entries by id."""
        return self._store.query(lambda work: work.series.list(where), SYSTEM)

    def describe(self, series_id: str) -> CandleSeries:
        """NotFound `unknown_series`."""
        return self._store.query(lambda work: work.series.get(series_id), SYSTEM)

    def read(self, series_id: str, start_ms: int, end_ms: int, limit: int | None = None) -> Candles:
        """Rows with start <= open_time < end, ascending, the first `limit`."""
        parts: list[Candles] = []
        wanted = limit
        for manifest in self._partitions(series_id):
            if to_ms(manifest.last_open) < start_ms or to_ms(manifest.first_open) >= end_ms:
                continue
            rows = self.mapped(manifest)
            first, after = np.searchsorted(rows["open_time"], [start_ms, end_ms])
            part = rows[first:after] if wanted is None else rows[first:after][:wanted]
            parts.append(part)
            if wanted is not None:
                wanted -= len(part)
                if wanted <= 0:
                    break
        return _joined(parts)

    def latest(self, series_id: str, until_ms: int, limit: int) -> Candles:
        """The last `limit` rows with close_time <= until, ascending."""
        parts: list[Candles] = []
        wanted = limit
        for manifest in reversed(self._partitions(series_id)):
            if wanted <= 0:
                break
            if to_ms(manifest.first_open) >= until_ms:
                continue
            rows = self.mapped(manifest)
            after = int(np.searchsorted(rows["close_time"], until_ms, side="right"))
            part = rows[max(0, after - wanted) : after]
            parts.insert(0, part)
            wanted -= len(part)
        return _joined(parts)

    def mapped(self, manifest: PartitionManifest) -> Candles:
        """Rows of one partition, read-only; Unavailable `corrupt_partition` when it fails."""
        if manifest.state is PartitionState.QUARANTINED:
            raise _corrupt(manifest)
        with self._lock:
            found = self._mapped.get(manifest.sha256)
            if found is not None:
                self._mapped.move_to_end(manifest.sha256)
                return found
            rows = _verified(self._data_dir, manifest)
            if rows is not None:
                self._mapped[manifest.sha256] = rows
                while len(self._mapped) > MAPPED_MAX:
                    self._mapped.popitem(last=False)
                return rows
        # Not awaited: the reader may itself run inside a command, which waits for this one.
        self._store.command(quarantining(manifest), SYSTEM)
        raise _corrupt(manifest)

    def _partitions(self, series_id: str) -> Sequence[PartitionManifest]:
        def ask(work: UnitOfWork) -> Sequence[PartitionManifest]:
            found = work.series.partitions(series_id)
            if not found:
                work.series.get(series_id)
            return found

        return self._store.query(ask, SYSTEM)


def quarantining(manifest: PartitionManifest) -> Callable[[UnitOfWork], None]:
    """Command: stop reading the partition and give its range back to be fetched again."""

    def run(work: UnitOfWork) -> None:
        series = work.series.get(manifest.series_id)
        current = {item.year: item for item in work.series.partitions(manifest.series_id)}
        stored = current.get(manifest.year)
        if stored is None or stored.sha256 != manifest.sha256:
            return
        if stored.state is PartitionState.QUARANTINED:
            return
        work.series.quarantine(manifest.series_id, manifest.year)
        lost = (to_ms(manifest.first_open), to_ms(manifest.last_open) + 1)
        work.series.put(
            replace(
                series,
                coverage=difference(series.coverage, [lost]),
                updated_at=work.now,
                version=series.version + 1,
            )
        )
        facts = {"path": manifest.path, "rows": manifest.rows}
        sentence = f"A file of {manifest.series_id} failed its checksum and is no longer read."
        work.events.append(
            [
                NewEvent(
                    type="candles_quarantined",
                    aggregate_type="series",
                    aggregate_id=manifest.series_id,
                    account_id=None,
                    data=explained(sentence, inputs=facts, outputs={"state": "quarantined"}),
                    occurred_at=work.now,
                )
            ]
        )

    return run


def _verified(data_dir: Path, manifest: PartitionManifest) -> Candles | None:
    path = data_dir / manifest.path
    try:
        rows = np.load(mirror_of(path), mmap_mode="r", allow_pickle=False)
        is_whole = (
            rows.dtype == CANDLE_DTYPE
            and content_hash(rows) == manifest.content_sha256
            and file_sha256(path) == manifest.sha256
        )
    except (OSError, ValueError):
        return None
    return rows if is_whole else None


def _corrupt(manifest: PartitionManifest) -> Unavailable:
    source, instrument, interval, _ = manifest.series_id.split(":")
    span = {"start": rfc3339(manifest.first_open), "end": rfc3339(manifest.last_open)}
    return Unavailable(
        "corrupt_partition",
        f"Rows of {manifest.series_id} from {span['start']} to {span['end']} failed "
        "their checksum; fetch or import that range again to restore it.",
        context={
            "series": manifest.series_id,
            **span,
            "restore": {"source": source, "instrument": instrument, "interval": interval, **span},
        },
    )


def _joined(parts: Sequence[Candles]) -> Candles:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else empty_candles()
