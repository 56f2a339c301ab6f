"""Brings a database to the schema this release was written for, with a backup first.

The whole upgrade is one transaction under a lock, so of several processes that start together one
migrates and the others find the work done. An older release refuses a newer schema.

Alembic is imported only when there is something to do: a start on a current schema, which is nearly
every start, then costs neither its time nor its memory.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from domain.shared.errors import Unavailable
from infrastructure.persistence.backup import back_up_sqlite
from infrastructure.persistence.backup_postgresql import back_up_postgresql
from infrastructure.persistence.engine import Database
from infrastructure.persistence.placement import require_local_disk

MIGRATIONS = Path(__file__).parent / "migrations"
POSTGRESQL_PORT = 5432
VERSION_TABLE = "alembic_version"
MIGRATION_LOCK = 0x62616C6C61737400
_IDENTIFIER = re.compile(r'^(revision|down_revision)(?:: [^=]*)? = "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Migrated:
    """Revisions before (null: an empty database) and after, and the file of the backup."""

    before: str | None
    after: str
    backup: Path | None

    @property
    def changed(self) -> bool:
        """False when the schema was current."""
        return self.before != self.after


def migrate(database: Database, data_dir: Path, *, is_backed_up: bool = False) -> Migrated:
    """Upgrade to the newest revision; Unavailable `schema_newer` when the database is ahead.

    A database that holds a schema is first copied to `data_dir/backups`, unless the caller says
    that it is backed up; nothing is migrated when that fails (`pg_dump_missing`, `backup_failed`).
    Unavailable `database_on_network_disk` or `database_in_synced_folder` for a place that would
    corrupt it, `database_unreachable` when PostgreSQL does not let us in.
    """
    if database.path is not None:
        require_local_disk(database.path)
        database.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before, newest = current(database), head()
    _require_known(before)
    if before == newest:
        return Migrated(before, newest, None)
    backup = None if is_backed_up else _back_up(database, data_dir, before)
    with open_for_migration(database.url.render_as_string(hide_password=False)) as connection:
        _alembic(connection, "upgrade", "head")
    return Migrated(before, newest, backup)


def current(database: Database) -> str | None:
    """Revision the database is at; null before its first migration."""
    if database.path is not None and not database.path.exists():
        return None
    with _connected(database.url.render_as_string(hide_password=False)) as connection:
        return _current(connection)


def head() -> str:
    """Newest revision this release knows."""
    parents = _parents()
    (newest,) = set(parents) - set(parents.values())
    return newest


def move_to(address: str, revision: str) -> None:
    """Go to a revision, up or down, without a backup: for tests of the revisions."""
    with open_for_migration(address) as connection:
        is_down = revision == "base" or _is_below(revision, _current(connection))
        _alembic(connection, "downgrade" if is_down else "upgrade", revision)


@contextmanager
def open_for_migration(address: str) -> Iterator[Connection]:
    """A connection in one locked transaction; foreign keys are checked before its commit."""
    with _connected(address, locked=True) as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        with connection.begin():
            if not is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            yield connection
            if is_sqlite:
                broken = connection.execute(text("PRAGMA foreign_key_check")).first()
                if broken is not None:
                    raise Unavailable(
                        "migration_breaks_keys", f"The migration would orphan rows of {broken[0]}."
                    )


def _alembic(connection: Connection, command: str, revision: str) -> None:
    from alembic import command as commands  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    getattr(commands, command)(config, revision)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return None if found is None else str(found)


def _parents() -> dict[str, str | None]:
    """Each revision's predecessor, read from the revisions' own first lines."""
    parents: dict[str, str | None] = {}
    for file in (MIGRATIONS / "versions").glob("[0-9]*.py"):
        named = dict(_IDENTIFIER.findall(file.read_text(encoding="utf-8")))
        parents[named["revision"]] = named.get("down_revision")
    return parents


def _is_below(revision: str, now: str | None) -> bool:
    parents = _parents()
    while now is not None:
        now = parents.get(now)
        if now == revision:
            return True
    return False


def _require_known(revision: str | None) -> None:
    if revision is not None and revision not in _parents():
        raise Unavailable(
            "schema_newer",
            f"The database has schema {revision}, which this release does not know: it was "
            "written by a newer one. Upgrade the service, or restore an older backup.",
            context={"schema": revision, "newest_known": head()},
        )


def _back_up(database: Database, data_dir: Path, before: str | None) -> Path | None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = data_dir / "backups" / f"before-migration-{_safe(before)}-{stamp}"
    if database.path is None:
        # What others keep in a database that was never ours is not touched by a migration.
        return None if before is None else _dump(database, target.with_suffix(".dump"))
    if not _has_tables(database):
        return None
    target = target.with_suffix(".db")
    back_up_sqlite(database.path, target)
    return target


def _dump(database: Database, target: Path) -> Path:
    try:
        back_up_postgresql(database.url, target)
    except Unavailable as refusal:
        raise Unavailable(
            refusal.code,
            f"Nothing was migrated, because the backup before it failed: {refusal.message} "
            "Once you have a backup of your own, BALLAST_MIGRATE_WITHOUT_BACKUP=true goes on "
            "without this one.",
        ) from None
    return target


def _safe(revision: str | None) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", revision or "none")


def _has_tables(database: Database) -> bool:
    if database.path is None or not database.path.exists():
        return False
    with _connected(database.url.render_as_string(hide_password=False)) as connection:
        return bool(inspect(connection).get_table_names())


@contextmanager
def _connected(address: str, *, locked: bool = False) -> Iterator[Connection]:
    url = make_url(address)
    if url.get_backend_name() != "sqlite":
        engine = create_engine(url, poolclass=NullPool)
    else:
        engine = create_engine(
            url, poolclass=NullPool, connect_args={"isolation_level": None, "timeout": 60}
        )
        # The driver would commit before DDL; with its own control off, BEGIN is ours.
        event.listen(engine, "begin", _begin_immediate if locked else _begin)
    try:
        with _reached(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _reached(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        if engine.dialect.name == "sqlite":
            raise
        # The driver's own text names the role, and may name more.
        raise _unreached(engine.url, str(error.orig)) from None


def _unreached(url: URL, said: str) -> Unavailable:
    place = f"{url.host or 'localhost'}:{url.port or POSTGRESQL_PORT}"
    # libpq tells a refused connection from a refused login in words only.
    if "authentication failed" in said or "no password" in said:
        return Unavailable(
            "database_unreachable",
            f"PostgreSQL at {place} refuses the login: check BALLAST_DATABASE_URL.",
        )
    if "does not exist" in said:
        return Unavailable(
            "database_unreachable",
            f"PostgreSQL at {place} has no such database or role: check BALLAST_DATABASE_URL.",
        )
    return Unavailable("database_unreachable", f"PostgreSQL at {place} cannot be reached.")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
