"""Databases for tests: a fresh SQLite file each, or a fresh PostgreSQL database that is dropped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from infrastructure.persistence.engine import Database, open_database
from infrastructure.persistence.tables import METADATA

DEFAULT_URL = "postgresql+psycopg://root@127.0.0.1:5432/test"
CONNECT_TIMEOUT_S = 2


def server_url() -> URL:
    """BALLAST_TEST_DATABASE_URL or the local server."""
    return make_url(os.environ.get("BALLAST_TEST_DATABASE_URL") or DEFAULT_URL)


@cache
def why_unreachable() -> str | None:
    """None if the server answers, else a sentence for the skip report (no credentials)."""
    url = server_url()
    engine = create_engine(url, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})
    try:
        with engine.connect():
            return None
    except SQLAlchemyError as error:
        return (
            f"No PostgreSQL at {url.host}:{url.port or 5432} ({type(error).__name__}); "
            "set BALLAST_TEST_DATABASE_URL to run these."
        )
    finally:
        engine.dispose()


@contextmanager
def scratch_postgresql() -> Iterator[str]:
    """Address of an empty database of its own, dropped afterwards; skips without a server."""
    reason = why_unreachable()
    if reason is not None:
        pytest.skip(reason)
    name = f"ballast_test_{uuid4().hex[:12]}"
    _administer(f"CREATE DATABASE {name}")
    try:
        yield server_url().set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def sqlite_address(folder: Path) -> str:
    """Address of a database file in the folder."""
    return f"sqlite:///{folder / 'ballast.db'}"


@contextmanager
def opened(address: str) -> Iterator[Database]:
    """The database with the current schema, closed afterwards."""
    database = open_database(address)
    try:
        METADATA.create_all(database.writes)
        yield database
    finally:
        database.close()


def empty(database: Database) -> None:
    """Delete every row, so that tests may share one PostgreSQL database."""
    names = ", ".join(table.name for table in METADATA.sorted_tables)
    with database.writes.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} CASCADE"))


def _administer(statement: str) -> None:
    engine = create_engine(server_url(), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
