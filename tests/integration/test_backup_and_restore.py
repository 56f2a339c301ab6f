"""A backup taken from a live store is whole, described, and restores to the same books."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from domain.shared.errors import Conflict, Fault, NotFound, Unavailable
from infrastructure.persistence.backup import (
    back_up_sqlite,
    manifest_path,
    read_manifest,
    restore_sqlite,
    sha256_of,
)
from infrastructure.persistence.backup_postgresql import back_up_postgresql, restore_postgresql
from infrastructure.persistence.doctor import examine
from infrastructure.persistence.engine import Database, open_database
from infrastructure.persistence.migrate import current, migrate, move_to
from infrastructure.persistence.store import SqlStore
from tests.support.databases import scratch_postgresql
from tests.support.scene import OWNER, SteppingClock, trade_a_little

EARLIER = "0001"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[SqlStore]:
    database = open_database(f"sqlite:///{tmp_path / 'live' / 'ballast.db'}")
    migrate(database, tmp_path / "live")
    store = SqlStore(database, SteppingClock())
    trade_a_little(store)
    yield store
    store.close()


def _file(store: SqlStore) -> Path:
    assert store.database.path is not None
    return store.database.path


def _last_seq(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        (seq,) = connection.execute("SELECT max(seq) FROM events").fetchone()
    connection.close()
    return int(seq)


def _code(error: pytest.ExceptionInfo[Fault]) -> str:
    return error.value.code


def test_a_backup_of_an_open_store_holds_its_newest_event(live: SqlStore, tmp_path: Path) -> None:
    target = tmp_path / "out" / "copy.db"
    manifest = back_up_sqlite(_file(live), target)
    seq = live.query(lambda work: work.events.last_seq(), OWNER)
    assert manifest.last_seq == seq == _last_seq(target) > 0
    assert manifest.sha256 == sha256_of(target)
    assert manifest.bytes == target.stat().st_size
    assert read_manifest(target) == manifest
    assert sorted(f.name for f in target.parent.iterdir()) == [
        "copy.db",
        "copy.db.manifest.json",
    ]
    assert target.stat().st_mode & 0o077 == 0


def test_a_restored_backup_has_the_same_sound_books(live: SqlStore, tmp_path: Path) -> None:
    target, place = tmp_path / "copy.db", tmp_path / "new" / "ballast.db"
    back_up_sqlite(_file(live), target)
    restore_sqlite(target, place)
    database = open_database(f"sqlite:///{place}")
    examination = examine(database)
    database.close()
    assert examination.is_sound
    assert examination.looked_at["events"] == _last_seq(target)


def test_a_restore_does_not_overwrite_unless_told_to(live: SqlStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    back_up_sqlite(_file(live), target)
    trade_more = _last_seq(target)
    with pytest.raises(Conflict) as refused:
        restore_sqlite(target, _file(live))
    assert _code(refused) == "database_exists"
    assert _last_seq(_file(live)) == trade_more


def test_a_restore_over_an_open_database_is_refused(live: SqlStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    back_up_sqlite(_file(live), target)
    with pytest.raises(Conflict) as refused:
        restore_sqlite(target, _file(live), replace=True)
    assert _code(refused) == "database_in_use"
    assert live.query(lambda work: work.events.last_seq(), OWNER) > 0


def test_a_replaced_database_leaves_no_log_of_the_old_one(live: SqlStore, tmp_path: Path) -> None:
    file, target = _file(live), tmp_path / "copy.db"
    back_up_sqlite(file, target)
    wanted = _last_seq(target)
    live.close()
    with sqlite3.connect(file) as later:
        later.execute("PRAGMA journal_mode=WAL")
        later.execute("DROP TRIGGER events_refuse_delete")
        later.execute("DELETE FROM events")
    # The log must still be there when the restore begins, as after a crash.
    shutil.copy(file, tmp_path / "crashed.db")
    for suffix in ("-wal", "-shm"):
        if file.with_name(file.name + suffix).exists():
            shutil.copy(file.with_name(file.name + suffix), tmp_path / f"crashed.db{suffix}")
    later.close()
    crashed = tmp_path / "crashed.db"
    assert (tmp_path / "crashed.db-wal").exists()
    restore_sqlite(target, crashed, replace=True)
    assert not (tmp_path / "crashed.db-wal").exists()
    assert _last_seq(crashed) == wanted


def test_a_damaged_backup_is_refused_and_the_database_kept(live: SqlStore, tmp_path: Path) -> None:
    target, place = tmp_path / "copy.db", tmp_path / "mine.db"
    back_up_sqlite(_file(live), target)
    shutil.copy(target, place)
    content = bytearray(target.read_bytes())
    content[4096 : 4096 * 8] = b"\xff" * (4096 * 7)
    target.write_bytes(content)
    for with_manifest in (True, False):
        if not with_manifest:
            manifest_path(target).unlink()
        with pytest.raises(Unavailable) as refused:
            restore_sqlite(target, place, replace=True)
        assert _code(refused) == "backup_damaged"
    assert _last_seq(place) > 0
    assert not list(tmp_path.glob("*.draft*")) and not list(tmp_path.glob(".*draft*"))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    note = tmp_path / "note.db"
    note.write_text("not a database" * 1000)
    with pytest.raises(Unavailable) as refused:
        restore_sqlite(note, tmp_path / "new.db")
    assert _code(refused) == "backup_damaged"
    assert not (tmp_path / "new.db").exists()


def test_backups_are_never_overwritten_and_need_a_source(live: SqlStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    back_up_sqlite(_file(live), target)
    with pytest.raises(Conflict) as refused:
        back_up_sqlite(_file(live), target)
    assert _code(refused) == "backup_exists"
    with pytest.raises(NotFound) as missing:
        back_up_sqlite(tmp_path / "nowhere.db", tmp_path / "other.db")
    assert _code(missing) == "database_not_found"


def test_a_damaged_manifest_stops_a_restore(live: SqlStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    back_up_sqlite(_file(live), target)
    manifest_path(target).write_text(json.dumps({"kind": "sqlite"}))
    with pytest.raises(Unavailable) as refused:
        restore_sqlite(target, tmp_path / "new.db")
    assert _code(refused) == "backup_damaged"


def test_the_manifest_lists_candle_files_by_hash(live: SqlStore, tmp_path: Path) -> None:
    candles = tmp_path / "candles"
    (candles / "AAPL").mkdir(parents=True)
    (candles / "AAPL" / "2020.parquet").write_bytes(b"rows")
    (candles / "AAPL" / "2020.npy").write_bytes(b"mirror")
    manifest = back_up_sqlite(_file(live), tmp_path / "copy.db", candles)
    (listed,) = manifest.candles
    assert (listed.path, listed.bytes) == ("AAPL/2020.parquet", 4)
    assert listed.sha256 == sha256_of(candles / "AAPL" / "2020.parquet")


def test_postgresql_is_dumped_and_restored_into_an_empty_database(tmp_path: Path) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("No pg_dump program on this machine.")
    dump = tmp_path / "ballast.dump"
    with scratch_postgresql() as source, scratch_postgresql() as other:
        store = SqlStore(open_database(source), SteppingClock())
        migrate(store.database, tmp_path)
        trade_a_little(store)
        manifest = back_up_postgresql(make_url(source), dump)
        seq = store.query(lambda work: work.events.last_seq(), OWNER)
        store.close()
        assert manifest.last_seq == seq and manifest.sha256 == sha256_of(dump)
        restore_postgresql(dump, make_url(other))
        with pytest.raises(Conflict) as refused:
            restore_postgresql(dump, make_url(other))
        assert _code(refused) == "database_exists"
        restore_postgresql(dump, make_url(other), replace=True)
        database = open_database(other)
        examination = examine(database)
        database.close()
        assert examination.is_sound and examination.looked_at["events"] == seq


def test_without_pg_dump_the_refusal_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(Unavailable, match="client programs") as refused:
        back_up_postgresql(make_url("postgresql+psycopg://x@localhost/y"), tmp_path / "b.dump")
    assert _code(refused) == "pg_dump_missing"


def _at_an_earlier_schema(address: str, folder: Path) -> Database:
    database = open_database(address)
    migrate(database, folder)
    store = SqlStore(database, SteppingClock())
    trade_a_little(store)
    store.close()
    move_to(address, EARLIER)
    return open_database(address)


def test_postgresql_is_dumped_before_it_is_migrated(tmp_path: Path) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("No pg_dump program on this machine.")
    with scratch_postgresql() as address, scratch_postgresql() as other:
        database = _at_an_earlier_schema(address, tmp_path)
        done = migrate(database, tmp_path)
        database.close()
        assert done.backup is not None and done.backup.parent == tmp_path / "backups"
        assert done.backup.suffix == ".dump" and manifest_path(done.backup).exists()
        restore_postgresql(done.backup, make_url(other))
        restored = open_database(other)
        assert (done.before, current(restored)) == (EARLIER, EARLIER)
        restored.close()


def test_postgresql_is_not_migrated_without_a_backup_unless_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scratch_postgresql() as address:
        database = _at_an_earlier_schema(address, tmp_path)
        monkeypatch.setattr(shutil, "which", lambda _name: None)
        with pytest.raises(Unavailable, match="BALLAST_MIGRATE_WITHOUT_BACKUP=true") as refused:
            migrate(database, tmp_path)
        assert _code(refused) == "pg_dump_missing" and current(database) == EARLIER
        done = migrate(database, tmp_path, is_backed_up=True)
        database.close()
        assert done.changed and done.backup is None


def test_an_empty_postgresql_needs_no_pg_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with scratch_postgresql() as address:
        database = open_database(address)
        assert migrate(database, tmp_path).backup is None
        database.close()
