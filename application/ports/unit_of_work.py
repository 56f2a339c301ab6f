"""One transaction's view of the store. Handlers read and write through it; they cannot commit.

Contract: not thread-safe, valid only inside the command or query it was made for. A command that
raises leaves nothing behind; `savepoint()` gives a handler the same guarantee for a part of itself.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from application.context import RequestContext
from application.ports.bar_answers import BarAnswers
from application.ports.candles import SeriesBook
from application.ports.configuration import ConfigurationBook
from application.ports.corporate_actions import Dividends, Splits
from application.ports.identity_repositories import ApiTokens, Sessions, SettingsBook, Users
from application.ports.jobs import Jobs
from application.ports.ledger_book import LedgerBook
from application.ports.market_state import MarketStateRepository, RegimeSettingsBook
from application.ports.order_repositories import Fills, Orders
from application.ports.plan_runner_book import PlanRunnerBook
from application.ports.report_repositories import NavMarks, Trades
from application.ports.repositories import (
    Accounts,
    Evaluations,
    Events,
    IdempotentAnswers,
    Instruments,
    Positions,
)
from application.ports.simulation import SimulationBook

T = TypeVar("T")


class UnitOfWork(Protocol):
    """Repositories of one transaction; `now` is read once per command."""

    context: RequestContext
    now: datetime

    @property
    def accounts(self) -> Accounts: ...
    @property
    def positions(self) -> Positions: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def fills(self) -> Fills: ...
    @property
    def ledger(self) -> LedgerBook: ...
    @property
    def events(self) -> Events: ...
    @property
    def idempotency(self) -> IdempotentAnswers: ...
    @property
    def evaluations(self) -> Evaluations: ...
    @property
    def dividends(self) -> Dividends: ...
    @property
    def splits(self) -> Splits: ...
    @property
    def instruments(self) -> Instruments: ...
    @property
    def nav_marks(self) -> NavMarks: ...
    @property
    def trades(self) -> Trades: ...
    @property
    def bar_answers(self) -> BarAnswers: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def series(self) -> SeriesBook: ...
    @property
    def market_state(self) -> MarketStateRepository: ...
    @property
    def regime_settings(self) -> RegimeSettingsBook: ...
    @property
    def users(self) -> Users: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def api_tokens(self) -> ApiTokens: ...
    @property
    def settings(self) -> SettingsBook: ...
    @property
    def configuration(self) -> ConfigurationBook: ...
    @property
    def plan_runner(self) -> PlanRunnerBook: ...
    @property
    def simulation(self) -> SimulationBook:
        """The simulation's book, on the same transaction."""
        ...

    def recall(self, kind: str, key: str) -> object | None:
        """What this process remembered in an earlier command; None in a query.

        Forgotten when a command or savepoint is undone, a commit fails or another process wrote,
        so it may hold what was derived from the store. Every command that changes that must append
        an event.
        """
        ...

    def remember(self, kind: str, key: str, value: object) -> None:
        """Keep a value for the commands that follow; nothing happens in a query."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Everything written inside is undone when the block raises."""
        ...


class Store(Protocol):
    """Runs commands one after another in batched transactions, and queries on read connections.

    `command` may be called from any thread; the future resolves after the commit that made the
    command durable, or with the fault that undid it. Raises Unavailable `queue_full` at the bound.
    `query` runs in the calling thread on a read-only view; it must not write.
    """

    def command(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> Future[T]: ...

    def post(
        self,
        work: Callable[[UnitOfWork], T],
        context: RequestContext,
        reply: Callable[[T, BaseException | None], None],
        executed: threading.Event | None = None,
    ) -> None:
        """`command` without a future: `reply(result, error)` is called after the commit, on the
        writer's thread, and must only hand the outcome on. `executed` is set as soon as the command
        has run, before its commit."""
        ...

    def query(self, work: Callable[[UnitOfWork], T], context: RequestContext) -> T: ...

    def on_settled(self, listener: Callable[[], None]) -> None:
        """Register a callable run on the writer's thread after the last reply of a batch, so that
        whoever takes replies needs to be woken once for all of them."""
        ...

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Register a callable told the newest event seq after each commit that appended events."""
        ...
