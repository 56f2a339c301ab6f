"""One step of a dividend for one position, booked as one: ledger, entitlement, position, events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from application.portfolio.recording import (
    Claims,
    require_sound_reservations,
    transfer_ids,
)
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.dividend import Dividend, Entitlement
from domain.portfolio.ledger import Balances, Bucket, LedgerKey, Phase, Transfer, TransferKind
from domain.portfolio.position import Position, PositionStatus
from domain.shared.errors import Conflict, Defect
from domain.shared.events import NewEvent


@dataclass(frozen=True, slots=True)
class PositionStep:
    """A position's entitlement after the step; `replayed` when this call booked nothing for it."""

    entitlement: Entitlement
    position: Position
    replayed: bool


@dataclass(frozen=True, slots=True)
class DividendStep:
    """What a step did, position by position."""

    dividend: Dividend
    positions: tuple[PositionStep, ...]
    replayed: bool

    @classmethod
    def of(cls, dividend: Dividend, positions: Sequence[PositionStep]) -> "DividendStep":
        """The step is replayed when it had been booked for every position before."""
        replayed = bool(positions) and all(step.replayed for step in positions)
        return cls(dividend, tuple(positions), replayed)


@dataclass(frozen=True, slots=True)
class Movement:
    """An amount between two buckets; zero moves nothing."""

    kind: TransferKind
    amount: Decimal
    source: LedgerKey
    target: LedgerKey


def cash_target(position: Position) -> LedgerKey:
    """Where dividend cash goes: the cell, the account that pays, or a retired cell's account."""
    if position.is_cell and position.status is PositionStatus.CLOSED:
        holder = position.account_id
        return LedgerKey(holder, holder, position.currency, Bucket.AVAILABLE)
    return position.cash_key(Bucket.AVAILABLE)


def own_cash_change(position: Position, change: Decimal) -> Decimal:
    """What dividend cash changes in the position's own reserve."""
    return change if cash_target(position).holder_id == position.id else Decimal(0)


def require_cash_back(key: LedgerKey, amount: Decimal, balances: Balances) -> None:
    """Conflict `insufficient_cash` when money to be returned was already used."""
    available = balances.amount(key)
    if key.bucket is Bucket.AVAILABLE and available < amount:
        raise Conflict(
            "insufficient_cash",
            "The dividend's cash is not available any more; deposit it before cancelling.",
            context={"available": available, "needed": amount},
        )


class DividendBook:
    """Writes a step; everything of one position balances before the next one is touched."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def write(
        self,
        dividend: Dividend,
        after: Position,
        movements: Sequence[Movement],
        events: Sequence[NewEvent],
        work: UnitOfWork,
    ) -> Position:
        """Post the movements and save the position as its next version."""
        balances = work.ledger.balances(after.account_id, after.id)
        for movement in movements:
            require_cash_back(movement.source, movement.amount, balances)
        new_id = transfer_ids(self._ids)
        transfers = [
            Transfer(new_id(), m.kind, Phase.POSTED, m.amount, m.source, m.target,
                     "dividend", dividend.id, work.now)
            for m in movements
            if m.amount > 0
        ]  # fmt: skip
        balances.apply(transfers)
        work.ledger.post(transfers, balances)
        saved = replace(after, version=after.version + 1)
        work.positions.save(saved)
        _require_receivable(saved, balances)
        require_sound_reservations(saved, Claims.of(work.orders.claims_of(saved.id)), balances)
        work.events.append(events)
        return saved


def _require_receivable(position: Position, balances: Balances) -> None:
    if not position.is_cell:
        return
    held = balances.amount(position.cash_key(Bucket.RECEIVABLE))
    if held != position.receivable:
        raise Defect(
            "ledger_invariant",
            f"Receivable of position {position.id} and the ledger disagree.",
            context={"position_id": position.id},
        )
