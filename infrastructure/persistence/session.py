"""Runs Core statements on a driver cursor, each compiled once.

SQLAlchemy describes tables, builds and compiles SQL; executing through its result machinery costs
several times the driver's own time per statement, and the write path runs a dozen per order. A
statement is compiled at its first use, with the column types' own bind and result processors.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, cast

from sqlalchemy import Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.expression import Executable

Row = dict[str, Any]
Bound = Mapping[str, object] | Sequence[object]
_Processor = Callable[[Any], Any]


class Cursor(Protocol):
    """The part of a DB-API cursor the session uses."""

    rowcount: int

    def execute(self, sql: str, parameters: Bound = ...) -> Any: ...
    def executemany(self, sql: str, parameters: Sequence[Bound]) -> Any: ...
    def fetchall(self) -> list[Sequence[Any]]: ...
    def close(self) -> Any: ...


class CompiledStatement:
    """SQL text with converters for its parameters and its result columns.

    `is_repeatable`: another statement of the same shape differs in its carried values alone.
    """

    __slots__ = (
        "_binders", "_carried", "_constants", "_names", "_placed", "_places", "_readers",
        "is_repeatable", "sql",
    )  # fmt: skip

    def __init__(
        self, statement: Executable, dialect: Dialect, carried: Sequence[Any] | None = None
    ) -> None:
        """`carried` are the parameters a statement built for one call brings its values in."""
        assert isinstance(statement, ClauseElement)
        options = {} if carried is None else {"render_postcompile": True}
        compiled = statement.compile(dialect=dialect, compile_kwargs=options)
        self.sql = str(compiled)
        self._describe_parameters(compiled, dialect, carried or ())
        self._names: tuple[str, ...] = ()
        self._readers: list[tuple[int, _Processor]] = []
        columns = getattr(statement, "exported_columns", None)
        returning = getattr(statement, "_returning", ())
        if getattr(statement, "is_select", False) and columns is not None:
            self._describe(list(columns), dialect)
        elif returning:
            self._describe(list(returning), dialect)

    def _describe_parameters(self, compiled: Any, dialect: Dialect, carried: Sequence[Any]) -> None:
        processors: dict[str, _Processor | None] = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bind in compiled.binds.items()
        }
        required = {name for name, bind in compiled.binds.items() if bind.required}
        self._binders = [(n, made) for n, made in processors.items() if made and n in required]
        self._constants: Row = {}
        self._carried: list[tuple[str, int, _Processor | None]] = []
        index_of = {id(bind): index for index, bind in enumerate(carried)}
        for name, value in compiled.params.items():
            if name not in required:
                processor = processors.get(name)
                self._constants[name] = processor(value) if processor else value
                index = index_of.pop(id(compiled.binds.get(name)), None)
                if index is not None:
                    self._carried.append((name, index, processor))
        # A list after IN becomes text of its own; what the compiler adds itself is always the same.
        self.is_repeatable = (
            not index_of
            and not any(bind.expanding or bind.literal_execute for bind in carried)
            and self._constants.keys() <= processors.keys()
        )
        self._places: Sequence[str] | None = compiled.positiontup
        readers = dict(self._binders)
        self._placed = [
            (place, readers[name])
            for place, name in enumerate(self._places or ())
            if name in readers
        ]

    def _describe(self, columns: Sequence[Any], dialect: Dialect) -> None:
        self._names = tuple(column.key for column in columns)
        for index, column in enumerate(columns):
            reader = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if reader is not None:
                self._readers.append((index, reader))

    def values_of(self, carried: Sequence[Any]) -> Row:
        """The values of another statement of the same shape, as the driver takes them."""
        return {
            name: processor(carried[index].effective_value)
            if processor
            else carried[index].effective_value
            for name, index, processor in self._carried
        }

    def bind(self, parameters: Mapping[str, object]) -> Bound:
        """Parameters as the driver takes them: by place on SQLite, by name on PostgreSQL."""
        given = {**self._constants, **parameters} if self._constants else parameters
        if self._places is not None:
            values = [given[name] for name in self._places]
            for place, processor in self._placed:
                values[place] = processor(values[place])
            return values
        bound = dict(given)
        for name, processor in self._binders:
            bound[name] = processor(bound[name])
        return bound

    def read(self, rows: Iterable[Sequence[Any]]) -> list[Row]:
        """Rows as dictionaries of domain values."""
        names, readers = self._names, self._readers
        result = []
        for raw in rows:
            values = list(raw)
            for index, reader in readers:
                values[index] = reader(values[index])
            result.append(dict(zip(names, values, strict=True)))
        return result


MEMORY_MAX = 50_000
SHAPES_MAX = 1_000


class StatementCache:
    """Compiled statements of one dialect; module-level statements are compiled once per process."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._compiled: dict[int, tuple[Executable, CompiledStatement]] = {}
        self._shapes: dict[Any, CompiledStatement] = {}

    def get(self, statement: Executable) -> CompiledStatement:
        """The compiled form; the statement is kept alive so that its id stays its own."""
        found = self._compiled.get(id(statement))
        if found is None:
            found = (statement, CompiledStatement(statement, self.dialect))
            self._compiled[id(statement)] = found
        return found[1]

    def built(self, statement: Executable) -> tuple[CompiledStatement, Row]:
        """The compiled form of a statement made for one call, and the values it carries.

        Statements of one shape share it, as in SQLAlchemy's own cache; one whose text depends on
        its values, such as a list after IN, is compiled each time.
        """
        key: Any = cast("Any", statement)._generate_cache_key()  # noqa: SLF001 - no public name
        if key is None:
            return CompiledStatement(statement, self.dialect, ()), {}
        known = self._shapes.get(key.key)
        if known is not None:
            return known, known.values_of(key.bindparams)
        compiled = CompiledStatement(statement, self.dialect, key.bindparams)
        if compiled.is_repeatable and len(self._shapes) < SHAPES_MAX:
            self._shapes[key.key] = compiled
        return compiled, {}


class SqlSession:
    """Executes statements on one connection's cursor and counts them.

    `memory` holds what the writer has read or written and may use again instead of a statement;
    None on read connections. The writer empties it when a command is undone and when another
    process has written, which it knows by the head of the event log: a command that changes a row
    kept here must append an event.
    """

    def __init__(
        self,
        cursor: Cursor,
        cache: StatementCache,
        memory: dict[tuple[str, str], Any] | None = None,
    ) -> None:
        self._cursor = cursor
        self._cache = cache
        self.memory = memory
        self.statements = 0

    def recall(self, kind: str, key: str) -> Any:
        """What is remembered, or None."""
        return None if self.memory is None else self.memory.get((kind, key))

    def remember(self, kind: str, key: str, value: object) -> None:
        """Keep a value that equals what the store holds, until the memory is emptied."""
        if self.memory is not None:
            if len(self.memory) >= MEMORY_MAX:
                self.memory.clear()
            self.memory[kind, key] = value

    @property
    def dialect_name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._cache.dialect.name

    def all(self, statement: Executable, /, **parameters: object) -> list[Row]:
        """Rows of a module-level statement."""
        return self._rows(self._cache.get(statement), parameters)

    def one(self, statement: Executable, /, **parameters: object) -> Row | None:
        """First row of a module-level statement, if any."""
        rows = self.all(statement, **parameters)
        return rows[0] if rows else None

    def built(self, statement: Executable) -> list[Row]:
        """Rows of a statement built for this call."""
        return self._rows(*self._cache.built(statement))

    def run(self, statement: Executable, /, **parameters: object) -> int:
        """Rows affected by a module-level statement."""
        compiled = self._cache.get(statement)
        self.statements += 1
        self._cursor.execute(compiled.sql, compiled.bind(parameters))
        return self._cursor.rowcount

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, object]]) -> None:
        """Execute once per row, in one driver call."""
        if not rows:
            return
        compiled = self._cache.get(statement)
        self.statements += 1
        if len(rows) == 1:
            self._cursor.execute(compiled.sql, compiled.bind(rows[0]))
        else:
            self._cursor.executemany(compiled.sql, [compiled.bind(row) for row in rows])

    def text(self, sql: str) -> None:
        """Transaction control and other text without parameters."""
        self._cursor.execute(sql)

    def _rows(self, compiled: CompiledStatement, parameters: Mapping[str, object]) -> list[Row]:
        self.statements += 1
        self._cursor.execute(compiled.sql, compiled.bind(parameters))
        return compiled.read(self._cursor.fetchall())
