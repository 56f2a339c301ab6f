"""Statements made for one call share their compiled form and never each other's values."""

import sqlite3
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Column, Date, MetaData, Select, Table, Text, or_, select
from sqlalchemy.dialects import sqlite

from infrastructure.persistence.session import CompiledStatement, SqlSession, StatementCache
from infrastructure.persistence.types import ExactDecimal

T = Table("t", MetaData(), Column("name", Text), Column("n", ExactDecimal), Column("day", Date))
ROWS = [("a", "1.5", "2026-01-02"), ("b", "2", "2026-01-05"), ("c", None, None)]


class Counting(StatementCache):
    """Counts what it compiles."""

    @property
    def shapes(self) -> int:
        return len(self._shapes)


@pytest.fixture
def cache() -> Counting:
    return Counting(sqlite.dialect(paramstyle="qmark"))


@pytest.fixture
def session(cache: Counting) -> Iterator[SqlSession]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (name TEXT, n TEXT, day TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
    yield SqlSession(connection.cursor(), cache)
    connection.close()


def _names(session: SqlSession, query: Select[tuple[object, ...]]) -> str:
    return "".join(row["name"] for row in session.built(query.order_by(T.c.name)))


def test_the_same_shape_with_other_values_is_compiled_once(
    session: SqlSession, cache: Counting
) -> None:
    for name in ("a", "b", "x", "a"):
        assert _names(session, select(T).where(T.c.name == name)) == name.replace("x", "")
    assert cache.shapes == 1
    assert _names(session, select(T).where(T.c.name != "a")) == "bc"
    assert cache.shapes == 2


def test_values_are_converted_by_their_columns_each_time(session: SqlSession) -> None:
    for value in (Decimal("1.5"), Decimal(2), Decimal("1.50")):
        assert [row["n"] for row in session.built(select(T).where(T.c.n == value))] == [value]
    for day, names in ((date(2026, 1, 2), "a"), (date(2026, 1, 5), "b"), (date(2027, 1, 1), "")):
        assert _names(session, select(T).where(T.c.day == day)) == names


def test_limits_and_several_values_keep_their_places(session: SqlSession, cache: Counting) -> None:
    for low, high, most, found in (("a", "c", 5, "abc"), ("b", "c", 1, "b"), ("a", "b", 2, "ab")):
        query = select(T).where(T.c.name >= low, T.c.name <= high).limit(most)
        assert _names(session, query) == found
    assert cache.shapes == 1


def test_lists_after_in_and_tests_for_null_are_their_own_statements(
    session: SqlSession, cache: Counting
) -> None:
    for names in (["a"], ["b", "c"], ["c", "x", "a"], []):
        wanted = "".join(sorted({*names} - {"x"}))
        assert _names(session, select(T).where(T.c.name.in_(names))) == wanted
    assert cache.shapes == 0
    for value, found in ((None, "c"), (date(2026, 1, 2), "a"), (None, "c")):
        query = select(T).where(T.c.day.is_(None) if value is None else T.c.day == value)
        assert _names(session, query) == found
    mixed = [
        _names(session, select(T).where(or_(T.c.name == name, T.c.name.in_(more))))
        for name, more in (("a", ["b"]), ("c", ["a", "b"]), ("a", ["c"]))
    ]
    assert mixed == ["ab", "abc", "ac"]


def test_a_statement_without_values_can_be_repeated(session: SqlSession) -> None:
    assert [_names(session, select(T)) for _ in range(2)] == ["abc", "abc"]
    assert CompiledStatement(select(T), sqlite.dialect(), ()).is_repeatable
