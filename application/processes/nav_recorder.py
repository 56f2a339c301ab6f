"""Records the NAV of every account when a session of its calendar has closed.

Looked at every few seconds; sessions missed while the service was down are caught up at its start.
"""

import logging
from collections.abc import Callable

from application.context import RequestContext
from application.portfolio.account_nav import AccountNav
from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.repositories import Page
from application.ports.unit_of_work import Store, UnitOfWork
from application.processes.periodic import Periodic, kind_of
from domain.portfolio.account import Account, Book
from domain.shared.ids import Prefix

NAME = "nav_recorder"
EVERY_S = 15.0
COMMAND_WITHIN_S = 60.0
ACCOUNTS_MAX = 10_000
log = logging.getLogger("ballast.nav")


class NavRecorder:
    """An account that fails is logged and tried again at the next turn; the others go on."""

    def __init__(
        self, store: Store, nav: AccountNav, clock: Clock, ids: Ids, owner: Callable[[], str]
    ) -> None:
        self._store = store
        self._nav = nav
        self._clock = clock
        self._ids = ids
        self._owner = owner
        self.process = Periodic(NAME, self.turn, EVERY_S)

    def turn(self) -> int:
        """Record what is due; how many accounts were."""
        context = RequestContext(self._owner(), NAME, self._ids.new(Prefix.REQUEST))
        due = self._store.query(self._due, context)
        return sum(self._record(account, context) for account in due)

    def _due(self, work: UnitOfWork) -> list[Account]:
        accounts = work.accounts.list(Page(limit=ACCOUNTS_MAX))
        newest = work.nav_marks.newest([account.id for account in accounts])
        mine = [account for account in accounts if account.book is Book.MAIN]
        return [a for a in mine if self._nav.is_due(a, newest.get(a.id), work.now)]

    def _record(self, account: Account, context: RequestContext) -> bool:
        try:
            command = self._store.command(
                lambda work: self._nav.close_sessions(work.accounts.get(account.id), work), context
            )
            command.result(COMMAND_WITHIN_S)
        except Exception as error:  # noqa: BLE001 - process loop: one account must not stop the others
            log.warning("the NAV of %s was not recorded: %s", account.id, kind_of(error))
            return False
        return True
