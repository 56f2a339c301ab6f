"""Inserts that meet a row of the same key: both dialects write them alike, but in classes of
their own. Only the dialect in use is imported; the other would cost each process a megabyte.
"""

from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any

from sqlalchemy import Insert, Table


class DialectInsert:
    """A statement per dialect, built when it is first asked for and the same object ever after."""

    def __init__(self, build: Callable[[Any], Insert]) -> None:
        self._build = build
        self._made: dict[str, Insert] = {}

    def __getitem__(self, dialect_name: str) -> Insert:
        made = self._made.get(dialect_name)
        if made is None:
            dialect = import_module(f"sqlalchemy.dialects.{dialect_name}")
            made = self._made.setdefault(dialect_name, self._build(dialect.insert))
        return made


def upsert(table: Table, changed: Collection[str] | None = None) -> DialectInsert:
    """Insert a row, or change the columns (all but the key) of the row that has its key."""
    keys = [column.name for column in table.primary_key]
    names = [c.name for c in table.c if c.name not in keys] if changed is None else changed

    def build(dialect_insert: Any) -> Insert:
        statement = dialect_insert(table)
        values = {name: statement.excluded[name] for name in names}
        made: Insert = statement.on_conflict_do_update(index_elements=keys, set_=values)
        return made

    return DialectInsert(build)


def insert_if_absent(table: Table) -> DialectInsert:
    """Insert a row, or leave the one that has its key as it is."""

    def build(dialect_insert: Any) -> Insert:
        made: Insert = dialect_insert(table).on_conflict_do_nothing()
        return made

    return DialectInsert(build)
