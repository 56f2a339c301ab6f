"""What a book repository asks of its session, and the session that is bound to the simulation.

A repository is built for one set of tables: its session decides which. The simulation's session
rewrites every statement onto the `sim_` tables and refuses one that would still touch the book of
record, so no object reaches both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from sqlalchemy import Table
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.expression import Executable
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from domain.shared.errors import Defect
from domain.shared.ids import SIMULATION_PREFIX
from infrastructure.persistence.session import Row
from infrastructure.persistence.tables.simulation import COPIES


class BookSession(Protocol):
    """Statements and memory of one set of tables."""

    @property
    def dialect_name(self) -> str: ...
    def recall(self, kind: str, key: str) -> Any: ...
    def remember(self, kind: str, key: str, value: object) -> None: ...
    def all(self, statement: Executable, /, **parameters: object) -> list[Row]: ...
    def one(self, statement: Executable, /, **parameters: object) -> Row | None: ...
    def built(self, statement: Executable) -> list[Row]: ...
    def run(self, statement: Executable, /, **parameters: object) -> int: ...
    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, object]]) -> None: ...


# Module-level statements live as long as the process; each is rewritten once.
_REWRITTEN: dict[int, tuple[Executable, Executable]] = {}


class SimulationSession:
    """`BookSession` of the simulation, on the transaction of the session it wraps."""

    def __init__(self, session: BookSession) -> None:
        self._session = session

    @property
    def dialect_name(self) -> str:
        return self._session.dialect_name

    def recall(self, kind: str, key: str) -> Any:
        return self._session.recall(SIMULATION_PREFIX + kind, key)

    def remember(self, kind: str, key: str, value: object) -> None:
        self._session.remember(SIMULATION_PREFIX + kind, key, value)

    def all(self, statement: Executable, /, **parameters: object) -> list[Row]:
        return self._session.all(_kept(statement), **parameters)

    def one(self, statement: Executable, /, **parameters: object) -> Row | None:
        return self._session.one(_kept(statement), **parameters)

    def built(self, statement: Executable) -> list[Row]:
        return self._session.built(rewritten(statement))

    def run(self, statement: Executable, /, **parameters: object) -> int:
        return self._session.run(_kept(statement), **parameters)

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, object]]) -> None:
        self._session.run_many(_kept(statement), rows)


def _kept(statement: Executable) -> Executable:
    found = _REWRITTEN.get(id(statement))
    if found is None:
        found = (statement, rewritten(statement))
        _REWRITTEN[id(statement)] = found
    return found[1]


def rewritten(statement: Executable) -> Executable:
    """The statement on the simulation's tables; Defect when part of it stays on the main ones."""
    made: Executable = replacement_traverse(cast("Any", statement), {}, _replacement)
    named = iterate(cast("Any", made))
    if any(isinstance(element, Table) and element in COPIES for element in named):
        raise Defect("wrong_book", "A statement of the simulation names a table of the main book.")
    return made


def _replacement(element: Any, **_options: Any) -> Any:
    if isinstance(element, Table):
        return COPIES.get(element)
    if isinstance(element, ColumnClause) and element.table in COPIES:
        return COPIES[element.table].columns[element.key]
    return None
