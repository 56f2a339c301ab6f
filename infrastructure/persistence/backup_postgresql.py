"""Backups of PostgreSQL through its own pg_dump and pg_restore, which know its every detail."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from domain.shared.errors import Conflict, NotFound, Unavailable
from infrastructure.persistence.backup import (
    Manifest,
    list_candles,
    read_manifest,
    sha256_of,
    write_manifest,
)

TIMEOUT_S = 3600


def back_up_postgresql(url: URL, target: Path, candles: Path | None = None) -> Manifest:
    """Dump the database in custom format; Unavailable `pg_dump_missing` or `backup_failed`,
    Conflict `backup_exists`.
    """
    if target.exists():
        raise Conflict("backup_exists", f"{target} exists; a backup is never overwritten.")
    dump, check = _program("pg_dump"), _program("pg_restore")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.{uuid4().hex}.draft")
    schema, last = _state(url)
    try:
        draft.touch(mode=0o600)
        _run(url, dump, "--format=custom", "--no-owner", "--no-acl", f"--file={draft}")
        _run(url, check, "--list", str(draft), connects=False)
        manifest = Manifest(
            kind="postgresql",
            created_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            bytes=draft.stat().st_size,
            sha256=sha256_of(draft),
            schema=schema,
            last_seq=last[0],
            last_hash=last[1],
            candles=list_candles(candles),
        )
        draft.replace(target)
        write_manifest(target, manifest)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def restore_postgresql(backup: Path, url: URL, *, replace: bool = False) -> Manifest | None:
    """Load a dump in one transaction; Conflict `database_exists` if there are tables, unless
    `replace`; Unavailable `backup_damaged`, `pg_dump_missing` or `restore_failed`.
    """
    if not backup.exists():
        raise NotFound("backup_not_found", f"No backup at {backup}.")
    manifest = read_manifest(backup)
    if manifest is not None and manifest.sha256 != sha256_of(backup):
        raise Unavailable("backup_damaged", f"{backup} is not what its manifest describes.")
    restore = _program("pg_restore")
    _run(url, restore, "--list", str(backup), connects=False)
    if _has_tables(url) and not replace:
        raise Conflict(
            "database_exists", "The database has tables; restoring over them needs --replace."
        )
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-acl"]
    if replace:
        options += ["--clean", "--if-exists"]
    _run(url, restore, *options, f"--dbname={_name(url)}", str(backup), code="restore_failed")
    return manifest


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(
            "pg_dump_missing",
            f"{name} is not installed; install PostgreSQL's client programs, in the version of "
            "the server or newer, or back the database up with the server's own means.",
        )
    return found


def _name(url: URL) -> str:
    return url.database or "postgres"


def _run(
    url: URL, program: str, *arguments: str, connects: bool = True, code: str = "backup_failed"
) -> None:
    environment = {**os.environ, **(_environment(url) if connects else {})}
    done = subprocess.run(
        [program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[:1] or ["no message"]
        raise Unavailable(code, f"{Path(program).name} failed: {said[0]}")


def _environment(url: URL) -> dict[str, str]:
    """The connection by environment, because a command line is visible to every user."""
    given = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": str(url.password) if url.password else None,
        "PGDATABASE": _name(url),
    }
    return {name: value for name, value in given.items() if value}


def _state(url: URL) -> tuple[str | None, tuple[int | None, str | None]]:
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            schema = last = None
            if "alembic_version" in tables:
                schema = connection.scalar(text("SELECT version_num FROM alembic_version"))
            if "events" in tables:
                query = text("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
                last = connection.execute(query).first()
            return schema, (last[0], last[1]) if last else (None, None)
    except SQLAlchemyError as error:
        raise Unavailable("store_unavailable", "The database does not answer.") from error
    finally:
        engine.dispose()


def _has_tables(url: URL) -> bool:
    engine = create_engine(url, poolclass=NullPool)
    try:
        return bool(inspect(engine).get_table_names())
    finally:
        engine.dispose()
