"""One transaction's repositories on SQL, made when first asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property

from application.context import RequestContext
from infrastructure.persistence.event_log import ChainHead, SqlEvents
from infrastructure.persistence.repositories.accounts import SqlAccounts
from infrastructure.persistence.repositories.corporate_actions import SqlDividends, SqlSplits
from infrastructure.persistence.repositories.evaluations import SqlEvaluations
from infrastructure.persistence.repositories.identity import SqlApiTokens, SqlSessions, SqlUsers
from infrastructure.persistence.repositories.jobs import SqlJobs
from infrastructure.persistence.repositories.ledger import SqlLedgerBook
from infrastructure.persistence.repositories.market import SqlSeriesBook
from infrastructure.persistence.repositories.orders import SqlFills, SqlOrders
from infrastructure.persistence.repositories.platform import SqlIdempotentAnswers, SqlInstruments
from infrastructure.persistence.repositories.positions import SqlPositions
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

    @cached_property
    def accounts(self) -> SqlAccounts:
        return SqlAccounts(self.session, self.context)

    @cached_property
    def positions(self) -> SqlPositions:
        return SqlPositions(self.session, self.context)

    @cached_property
    def orders(self) -> SqlOrders:
        return SqlOrders(self.session, self.context)

    @cached_property
    def fills(self) -> SqlFills:
        return SqlFills(self.session, self.context)

    @cached_property
    def ledger(self) -> SqlLedgerBook:
        return SqlLedgerBook(self.session, self.context)

    @cached_property
    def events(self) -> SqlEvents:
        return SqlEvents(self.session, self.context, self.now, self._head)

    @cached_property
    def idempotency(self) -> SqlIdempotentAnswers:
        return SqlIdempotentAnswers(self.session, self.context, self.now)

    @cached_property
    def evaluations(self) -> SqlEvaluations:
        return SqlEvaluations(self.session, self.context)

    @cached_property
    def dividends(self) -> SqlDividends:
        return SqlDividends(self.session, self.context, self.now)

    @cached_property
    def splits(self) -> SqlSplits:
        return SqlSplits(self.session, self.context, self.now)

    @cached_property
    def instruments(self) -> SqlInstruments:
        return SqlInstruments(self.session)

    @cached_property
    def jobs(self) -> SqlJobs:
        return SqlJobs(self.session, self.context)

    @cached_property
    def series(self) -> SqlSeriesBook:
        return SqlSeriesBook(self.session)

    @cached_property
    def users(self) -> SqlUsers:
        return SqlUsers(self.session, self.context)

    @cached_property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self.session)

    @cached_property
    def api_tokens(self) -> SqlApiTokens:
        return SqlApiTokens(self.session)

    @cached_property
    def settings(self) -> SqlSettingsBook:
        return SqlSettingsBook(self.session, self.context)

    @cached_property
    def simulation(self) -> SqlSimulationBook:
        return SqlSimulationBook(self.session, self.context)

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
