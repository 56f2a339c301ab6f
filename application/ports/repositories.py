"""Repositories of the book of record. Every getter sees only the context's owner.

Contract for all: `get` raises NotFound with the entity's code; `add` and `save` write through at
once
(inside the transaction); `save` raises StaleVersion `stale_version` when the stored version is not
the predecessor of the value's version. Lists are ordered by id unless said otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from domain.portfolio.account import Account
from domain.portfolio.position import Position
from domain.shared.events import LoggedEvent, NewEvent


@dataclass(frozen=True, slots=True)
class Page:
    """Rows strictly after `after` in the list's order, at most `limit`; `descending`
    reverses it.
    """

    limit: int = 100
    after: str | None = None
    descending: bool = False


class Accounts(Protocol):
    """Accounts of the owner."""

    def get(self, account_id: str) -> Account: ...
    def main(self) -> Account:
        """The account `main` that first start created."""
        ...

    def simulation(self) -> Account:
        """The paper account `simulation` that first start created."""
        ...

    def add(self, account: Account) -> None:
        """Conflict `name_taken` when the owner has an account of that name."""
        ...

    def save(self, account: Account) -> None:
        """Conflict `name_taken` when another account of the owner has that name."""
        ...

    def list(self, page: Page) -> Sequence[Account]: ...


@dataclass(frozen=True, slots=True)
class PositionFilter:
    """Equality filters; None does not filter."""

    account_id: str | None = None
    instrument: str | None = None
    plan_kind: str | None = None
    status: str | None = None


class Positions(Protocol):
    """Positions of the owner."""

    def get(self, position_id: str) -> Position: ...
    def add(self, position: Position) -> None:
        """Conflict `position_exists` when a trade in the instrument is open in the account."""
        ...

    def save(self, position: Position) -> None: ...
    def list(self, where: PositionFilter, page: Page) -> Sequence[Position]: ...
    def count(self, where: PositionFilter) -> int: ...
    def unclosed(self) -> Sequence[Position]:
        """All that are not closed, in one query."""
        ...

    def holding(self, instrument: str) -> Sequence[Position]:
        """Positions in the instrument that are not closed, of any owner: corporate actions need
        all.
        """
        ...

    def live_trade(self, account_id: str, instrument: str) -> Position | None:
        """The position in the instrument that a plan opened and that is not closed: at most one."""
        ...

    def last_trade(self, account_id: str, instrument: str) -> Position | None:
        """The newest position in the instrument that a plan opened, closed or not."""
        ...

    def live_trades(self, account_id: str) -> Sequence[Position]:
        """All positions that plans opened and that are not closed, by instrument."""
        ...

    def held_in(self, account_id: str) -> Sequence[Position]:
        """Positions of the account that are not closed, cells included, by id."""
        ...


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money that entered (+) or left (−) an account from outside: never a return."""

    id: str
    account_id: str
    at: datetime
    amount: Decimal
    currency: str
    kind: str
    source: str
    note: str | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Filters of the log; `after_seq` is exclusive."""

    after_seq: int = 0
    types: tuple[str, ...] = ()
    aggregate_id: str | None = None
    limit: int = 100


class Events(Protocol):
    """The append-only, hash-chained log."""

    def append(self, events: Sequence[NewEvent]) -> Sequence[LoggedEvent]: ...
    def list(self, where: EventFilter) -> Sequence[LoggedEvent]:
        """Events of the owner by seq."""
        ...

    def last_seq(self) -> int: ...


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a key was first answered with."""

    signature: str
    status: int
    body: bytes
    media_type: str


class IdempotentAnswers(Protocol):
    """Final answers by (owner, scope, key)."""

    def find(self, scope: str, key: str) -> StoredAnswer | None: ...
    def store(self, scope: str, key: str, answer: StoredAnswer) -> None: ...
    def forget_before(self, instant: datetime, limit: int) -> int:
        """Delete answers older than the instant, at most `limit`, oldest first; how many."""
        ...


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """One explained decision: `document` is the whole row, the rest is what lists filter by."""

    id: str
    position_id: str
    mode: str
    action: str
    at: datetime
    expires_at: datetime | None
    order_id: str | None
    document: dict[str, Any]


class Evaluations(Protocol):
    """Explained decisions, append-only but for their order and execution outcome."""

    def add(self, evaluation: StoredEvaluation) -> None: ...
    def get(self, evaluation_id: str) -> StoredEvaluation: ...
    def save_outcome(self, evaluation: StoredEvaluation) -> None: ...
    def last_automatic(self, position_id: str) -> StoredEvaluation | None:
        """The position's newest evaluation that nobody asked for (mode other than manual)."""
        ...

    def list(
        self,
        position_id: str,
        page: Page,
        *,
        action: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Sequence[StoredEvaluation]: ...


@dataclass(frozen=True, slots=True)
class RegisteredInstrument:
    """What the book needs to know of an instrument."""

    id: str
    kind: str
    asset_class: str
    quote: str
    calendar: str
    tick_size: Decimal | None
    lot_step: Decimal | None
    status: str
    updated_at: datetime


class Instruments(Protocol):
    """Registered instruments, shared by all owners."""

    def list(self) -> Sequence[RegisteredInstrument]:
        """All of them, by id."""
        ...

    def find(self, instrument_id: str) -> RegisteredInstrument | None: ...
    def add(self, instrument: RegisteredInstrument) -> None: ...
