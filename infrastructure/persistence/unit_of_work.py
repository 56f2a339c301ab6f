"""One transaction's repositories on SQL, made when first asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from application.context import RequestContext
from infrastructure.persistence.event_log import ChainHead, SqlEvents
from infrastructure.persistence.made_once import made_once
from infrastructure.persistence.repositories.accounts import SqlAccounts
from infrastructure.persistence.repositories.bar_answers import SqlBarAnswers
from infrastructure.persistence.repositories.configuration import SqlConfigurationBook
from infrastructure.persistence.repositories.corporate_actions import SqlDividends, SqlSplits
from infrastructure.persistence.repositories.evaluations import SqlEvaluations
from infrastructure.persistence.repositories.fills import SqlFills
from infrastructure.persistence.repositories.identity import SqlApiTokens, SqlSessions, SqlUsers
from infrastructure.persistence.repositories.jobs import SqlJobs
from infrastructure.persistence.repositories.ledger import SqlLedgerBook
from infrastructure.persistence.repositories.market import SqlSeriesBook
from infrastructure.persistence.repositories.market_state import (
    SqlMarketState,
    SqlRegimeSettings,
)
from infrastructure.persistence.repositories.orders import SqlOrders
from infrastructure.persistence.repositories.plan_runner import SqlPlanRunnerBook
from infrastructure.persistence.repositories.platform import SqlIdempotentAnswers, SqlInstruments
from infrastructure.persistence.repositories.positions import SqlPositions
from infrastructure.persistence.repositories.reports import SqlNavMarks, SqlTrades
from infrastructure.persistence.repositories.service_settings import SqlSettingsBook
from infrastructure.persistence.session import SqlSession
from infrastructure.persistence.simulation_book import SqlSimulationBook


class SqlUnitOfWork:
    """`UnitOfWork` on SQL. `head` is given to commands only: a query cannot append events."""

    def __init__(
        self, session: SqlSession, context: RequestContext, now: datetime, head: ChainHead | None
    ) -> None:
        self.session = session
        self.context = context
        self.now = now
        self._head = head

    @made_once
    def accounts(self) -> SqlAccounts:
        return SqlAccounts(self.session, self.context)

    @made_once
    def positions(self) -> SqlPositions:
        return SqlPositions(self.session, self.context)

    @made_once
    def orders(self) -> SqlOrders:
        return SqlOrders(self.session, self.context)

    @made_once
    def fills(self) -> SqlFills:
        return SqlFills(self.session, self.context)

    @made_once
    def ledger(self) -> SqlLedgerBook:
        return SqlLedgerBook(self.session, self.context)

    @made_once
    def events(self) -> SqlEvents:
        return SqlEvents(self.session, self.context, self.now, self._head)

    @made_once
    def idempotency(self) -> SqlIdempotentAnswers:
        return SqlIdempotentAnswers(self.session, self.context, self.now)

    @made_once
    def evaluations(self) -> SqlEvaluations:
        return SqlEvaluations(self.session, self.context)

    @made_once
    def dividends(self) -> SqlDividends:
        return SqlDividends(self.session, self.context, self.now)

    @made_once
    def splits(self) -> SqlSplits:
        return SqlSplits(self.session, self.context, self.now)

    @made_once
    def instruments(self) -> SqlInstruments:
        return SqlInstruments(self.session)

    @made_once
    def nav_marks(self) -> SqlNavMarks:
        return SqlNavMarks(self.session)

    @made_once
    def trades(self) -> SqlTrades:
        return SqlTrades(self.session)

    @made_once
    def bar_answers(self) -> SqlBarAnswers:
        return SqlBarAnswers(self.session)

    @made_once
    def jobs(self) -> SqlJobs:
        return SqlJobs(self.session, self.context)

    @made_once
    def series(self) -> SqlSeriesBook:
        return SqlSeriesBook(self.session)

    @made_once
    def market_state(self) -> SqlMarketState:
        return SqlMarketState(self.session)

    @made_once
    def regime_settings(self) -> SqlRegimeSettings:
        return SqlRegimeSettings(self.session)

    @made_once
    def users(self) -> SqlUsers:
        return SqlUsers(self.session, self.context)

    @made_once
    def sessions(self) -> SqlSessions:
        return SqlSessions(self.session)

    @made_once
    def api_tokens(self) -> SqlApiTokens:
        return SqlApiTokens(self.session)

    @made_once
    def settings(self) -> SqlSettingsBook:
        return SqlSettingsBook(self.session, self.context)

    @made_once
    def configuration(self) -> SqlConfigurationBook:
        return SqlConfigurationBook(self.session, self.context)

    @made_once
    def plan_runner(self) -> SqlPlanRunnerBook:
        return SqlPlanRunnerBook(self.session, self.context)

    @made_once
    def simulation(self) -> SqlSimulationBook:
        return SqlSimulationBook(self.session, self.context)

    def recall(self, kind: str, key: str) -> object | None:
        """What an earlier command of this process remembered."""
        found: object | None = self.session.recall(kind, key)
        return found

    def remember(self, kind: str, key: str, value: object) -> None:
        """Keep a value until a command is undone or another process writes."""
        self.session.remember(kind, key, value)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo everything written in the block when it raises, the chain's head included."""
        mark = self._head.copy() if self._head is not None else None
        self.session.text("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.session.text("ROLLBACK TO SAVEPOINT part")
            self.session.text("RELEASE SAVEPOINT part")
            if self._head is not None and mark is not None:
                self._head.seq, self._head.hash = mark.seq, mark.hash
            if self.session.memory is not None:
                self.session.memory.clear()
            raise
        self.session.text("RELEASE SAVEPOINT part")
