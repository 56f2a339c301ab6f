"""One command's or query's view of the book in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

from application.context import RequestContext
from application.ports.candles import SeriesBook
from application.ports.identity_repositories import ApiTokens, Sessions, SettingsBook, Users
from application.ports.jobs import Jobs
from domain.shared.errors import Defect
from infrastructure.persistence.memory.bar_answers import MemoryBarAnswers
from infrastructure.persistence.memory.book import MemoryAccounts, MemoryPositions
from infrastructure.persistence.memory.configuration import MemoryConfigurationBook
from infrastructure.persistence.memory.corporate_actions import MemoryDividends, MemorySplits
from infrastructure.persistence.memory.ledger import MemoryLedgerBook
from infrastructure.persistence.memory.market_state import (
    MemoryMarketState,
    MemoryRegimeSettings,
)
from infrastructure.persistence.memory.orders import MemoryFills, MemoryOrders
from infrastructure.persistence.memory.platform import (
    MemoryEvaluations,
    MemoryEvents,
    MemoryIdempotentAnswers,
    MemoryInstruments,
    MemoryPlanRunnerBook,
)
from infrastructure.persistence.memory.reports import MemoryNavMarks, MemoryTrades
from infrastructure.persistence.memory.simulation import MemorySimulationBook
from infrastructure.persistence.memory.tables import Tables


class MemoryUnitOfWork:
    """`UnitOfWork` for the book of record; jobs, candle series and identity need a database."""

    def __init__(self, tables: Tables, context: RequestContext, now: datetime) -> None:
        self.context = context
        self.now = now
        self._journal = tables.journal
        self.accounts = MemoryAccounts(tables, context)
        self.positions = MemoryPositions(tables, context)
        self.orders = MemoryOrders(tables, context)
        self.fills = MemoryFills(tables, context)
        self.ledger = MemoryLedgerBook(tables)
        self.events = MemoryEvents(tables, context, now)
        self.idempotency = MemoryIdempotentAnswers(tables, context, now)
        self.evaluations = MemoryEvaluations(tables, context)
        self.dividends = MemoryDividends(tables, context)
        self.splits = MemorySplits(tables, context)
        self.instruments = MemoryInstruments(tables)
        self.simulation = MemorySimulationBook(tables.simulation, context)
        self.nav_marks = MemoryNavMarks(tables)
        self.trades = MemoryTrades(tables)
        self.bar_answers = MemoryBarAnswers(tables)
        self.market_state = MemoryMarketState(tables)
        self.regime_settings = MemoryRegimeSettings(tables)
        self.configuration = MemoryConfigurationBook(tables, context)
        self.plan_runner = MemoryPlanRunnerBook(tables, context)

    @property
    def jobs(self) -> Jobs:
        _needs_database("jobs")

    @property
    def series(self) -> SeriesBook:
        _needs_database("series")

    @property
    def users(self) -> Users:
        _needs_database("users")

    @property
    def sessions(self) -> Sessions:
        _needs_database("sessions")

    @property
    def api_tokens(self) -> ApiTokens:
        _needs_database("api_tokens")

    @property
    def settings(self) -> SettingsBook:
        _needs_database("settings")

    def recall(self, kind: str, key: str) -> object | None:
        """What an earlier command remembered."""
        journal = self._journal
        return journal.remembered.get((kind, key)) if journal.is_writable else None

    def remember(self, kind: str, key: str, value: object) -> None:
        """Keep a value until a command is undone."""
        if self._journal.is_writable:
            self._journal.remembered[kind, key] = value

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo everything written in the block when it raises."""
        mark = self._journal.mark
        try:
            yield
        except BaseException:
            self._journal.undo_to(mark)
            raise


def _needs_database(name: str) -> NoReturn:
    raise Defect("not_in_memory", f"The book in memory holds no {name}.")
