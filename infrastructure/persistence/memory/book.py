"""Accounts, positions, orders and fills in memory."""

from collections.abc import Iterable, Sequence

from application.context import RequestContext
from application.ports.repositories import Page, PositionFilter
from domain.portfolio.account import MAIN_ACCOUNT_NAME, SIMULATION_ACCOUNT_NAME, Account
from domain.portfolio.position import Position, PositionStatus
from domain.shared.errors import Conflict, NotFound
from infrastructure.persistence.memory.tables import BookTables, Tables, page_of, require_next
from infrastructure.persistence.plan_codec import TRADE_KINDS, plan_kind


class MemoryAccounts:
    """`Accounts` in memory."""

    def __init__(self, tables: Tables, context: RequestContext) -> None:
        self._rows = tables.accounts
        self._owner_id = context.owner_id

    def get(self, account_id: str) -> Account:
        account = self._rows.get(account_id)
        if account is None or account.owner_id != self._owner_id:
            raise NotFound("account_not_found", f"No account {account_id}.")
        return account

    def main(self) -> Account:
        return self._named(MAIN_ACCOUNT_NAME)

    def simulation(self) -> Account:
        return self._named(SIMULATION_ACCOUNT_NAME)

    def _named(self, name: str) -> Account:
        for account in self._mine():
            if account.name == name:
                return account
        raise NotFound("account_not_found", f"This owner has no account named {name}.")

    def add(self, account: Account) -> None:
        self._require_free_name(account)
        self._rows.add(account.id, account)

    def save(self, account: Account) -> None:
        self._require_free_name(account)
        require_next("Account", self._rows.get(account.id), account)
        self._rows.put(account.id, account)

    def list(self, page: Page) -> Sequence[Account]:
        return page_of(self._mine(), lambda account: account.id, page)

    def _mine(self) -> Iterable[Account]:
        return (a for a in self._rows.values() if a.owner_id == self._owner_id)

    def _require_free_name(self, account: Account) -> None:
        for other in self._rows.values():
            is_namesake = (other.owner_id, other.name) == (account.owner_id, account.name)
            if is_namesake and other.id != account.id:
                raise Conflict("name_taken", f"An account named {account.name} exists.")


class MemoryPositions:
    """`Positions` in memory."""

    def __init__(self, tables: BookTables, context: RequestContext) -> None:
        self._rows = tables.positions
        self._owner_id = context.owner_id

    def get(self, position_id: str) -> Position:
        position = self._rows.get(position_id)
        if position is None or position.owner_id != self._owner_id:
            raise NotFound("position_not_found", f"No position {position_id}.")
        return position

    def add(self, position: Position) -> None:
        is_trade = plan_kind(position.plan) in TRADE_KINDS
        live = self.live_trade(position.account_id, position.instrument) if is_trade else None
        if live is not None:
            raise Conflict(
                "position_exists",
                f"A position in {live.instrument} is open.",
                context={"position_id": live.id},
            )
        self._rows.add(position.id, position)

    def save(self, position: Position) -> None:
        require_next("Position", self._rows.get(position.id), position)
        self._rows.put(position.id, position)

    def list(self, where: PositionFilter, page: Page) -> Sequence[Position]:
        return page_of(self._filtered(where), lambda position: position.id, page)

    def count(self, where: PositionFilter) -> int:
        return sum(1 for _ in self._filtered(where))

    def unclosed(self) -> Sequence[Position]:
        mine = self._filtered(PositionFilter())
        live = (p for p in mine if p.status is not PositionStatus.CLOSED)
        return sorted(live, key=lambda position: position.id)

    def holding(self, instrument: str) -> Sequence[Position]:
        live = (
            p
            for p in self._filtered(PositionFilter(instrument=instrument))
            if p.status is not PositionStatus.CLOSED
        )
        return sorted(live, key=lambda position: position.id)

    def live_trade(self, account_id: str, instrument: str) -> Position | None:
        return next((p for p in self.live_trades(account_id) if p.instrument == instrument), None)

    def last_trade(self, account_id: str, instrument: str) -> Position | None:
        where = PositionFilter(account_id=account_id, instrument=instrument)
        trades = (p for p in self._filtered(where) if plan_kind(p.plan) in TRADE_KINDS)
        return max(trades, key=lambda position: position.id, default=None)

    def live_trades(self, account_id: str) -> Sequence[Position]:
        live = (p for p in self.held_in(account_id) if plan_kind(p.plan) in TRADE_KINDS)
        return sorted(live, key=lambda position: position.instrument)

    def held_in(self, account_id: str) -> Sequence[Position]:
        of_account = self._filtered(PositionFilter(account_id=account_id))
        live = (p for p in of_account if p.status is not PositionStatus.CLOSED)
        return sorted(live, key=lambda position: position.id)

    def _filtered(self, where: PositionFilter) -> Iterable[Position]:
        for position in self._rows.values():
            if (
                position.owner_id == self._owner_id
                and where.account_id in (None, position.account_id)
                and where.instrument in (None, position.instrument)
                and where.plan_kind in (None, plan_kind(position.plan))
                and where.status in (None, position.status.value)
            ):
                yield position
