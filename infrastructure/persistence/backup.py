"""Backups that are known to be whole: copied while the service runs, checked, and described.

A backup is one file and `<file>.manifest.json` beside it with size, SHA-256, schema revision and
the head of the event log. A restore checks all of that before it touches anything, and swaps the
file in one step. Candle files are listed with their hashes, not copied.
"""

import json
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any
from uuid import uuid4

from domain.shared.errors import Conflict, NotFound, Unavailable

PAGES_PER_STEP = 1024


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the data folder as it was at the time of the backup."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `last_seq` and `last_hash` are null for a database without events."""

    kind: str
    created_at: str
    bytes: int
    sha256: str
    schema: str | None
    last_seq: int | None
    last_hash: str | None
    candles: tuple[ListedFile, ...] = field(default=())


def manifest_path(backup: Path) -> Path:
    """Where the description of a backup lies."""
    return backup.with_name(backup.name + ".manifest.json")


def back_up_sqlite(source: Path, target: Path, candles: Path | None = None) -> Manifest:
    """Copy a live database; Conflict `backup_exists`, NotFound `database_not_found`,
    Unavailable `backup_damaged` when the copy does not pass SQLite's integrity check.
    """
    if target.exists():
        raise Conflict("backup_exists", f"{target} exists; a backup is never overwritten.")
    if not source.exists():
        raise NotFound("database_not_found", f"No database at {source}.")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft_beside(target)
    try:
        _copy_database(source, draft)
        require_sound(draft, "backup_damaged")
        manifest = _describe(draft, candles)
        _sync(draft)
        draft.replace(target)
        write_manifest(target, manifest)
    finally:
        _remove(draft)
    return manifest


def restore_sqlite(backup: Path, target: Path, *, replace: bool = False) -> Manifest | None:
    """Put a backup in place of the database, whole or not at all.

    Conflict `database_exists` unless `replace`, `database_in_use` while a service has it open;
    Unavailable `backup_damaged` when hash or integrity are wrong. Answers the manifest if there is
    one; a bare database file is restored on its integrity check alone.
    """
    if not backup.exists():
        raise NotFound("backup_not_found", f"No backup at {backup}.")
    if target.exists() and not replace:
        raise Conflict("database_exists", f"{target} exists; restoring over it needs --replace.")
    manifest = read_manifest(backup)
    if manifest is not None and manifest.sha256 != sha256_of(backup):
        raise Unavailable("backup_damaged", f"{backup} is not what its manifest describes.")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft_beside(target)
    try:
        _copy_database(backup, draft)
        require_sound(draft, "backup_damaged")
        _sync(draft)
        if target.exists():
            _fold_in_log(target)
        draft.replace(target)
        _sync(target.parent)
    finally:
        _remove(draft)
    return manifest


def require_sound(file: Path, code: str) -> None:
    """Unavailable with the code unless SQLite finds the file whole."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise Unavailable(code, f"{file.name} is not a sound database: {error}.") from error
    if found != ["ok"] or orphans is not None:
        raise Unavailable(code, f"{file.name} fails the integrity check.", context={"found": found})


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, hex."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def write_manifest(backup: Path, manifest: Manifest) -> None:
    """Write the description beside the backup."""
    text = json.dumps(asdict(manifest), indent=1)
    place = manifest_path(backup)
    draft = _draft_beside(place)
    draft.write_text(text)
    _sync(draft)
    draft.replace(place)


def read_manifest(backup: Path) -> Manifest | None:
    """The description of a backup; null without one, Unavailable `backup_damaged` if unreadable."""
    try:
        fields: dict[str, Any] = json.loads(manifest_path(backup).read_text())
        candles = tuple(ListedFile(**item) for item in fields.pop("candles", ()))
        return Manifest(**fields, candles=candles)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise Unavailable("backup_damaged", "The manifest is not readable.") from error


def list_candles(folder: Path | None) -> tuple[ListedFile, ...]:
    """Parquet files below the folder with their hashes, by path."""
    if folder is None or not folder.is_dir():
        return ()
    files = sorted(folder.rglob("*.parquet"))
    return tuple(
        ListedFile(str(f.relative_to(folder)), f.stat().st_size, sha256_of(f)) for f in files
    )


def _copy_database(source: Path, draft: Path) -> None:
    address = f"{source.resolve().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=60)) as live,
            closing(sqlite3.connect(draft)) as copy,
        ):
            draft.chmod(0o600)
            live.backup(copy, pages=PAGES_PER_STEP)
            # A copy in WAL mode would need two more files to be read.
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        raise Unavailable(
            "backup_damaged", f"{source.name} could not be copied: {error}."
        ) from error


def _describe(draft: Path, candles: Path | None) -> Manifest:
    with closing(sqlite3.connect(draft)) as connection:
        schema = _first(connection, "SELECT version_num FROM alembic_version")
        last = _first(connection, "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
    return Manifest(
        kind="sqlite",
        created_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        bytes=draft.stat().st_size,
        sha256=sha256_of(draft),
        schema=schema[0] if schema else None,
        last_seq=last[0] if last else None,
        last_hash=last[1] if last else None,
        candles=list_candles(candles),
    )


def _first(connection: sqlite3.Connection, query: str) -> tuple[Any, ...] | None:
    try:
        row: tuple[Any, ...] | None = connection.execute(query).fetchone()
    except sqlite3.OperationalError:  # the table is not there yet
        return None
    return row


def _fold_in_log(target: Path) -> None:
    """Empty and remove the write-ahead log: left behind, it would be replayed onto the new file."""
    with closing(sqlite3.connect(target, timeout=0)) as connection, suppress(sqlite3.DatabaseError):
        mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        if mode is not None and mode[0] == "delete":
            return
    if not _is_database(target):
        _remove(target.with_name(target.name + "-wal"))
        _remove(target.with_name(target.name + "-shm"))
        return
    raise Conflict("database_in_use", "The database is open; stop the service before restoring.")


def _is_database(target: Path) -> bool:
    with target.open("rb") as stream:
        return stream.read(16) == b"SQLite format 3\x00"


def _draft_beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{uuid4().hex}.draft")


def _remove(file: Path) -> None:
    for leftover in (file, file.with_name(file.name + "-journal")):
        leftover.unlink(missing_ok=True)


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
