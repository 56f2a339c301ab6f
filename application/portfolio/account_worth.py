"""Accounts with what they are worth: cash, equity, NAV and drawdown at this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from application.portfolio.account_nav import AccountNav
from application.portfolio.nav_valuation import nav_after
from application.portfolio.views import Mark, ValuedAccount, valued_accounts
from application.ports.prices import Prices
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Account
from domain.risk.nav import UnitNav


@dataclass(frozen=True, slots=True)
class AccountWorth:
    """`nav` is null with its reason before the first mark and while a holding has no price;
    `recorded` is the NAV of the last mark.
    """

    view: ValuedAccount
    nav: UnitNav | None
    recorded: UnitNav | None
    stale_marks: tuple[Mark, ...]
    reasons: Mapping[str, str]


class ValueAccounts:
    """One query each for balances, positions and the newest NAV marks, however many accounts."""

    def __init__(self, prices: Prices, nav: AccountNav) -> None:
        self._prices = prices
        self._nav = nav

    def __call__(self, accounts: Sequence[Account], work: UnitOfWork) -> list[AccountWorth]:
        newest = work.nav_marks.newest([account.id for account in accounts])
        worth = []
        for view in valued_accounts(accounts, self._prices, work):
            last = newest.get(view.account.id)
            now = nav_after(last, view)
            why = {} if now.reason is None else dict.fromkeys(_OF_NAV, now.reason)
            stale = self._nav.stale_marks(view, work.now)
            recorded = None if last is None else last.state
            reasons = {**view.reasons, **why}
            worth.append(AccountWorth(view, now.state, recorded, stale, reasons))
        return worth

    def one(self, account: Account, work: UnitOfWork) -> AccountWorth:
        """A single account."""
        return self([account], work)[0]


_OF_NAV = ("nav", "high_water_mark", "drawdown")
