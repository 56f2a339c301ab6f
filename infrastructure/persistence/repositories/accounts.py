"""Accounts on SQL."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, insert, select, update

from application.context import RequestContext
from application.ports.repositories import Page
from domain.portfolio.account import (
    MAIN_ACCOUNT_NAME,
    SIMULATION_ACCOUNT_NAME,
    Account,
    AccountMode,
    Book,
    Costs,
    Settlement,
    TradingState,
)
from domain.shared.errors import Conflict, NotFound, StaleVersion
from infrastructure.persistence.paging import paged
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.portfolio import accounts

_ACCOUNT = "account"
_INSERT = insert(accounts)
_BY_ID = select(accounts).where(
    accounts.c.id == bindparam("id"), accounts.c.owner_id == bindparam("owner_id")
)
_BY_NAME = select(accounts).where(
    accounts.c.name == bindparam("name"), accounts.c.owner_id == bindparam("owner_id")
)
_UPDATE = (
    update(accounts)
    .where(accounts.c.id == bindparam("key"), accounts.c.version == bindparam("before"))
    .values({c.name: bindparam(c.name) for c in accounts.c if c.name != "id"})
)


class SqlAccounts:
    """`Accounts` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def get(self, account_id: str) -> Account:
        known: Account | None = self._session.recall(_ACCOUNT, account_id)
        if known is not None and known.owner_id == self._owner_id:
            return known
        row = self._session.one(_BY_ID, id=account_id, owner_id=self._owner_id)
        if row is None:
            raise NotFound("account_not_found", f"No account {account_id}.")
        account = _account(row)
        self._session.remember(_ACCOUNT, account_id, account)
        return account

    def main(self) -> Account:
        row = self._session.one(_BY_NAME, name=MAIN_ACCOUNT_NAME, owner_id=self._owner_id)
        if row is None:
            raise NotFound("account_not_found", "This owner has no account named main.")
        return _account(row)

    def simulation(self) -> Account:
        row = self._session.one(_BY_NAME, name=SIMULATION_ACCOUNT_NAME, owner_id=self._owner_id)
        if row is None:
            raise NotFound("account_not_found", "This owner has no account named simulation.")
        return _account(row)

    def add(self, account: Account) -> None:
        if self._session.one(_BY_NAME, name=account.name, owner_id=account.owner_id) is not None:
            raise Conflict("name_taken", f"An account named {account.name} exists.")
        self._session.run(_INSERT, **_row(account))

    def save(self, account: Account) -> None:
        namesake = self._session.one(_BY_NAME, name=account.name, owner_id=account.owner_id)
        if namesake is not None and namesake["id"] != account.id:
            raise Conflict("name_taken", f"An account named {account.name} exists.")
        row = _row(account)
        key = row.pop("id")
        if self._session.run(_UPDATE, key=key, before=account.version - 1, **row) != 1:
            raise StaleVersion("stale_version", f"Account {account.id} changed meanwhile.")
        self._session.remember(_ACCOUNT, account.id, account)

    def list(self, page: Page) -> Sequence[Account]:
        query = select(accounts).where(accounts.c.owner_id == self._owner_id)
        return [_account(r) for r in self._session.built(paged(query, accounts.c.id, page))]


def _row(account: Account) -> Row:
    row = asdict(account)
    costs = row.pop("costs")
    return {**row, **costs}


def _account(row: Row) -> Account:
    costs = Costs(row.pop("commission_rate"), row.pop("slippage"))
    return Account(
        **{
            **row,
            "mode": AccountMode(row["mode"]),
            "settlement": Settlement(row["settlement"]),
            "status": TradingState(row["status"]),
            "book": Book(row["book"]),
        },
        costs=costs,
    )
