"""Connections to the one database: SQLite in WAL with full durability, or PostgreSQL."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

from domain.shared.errors import Invalid

DRIVERS = frozenset({"sqlite", "postgresql+psycopg"})
READ_POOL_SIZE = 8
BUSY_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Database:
    """An address and the engines made for it; `writes` gives the writer its own connection."""

    url: URL
    writes: Engine
    reads: Engine

    @property
    def is_sqlite(self) -> bool:
        """True for the single-file default."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path | None:
        """File of a SQLite database."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    def close(self) -> None:
        """Close every pooled connection."""
        self.writes.dispose()
        self.reads.dispose()


def open_database(address: str) -> Database:
    """Engines for `sqlite:///path` or `postgresql+psycopg://…`; Invalid `unknown_database` else."""
    url = _known(address)
    if url.get_backend_name() == "sqlite":
        return Database(
            url, _sqlite_engine(url, read_only=False), _sqlite_engine(url, read_only=True)
        )
    writes = create_engine(url, poolclass=NullPool, isolation_level="READ COMMITTED")
    reads = create_engine(url, poolclass=QueuePool, pool_size=READ_POOL_SIZE, pool_pre_ping=True)
    return Database(url, writes, reads)


def _known(address: str) -> URL:
    try:
        url = make_url(address)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
    except ArgumentError:
        url = None
    if url is None or url.drivername not in DRIVERS:
        # The address itself may hold a password.
        raise Invalid(
            "unknown_database",
            "The database address begins with sqlite:/// or postgresql+psycopg://.",
        )
    return url


def _sqlite_engine(url: URL, *, read_only: bool) -> Engine:
    options: dict[str, Any] = {"check_same_thread": False, "isolation_level": None}
    pool: dict[str, Any] = {"poolclass": NullPool}
    if read_only:
        pool = {"poolclass": QueuePool, "pool_size": READ_POOL_SIZE, "max_overflow": 32}
    # By place: the driver looks every named parameter up by its name, one by one.
    engine = create_engine(url, connect_args=options, paramstyle="qmark", **pool)
    event.listen(engine, "connect", _read_pragmas if read_only else _write_pragmas)
    return engine


def _write_pragmas(connection: Any, _record: object) -> None:
    _execute_all(
        connection,
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",
        f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
        "PRAGMA cache_size=-65536",
        # The undo pages of a savepoint need no file: they are dropped within the millisecond.
        "PRAGMA temp_store=MEMORY",
    )


def _read_pragmas(connection: Any, _record: object) -> None:
    _execute_all(
        connection,
        f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
        "PRAGMA query_only=ON",
        "PRAGMA cache_size=-16384",
    )


def _execute_all(connection: Any, *statements: str) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
