"""What an account is worth right after one bar, without valuing all of its holdings again.

A thousand trades are each updated many times a session, and every update may be a new peak.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from application.portfolio.views import marks_of, valued_account
from application.ports.prices import Prices
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Account
from domain.portfolio.position import Position
from domain.shared.decimals import ZERO

REUSED_FOR = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Change:
    """A position before and after the command that filled it or told its price."""

    before: Position
    after: Position

    @property
    def cash_gain(self) -> Decimal | None:
        """Money its fills brought, fees paid; null where the cost is unknown."""
        old, new = self.before.basis, self.after.basis
        if old.cost is None or new.cost is None:
            return None
        earned = new.realized_pnl - old.realized_pnl - (new.fees_paid - old.fees_paid)
        return old.cost - new.cost + earned


@dataclass(frozen=True, slots=True)
class _Valued:
    """Values of the holdings by position when all were valued; `money` is all cash then."""

    at: datetime
    mark_at: datetime
    money: Decimal
    values: Mapping[str, Decimal | None]


class RunningWorth:
    """Equity from values at most 5 s old, the changed instrument's ones fresh.

    Cash is always read. Once it differs by more than the command itself moved, or a mark was
    recorded, something else was filled or flowed, and every holding is valued again: an old value
    never meets new cash.
    """

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._known: dict[str, _Valued] = {}

    def equity(
        self, account: Account, change: Change, mark_at: datetime, work: UnitOfWork
    ) -> Decimal | None:
        """Null where a holding has no price. `mark_at` is the instant of the newest mark."""
        changed = change.after
        amounts = work.ledger.money(account.id, account.base_currency)
        money = valued_account(account, amounts, (), self._prices, work.now).equity or ZERO
        known = self._known.get(account.id)
        is_known = (
            known is not None
            and money - known.money == change.cash_gain
            and known.mark_at == mark_at
            and timedelta(0) <= work.now - known.at < REUSED_FOR
        )
        if known is None or not is_known:
            held = work.positions.held_in(account.id)
            values: dict[str, Decimal | None] = {}
            at = work.now
        else:
            of_all = work.positions.holding(changed.instrument)
            held = [position for position in of_all if position.account_id == account.id]
            values, at = dict(known.values), known.at
        values.pop(changed.id, None)
        values.update((m.position.id, m.value) for m in marks_of(held, self._prices, work.now))
        self._known[account.id] = _Valued(at, mark_at, money, values)
        if None in values.values():
            return None
        return money + sum((value or ZERO for value in values.values()), ZERO)

    def recorded(self, account: Account, mark_at: datetime) -> None:
        """A mark was made of just this equity: what is known stays true."""
        known = self._known[account.id]
        self._known[account.id] = _Valued(known.at, mark_at, known.money, known.values)
