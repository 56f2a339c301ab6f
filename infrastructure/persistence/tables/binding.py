"""Binds table definitions to a second set of tables: same columns, indexes and keys, other names.

The book of record and the simulation's book are two sets made from one definition, so a column
added to the one is a column of the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from infrastructure.persistence.tables.metadata import METADATA


def bound(tables: Sequence[Table], prefix: str, elsewhere: Mapping[str, str]) -> dict[Table, Table]:
    """A copy of each table under `prefix` + name, by the table it copies.

    Foreign keys between the tables point into the copies; `elsewhere` says where the others go,
    as `table.column` → `table.column`.
    """
    targets = {
        f"{table.name}.{column.name}": f"{prefix}{table.name}.{column.name}"
        for table in tables
        for column in table.columns
    }
    return {table: _copy(table, prefix, {**targets, **elsewhere}) for table in tables}


def _copy(table: Table, prefix: str, targets: Mapping[str, str]) -> Table:
    constraints = [
        UniqueConstraint(*(column.name for column in constraint.columns))
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    has_rowid = table.dialect_options["sqlite"]["with_rowid"]
    rowid: dict[str, Any] = {} if has_rowid else {"sqlite_with_rowid": False}
    made: Table = Table(
        prefix + table.name,
        METADATA,
        *(_column(column, targets) for column in table.columns),
        *constraints,
        **rowid,
    )
    for index in sorted(table.indexes, key=lambda item: str(item.name)):
        conditions = {
            f"{dialect}_where": index.dialect_options[dialect]["where"]
            for dialect in ("sqlite", "postgresql")
            if index.dialect_options[dialect]["where"] is not None
        }
        name = str(index.name).replace(table.name, made.name, 1)
        columns = [made.columns[column.name] for column in index.columns]
        Index(name, *columns, unique=index.unique, **conditions)
    return made


def _column(column: Column[object], targets: Mapping[str, str]) -> Column[object]:
    keys = [ForeignKey(targets[key.target_fullname]) for key in column.foreign_keys]
    return Column(
        column.name,
        column.type,
        *keys,
        primary_key=column.primary_key,
        nullable=column.nullable,
        autoincrement=column.autoincrement,
    )
