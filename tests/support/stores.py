"""Stores the contract suites run on: in memory, SQLite, PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
