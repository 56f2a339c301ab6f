"""Stores the contract suites run on: in memory, SQLite, PostgreSQL."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from application.ports.clock import Clock
from application.ports.unit_of_work import Store
from infrastructure.persistence.memory.store import MemoryStore
from infrastructure.persistence.store import SqlStore
from tests.support.databases import empty, opened, sqlite_address

STORES = ("memory", "sqlite", "postgresql")


@contextmanager
def memory_store(clock: Clock) -> Iterator[Store]:
    """A book in memory."""
    yield MemoryStore(clock)


@contextmanager
def sqlite_store(folder: Path, clock: Clock) -> Iterator[Store]:
    """A book in a SQLite file of its own."""
    with opened(sqlite_address(folder)) as database:
        store = SqlStore(database, clock)
        try:
            yield store
        finally:
            store.close()


@contextmanager
def postgresql_store(address: str, clock: Clock) -> Iterator[Store]:
    """A book in a PostgreSQL database that this test has for itself, emptied first."""
    with opened(address) as database:
        empty(database)
        store = SqlStore(database, clock)
        try:
            yield store
        finally:
            store.close()


def store_of(
    request: pytest.FixtureRequest, folder: Path, clock: Clock
) -> AbstractContextManager[Store]:
    """The store a fixture over `STORES` asks for; PostgreSQL is skipped where there is none."""
    if request.param == "memory":
        return memory_store(clock)
    if request.param == "sqlite":
        return sqlite_store(folder, clock)
    return postgresql_store(request.getfixturevalue("postgresql_address"), clock)
