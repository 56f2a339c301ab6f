"""What an account is worth right after one bar, without valuing all of its holdings again.

A thousand trades are each updated many times a session, and every update may be a new peak.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from application.portfolio.views import Mark, marks_of, valued_account
from application.ports.prices import Prices
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Account
from domain.portfolio.position import Position
from domain.shared.decimals import ZERO

REUSED_FOR = timedelta(seconds=5)
_REMEMBERED = "running worth"


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


@dataclass(slots=True)
class _Valued:
    """Values of the holdings when all were valued; `money` is all cash after transfer `seq`.

    `telling` are the positions that may tell an instrument's price, those without shares included.
    """

    at: datetime
    mark_at: datetime
    seq: int
    money: Decimal
    values: dict[str, Decimal | None] = field(default_factory=dict)
    telling: dict[str, set[str]] = field(default_factory=dict)
    total: Decimal = ZERO
    unpriced: int = 0

    def put(self, positions: Sequence[Position], marks: Sequence[Mark]) -> None:
        """Replace the values of the positions; one without a mark has no shares."""
        found = {mark.position.id: mark.value for mark in marks}
        for position in positions:
            self.telling.setdefault(position.instrument, set()).add(position.id)
            if position.id in self.values:
                old = self.values.pop(position.id)
                self.total -= old or ZERO
                self.unpriced -= old is None
            if position.id in found:
                new = self.values[position.id] = found[position.id]
                self.total += new or ZERO
                self.unpriced += new is None


class RunningWorth:
    """Equity from values at most 5 s old, the changed instrument's ones fresh.

    Cash changes by transfers alone: it is read when there are new ones. Once it differs by more
    than the command itself moved, or a mark was recorded, something else was filled or flowed, and
    every holding is valued again: an old value never meets new cash. What is known is remembered
    with the writer's memory, which forgets it when a command is undone.
    """

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def equity(
        self, account: Account, change: Change, mark_at: datetime, work: UnitOfWork
    ) -> Decimal | None:
        """Null where a holding has no price. `mark_at` is the instant of the newest mark."""
        known = _recalled(account, work)
        seq = work.ledger.last_seq()
        if known is not None and known.seq == seq:
            money = known.money
        else:
            amounts = work.ledger.money(account.id, account.base_currency)
            money = valued_account(account, amounts, (), self._prices, work.now).equity or ZERO
        if (
            known is None
            or money - known.money != change.cash_gain
            or known.mark_at != mark_at
            or not timedelta(0) <= work.now - known.at < REUSED_FOR
        ):
            held = work.positions.held_in(account.id)
            known = _Valued(work.now, mark_at, seq, money)
            work.remember(_REMEMBERED, account.id, known)
        else:
            held = self._sharing_its_price(change.after, known, work)
        known.seq, known.money = seq, money
        known.put([*held, change.after], marks_of(held, self._prices, work.now))
        return None if known.unpriced else money + known.total

    def recorded(self, account: Account, mark_at: datetime, work: UnitOfWork) -> None:
        """A mark was made of just this equity: what is known stays true."""
        known = _recalled(account, work)
        if known is not None:
            known.mark_at = mark_at

    @staticmethod
    def _sharing_its_price(
        changed: Position, known: _Valued, work: UnitOfWork
    ) -> Sequence[Position]:
        if known.telling.get(changed.instrument, set()) <= {changed.id}:
            return [changed]
        of_all = work.positions.holding(changed.instrument)
        return [position for position in of_all if position.account_id == changed.account_id]


def _recalled(account: Account, work: UnitOfWork) -> _Valued | None:
    found = work.recall(_REMEMBERED, account.id)
    return found if isinstance(found, _Valued) else None
