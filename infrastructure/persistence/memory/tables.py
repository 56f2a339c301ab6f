"""Tables of immutable values with an undo journal, so a savepoint costs a number.

Every write notes what it replaced. Undoing to a mark plays the notes back, newest first; a commit
forgets them. One lock around every unit of work makes the tables safe for threads.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from application.ports.plan_runner_book import PlanRunnerState
from application.ports.report_repositories import StoredNavMark
from application.ports.repositories import (
    CashFlow,
    Page,
    RegisteredInstrument,
    StoredAnswer,
    StoredEvaluation,
)
from application.ports.simulation import Resolution, StoredTicket
from application.risk.configuration_version import ConfigurationVersion
from domain.market.market_state import MarketStateRow
from domain.market.price_event import PriceTick
from domain.market.regime_history import RegimeChange
from domain.market.regime_settings import RegimeSettings
from domain.portfolio.account import Account
from domain.portfolio.confirmation import ConfirmationRequest
from domain.portfolio.dividend import Dividend, Entitlement
from domain.portfolio.fill import Fill
from domain.portfolio.ledger import LedgerKey, Transfer
from domain.portfolio.order import Order
from domain.portfolio.position import Position
from domain.portfolio.round_trip import RoundTrip
from domain.portfolio.simulation_run import EquityPoint, SimulationRun
from domain.portfolio.split import Split
from domain.shared.errors import Defect, StaleVersion
from domain.shared.events import LoggedEvent

K = TypeVar("K")
V = TypeVar("V")


class Journal:
    """What has to be done to undo the writes since the last commit."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self.is_writable = False
        self.remembered: dict[tuple[str, str], object] = {}

    @property
    def mark(self) -> int:
        """A point to return to."""
        return len(self._undo)

    def note(self, undo: Callable[[], object]) -> None:
        """Remember how to undo one write; Defect `read_only` outside a command."""
        if not self.is_writable:
            raise Defect("read_only", "A query must not write.")
        self._undo.append(undo)

    def undo_to(self, mark: int) -> None:
        """Play back, newest first, everything noted since the mark; nothing stays remembered."""
        self.remembered.clear()
        while len(self._undo) > mark:
            self._undo.pop()()

    def forget(self) -> None:
        """The writes stand."""
        self._undo.clear()


class Table(Generic[K, V]):
    """Rows by key; every write is noted in the journal first."""

    def __init__(self, journal: Journal) -> None:
        self._rows: dict[K, V] = {}
        self._journal = journal

    def get(self, key: K) -> V | None:
        return self._rows.get(key)

    def values(self) -> Iterable[V]:
        return self._rows.values()

    def items(self) -> Iterable[tuple[K, V]]:
        return self._rows.items()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, key: K, row: V) -> None:
        """Insert; Defect `duplicate_key` when the key is taken."""
        if key in self._rows:
            raise Defect("duplicate_key", f"A row with the key {key} exists.")
        self._journal.note(lambda: self._rows.pop(key))
        self._rows[key] = row

    def put(self, key: K, row: V) -> None:
        """Insert or replace."""
        if key not in self._rows:
            self.add(key, row)
            return
        before = self._rows[key]
        self._journal.note(lambda: self._rows.__setitem__(key, before))
        self._rows[key] = row

    def drop(self, key: K) -> None:
        """Delete."""
        before = self._rows[key]
        self._journal.note(lambda: self._rows.__setitem__(key, before))
        del self._rows[key]


def page_of(rows: Iterable[V], key: Callable[[V], str], page: Page) -> list[V]:
    """Rows strictly after `page.after` in the order of a unique key, at most `page.limit`."""
    after = page.after
    if after is not None and page.descending:
        rows = (row for row in rows if key(row) < after)
    elif after is not None:
        rows = (row for row in rows if key(row) > after)
    return sorted(rows, key=key, reverse=page.descending)[: page.limit]


@dataclass(frozen=True, slots=True)
class Owned(Generic[V]):
    """A row whose value does not name its owner."""

    owner_id: str
    value: V
    at: datetime | None = None
    is_cancelled: bool = False


@dataclass(frozen=True)
class BookTables:
    """One set of the book's tables."""

    journal: Journal
    positions: Table[str, Position] = field(init=False)
    orders: Table[str, Order] = field(init=False)
    fills: Table[str, Fill] = field(init=False)
    transfers: Table[int, Transfer] = field(init=False)
    balances: Table[LedgerKey, Decimal] = field(init=False)
    flows: Table[str, CashFlow] = field(init=False)
    evaluations: Table[str, Owned[StoredEvaluation]] = field(init=False)

    def __post_init__(self) -> None:
        _make_tables(self, self.journal)


@dataclass(frozen=True)
class SimulationTables(BookTables):
    """The simulation's set, and what only it has."""

    runs: Table[str, SimulationRun] = field(init=False)
    prices: Table[tuple[str, str], PriceTick] = field(init=False)
    points: Table[tuple[str, Resolution, datetime], EquityPoint] = field(init=False)
    tickets: Table[tuple[str, str], StoredTicket] = field(init=False)
    trips: Table[str, RoundTrip] = field(init=False)
    confirmations: Table[str, ConfirmationRequest] = field(init=False)


@dataclass(frozen=True)
class Tables(BookTables):
    """Everything the twin holds."""

    journal: Journal = field(default_factory=Journal)
    accounts: Table[str, Account] = field(init=False)
    events: Table[int, LoggedEvent] = field(init=False)
    aggregates: Table[str, int] = field(init=False)
    answers: Table[tuple[str, str, str], Owned[StoredAnswer]] = field(init=False)
    dividends: Table[str, Owned[Dividend]] = field(init=False)
    entitlements: Table[str, Entitlement] = field(init=False)
    splits: Table[str, Owned[Split]] = field(init=False)
    applied_splits: Table[tuple[str, str], datetime] = field(init=False)
    instruments: Table[str, RegisteredInstrument] = field(init=False)
    simulation: SimulationTables = field(init=False)
    nav_marks: Table[tuple[str, datetime], StoredNavMark] = field(init=False)
    bar_answers: Table[tuple[str, date, str], Mapping[str, object]] = field(init=False)
    market_state: Table[date, MarketStateRow] = field(init=False)
    market_state_revisions: Table[tuple[date, int], MarketStateRow] = field(init=False)
    regime_changes: Table[date, RegimeChange] = field(init=False)
    regime_settings: Table[str, RegimeSettings] = field(init=False)
    configurations: Table[tuple[str, int], ConfigurationVersion] = field(init=False)
    plan_runners: Table[str, PlanRunnerState] = field(init=False)

    def __post_init__(self) -> None:
        _make_tables(self, self.journal)
        object.__setattr__(self, "simulation", SimulationTables(self.journal))


def _make_tables(tables: BookTables, journal: Journal) -> None:
    for name in tables.__dataclass_fields__:
        if name != "journal":
            object.__setattr__(tables, name, Table(journal))


def require_next(name: str, stored: Any, value: Any) -> None:
    """StaleVersion unless `value` follows the stored version; `name` is what people call it."""
    if stored is None or stored.version != value.version - 1:
        raise StaleVersion("stale_version", f"{name} {value.id} changed meanwhile.")
