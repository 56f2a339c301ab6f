"""The simulation's repositories of one transaction, made when first asked for."""

from functools import cached_property

from application.context import RequestContext
from infrastructure.persistence.book_session import SimulationSession
from infrastructure.persistence.repositories.confirmations import SqlConfirmations
from infrastructure.persistence.repositories.evaluations import SqlEvaluations
from infrastructure.persistence.repositories.fills import SqlFills
from infrastructure.persistence.repositories.ledger import SqlLedgerBook
from infrastructure.persistence.repositories.orders import SqlOrders
from infrastructure.persistence.repositories.positions import SqlPositions
from infrastructure.persistence.repositories.simulation import (
    SqlEquityPoints,
    SqlSimulationPrices,
    SqlSimulationRuns,
)
from infrastructure.persistence.repositories.simulation_orders import (
    SqlRoundTrips,
    SqlTickets,
)
from infrastructure.persistence.session import SqlSession


class SqlSimulationBook:
    """`SimulationBook` on SQL: the same repositories, given the simulation's session."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._bound = SimulationSession(session)
        self._context = context

    @cached_property
    def positions(self) -> SqlPositions:
        return SqlPositions(self._bound, self._context)

    @cached_property
    def orders(self) -> SqlOrders:
        return SqlOrders(self._bound, self._context)

    @cached_property
    def fills(self) -> SqlFills:
        return SqlFills(self._bound, self._context)

    @cached_property
    def ledger(self) -> SqlLedgerBook:
        return SqlLedgerBook(self._bound, self._context)

    @cached_property
    def evaluations(self) -> SqlEvaluations:
        return SqlEvaluations(self._bound, self._context)

    @cached_property
    def runs(self) -> SqlSimulationRuns:
        return SqlSimulationRuns(self._session, self._context)

    @cached_property
    def prices(self) -> SqlSimulationPrices:
        return SqlSimulationPrices(self._session)

    @cached_property
    def equity(self) -> SqlEquityPoints:
        return SqlEquityPoints(self._session)

    @cached_property
    def tickets(self) -> SqlTickets:
        return SqlTickets(self._session)

    @cached_property
    def trips(self) -> SqlRoundTrips:
        return SqlRoundTrips(self._session)

    @cached_property
    def confirmations(self) -> SqlConfirmations:
        return SqlConfirmations(self._session, self._context)
