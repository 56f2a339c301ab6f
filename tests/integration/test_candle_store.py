"""Parquet store and mirror reader on SQLite and PostgreSQL."""

import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from application.context import SYSTEM
from application.ports.candles import SeriesFacts, SeriesFilter
from application.ports.repositories import EventFilter
from domain.market.candle import SeriesKey, content_hash, to_ms
from domain.market.merging import OnConflict
from domain.market.series import ActionKind, CorporateAction, PartitionState
from domain.shared.errors import Conflict, Fault, Invalid, NotFound, Unavailable
from infrastructure.market_data.parquet_files import read_partition, rebuild_mirror
from infrastructure.market_data.partition_files import mirror_of, series_folder
from tests.support.databases import scratch_postgresql
from tests.support.market import HOUR_MS, NOW, hourly, open_room

KEY = SeriesKey("imported", "BTC-USD", "1h")
FACTS = SeriesFacts(calendar="24/7", fetched_at=NOW)
FAR = 1 << 60


@pytest.fixture(params=["sqlite", "postgresql"])
def room(request, tmp_path):
    with ExitStack() as stack:
        address = None
        if request.param == "postgresql":
            address = stack.enter_context(scratch_postgresql())
        made = open_room(tmp_path, address)
        yield made
        made.close()


@pytest.fixture
def lite(tmp_path):
    made = open_room(tmp_path)
    yield made
    made.close()


def manifests(room, key=KEY):
    return room.store.query(lambda work: work.series.partitions(key.id), SYSTEM)


def test_rows_come_back_as_they_went_in_by_range_and_from_the_end(room):
    rows = hourly(100, datetime(2023, 12, 30, tzinfo=UTC))
    rows["volume"][3] = np.nan
    outcome = room.candles.merge(KEY, rows, FACTS, OnConflict.REJECT)
    assert (outcome.inserted, outcome.series.bars, outcome.series.gap_count) == (100, 100, 0)
    reader = room.reader()
    assert content_hash(reader.read(KEY.id, 0, FAR)) == content_hash(rows)
    assert [m.year for m in manifests(room)] == [2023, 2024]
    third = int(rows["open_time"][3])
    assert reader.read(KEY.id, third, third + 2 * HOUR_MS)["open_time"].tolist() == [
        third,
        third + HOUR_MS,
    ]
    assert len(reader.read(KEY.id, 0, FAR, limit=60)) == 60
    newest = reader.latest(KEY.id, int(rows["close_time"][59]), 30)
    assert newest["open_time"].tolist() == rows["open_time"][30:60].tolist()
    assert len(reader.latest(KEY.id, int(rows["close_time"][59]) - 1, 1)) == 1
    assert reader.latest(KEY.id, int(rows["close_time"][0]) - 1, 5).size == 0
    for manifest in manifests(room):
        assert content_hash(read_partition(room.folder / manifest.path)) == manifest.content_sha256


def test_inventory_holds_coverage_scale_and_missing_bars(room):
    rows = np.delete(hourly(50), slice(10, 15))
    series = room.candles.merge(KEY, rows, FACTS, OnConflict.REJECT).series
    stored = room.store.query(lambda work: work.series.get(KEY.id), SYSTEM)
    assert stored == series
    assert (series.expected, series.gap_count, series.price_scale) == (50, 5, 2)
    start = int(rows["open_time"][0])
    assert series.coverage == (
        (start, start + 10 * HOUR_MS),
        (start + 15 * HOUR_MS, start + 50 * HOUR_MS),
    )
    filled = room.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT).series
    assert filled.coverage == ((start, start + 50 * HOUR_MS),) and filled.completeness == 1
    assert filled.version == 2


def test_the_same_rows_again_write_nothing(room):
    room.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT)
    before = manifests(room)
    again = room.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT)
    assert (again.inserted, again.unchanged, again.series.version) == (0, 50, 1)
    assert manifests(room) == before
    events = room.store.query(lambda work: work.events.list(EventFilter()), SYSTEM)
    assert [event.type for event in events] == ["candles_stored"]


def test_different_rows_are_refused_kept_or_replaced_as_asked(room):
    room.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT)
    other = hourly(50)
    other["high"][[4, 5]] += 1
    with pytest.raises(Conflict) as refused:
        room.candles.merge(KEY, other, FACTS, OnConflict.REJECT)
    assert refused.value.code == "conflicting_candles" and refused.value.context["count"] == 2
    kept = room.candles.merge(KEY, other, FACTS, OnConflict.KEEP)
    assert (kept.revised, kept.inserted) == (0, 0)
    assert content_hash(room.reader().read(KEY.id, 0, FAR)) == content_hash(hourly(50))
    replaced = room.candles.merge(KEY, other, FACTS, OnConflict.REPLACE)
    assert replaced.revised == 2
    rows = room.reader().read(KEY.id, 0, FAR)
    assert rows["high"][4] == other["high"][4] and rows["flags"][[3, 4, 5]].tolist() == [0, 2, 2]
    revisions = room.store.query(lambda work: work.series.revisions(KEY.id), SYSTEM)
    assert [float(r.new["high"]) - float(r.old["high"]) for r in revisions] == [1, 1]


def test_corporate_actions_are_stored_with_their_series(room):
    action = CorporateAction(
        KEY.id, ActionKind.DIVIDEND, datetime(2024, 1, 2, tzinfo=UTC).date(), Decimal("1.351")
    )
    facts = SeriesFacts(calendar="24/7", fetched_at=NOW, actions=(action,))
    room.candles.merge(KEY, hourly(50), facts, OnConflict.REJECT)
    assert room.store.query(lambda work: work.series.actions(KEY.id), SYSTEM) == [action]


def test_two_intervals_that_differ_only_in_case_never_share_a_folder():
    minute, month = (series_folder(SeriesKey("imported", "SPX", i)) for i in ("1m", "1M"))
    assert minute.casefold() != month.casefold()


@pytest.mark.parametrize("instrument", ["..", "A/../../B", "^GSPC", "EURUSD=X", "."])
def test_no_symbol_leaves_the_data_folder(instrument):
    folder = Path("/data") / series_folder(SeriesKey("imported", instrument, "1d"))
    assert folder.resolve() == folder and len(folder.relative_to("/data").parts) == 5


@pytest.mark.parametrize("which", ["parquet", "mirror"])
def test_a_flipped_byte_quarantines_one_partition_and_the_rest_stays_readable(lite, which):
    rows = hourly(100, datetime(2023, 12, 30, tzinfo=UTC))
    lite.candles.merge(KEY, rows, FACTS, OnConflict.REJECT)
    damaged = lite.folder / manifests(lite)[0].path
    damaged = damaged if which == "parquet" else mirror_of(damaged)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    reader = lite.reader()
    with pytest.raises(Unavailable) as refused:
        reader.read(KEY.id, 0, FAR)
    assert refused.value.code == "corrupt_partition"
    assert refused.value.context["restore"]["instrument"] == "BTC-USD"
    newyear = to_ms(datetime(2024, 1, 1, tzinfo=UTC))
    assert len(reader.read(KEY.id, newyear, FAR)) == 52
    lite.store.command(lambda work: None, SYSTEM).result()
    assert manifests(lite)[0].state is PartitionState.QUARANTINED
    series = reader.describe(KEY.id)
    assert series.coverage[0][0] >= newyear - HOUR_MS
    events = lite.store.query(lambda work: work.events.list(EventFilter()), SYSTEM)
    assert [event.type for event in events] == ["candles_stored", "candles_quarantined"]
    lite.candles.merge(KEY, rows, FACTS, OnConflict.REJECT)
    assert content_hash(lite.reader().read(KEY.id, 0, FAR)) == content_hash(rows)


def test_a_missing_mirror_is_rebuilt_from_its_parquet_file(lite):
    lite.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT)
    manifest = manifests(lite)[0]
    mirror_of(lite.folder / manifest.path).unlink()
    assert rebuild_mirror(lite.folder, manifest)
    assert content_hash(lite.reader().read(KEY.id, 0, FAR)) == content_hash(hourly(50))


def test_a_crash_between_rename_and_commit_leaves_files_nobody_names(lite, monkeypatch):
    lite.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT)

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lite.store, "command", dies)
    with pytest.raises(KeyboardInterrupt):
        lite.candles.merge(KEY, hourly(60), FACTS, OnConflict.REJECT)
    monkeypatch.undo()
    assert content_hash(lite.reader().read(KEY.id, 0, FAR)) == content_hash(hourly(50))
    orphans = lite.candles.orphaned_files()
    assert {path.suffix for path in orphans} == {".parquet", ".npy"} and len(orphans) == 2


def test_a_full_disk_answers_unavailable_and_stores_nothing(lite, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("infrastructure.market_data.parquet_files.pq.write_table", full)
    with pytest.raises(Unavailable) as refused:
        lite.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT)
    assert refused.value.code == "storage_full"
    assert lite.candles.series(SeriesFilter()) == []


def test_writers_at_once_lose_no_row(lite):
    rows = hourly(120)
    failures = []

    def write(part):
        try:
            lite.candles.merge(KEY, rows[part::3], FACTS, OnConflict.REJECT)
        except Fault as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(part,)) for part in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert content_hash(lite.reader().read(KEY.id, 0, FAR)) == content_hash(rows)


def test_a_mapped_reader_keeps_its_rows_while_the_series_is_rewritten(lite):
    lite.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT)
    reader = lite.reader()
    held = reader.read(KEY.id, 0, FAR)
    lite.candles.merge(KEY, hourly(60), FACTS, OnConflict.REJECT)
    assert content_hash(held) == content_hash(hourly(50))
    assert len(reader.read(KEY.id, 0, FAR)) == 60
    with pytest.raises(ValueError, match="read-only"):
        held["close"][0] = 1


def test_a_snapshot_names_the_rows_and_not_how_they_arrived(tmp_path):
    hashes = []
    for name, parts in (("one", [slice(0, 100)]), ("two", [slice(60, 100), slice(0, 70)])):
        (tmp_path / name).mkdir()
        room = open_room(tmp_path / name)
        for part in parts:
            room.candles.merge(KEY, hourly(100)[part], FACTS, OnConflict.REJECT)
        start = int(hourly(1)["open_time"][0])
        snapshot = room.candles.snapshot([KEY.id], start, start + 80 * HOUR_MS)
        assert snapshot.rows == 80
        hashes.append(snapshot.sha256)
        assert (
            room.candles.snapshot([KEY.id], start, start + 79 * HOUR_MS).sha256 != snapshot.sha256
        )
        room.close()
    assert hashes[0] == hashes[1]


def test_a_deleted_series_is_unknown_and_its_files_are_orphans(room):
    room.candles.merge(KEY, hourly(50), FACTS, OnConflict.REJECT)
    room.candles.delete(KEY.id)
    with pytest.raises(NotFound) as refused:
        room.reader().read(KEY.id, 0, FAR)
    assert refused.value.code == "unknown_series"
    assert len(room.candles.orphaned_files()) == 2


def test_no_rows_are_no_data(lite):
    with pytest.raises(Invalid) as refused:
        lite.candles.merge(KEY, hourly(0), FACTS, OnConflict.REJECT)
    assert refused.value.code == "no_data"
