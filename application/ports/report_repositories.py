"""What performance and reports read: recorded NAV, rows of the trade history, closed trades.

The last two are projections of the event log, written by its `append` in the same transaction.
Callers ask for accounts they have seen to be the owner's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from domain.portfolio.trades import Trade, TradeResult
from domain.risk.nav import NavMark, UnitNav
from domain.risk.nav_performance import DailyNav


@dataclass(frozen=True, slots=True)
class StoredNavMark:
    """A valuation of an account and the NAV after it.

    `day` names the session whose close it is, null for a mark just before a flow. `is_stale`: a
    holding had no new mark in the session. `pending` lists shares that arrived before anybody knew
    their price, by position: their value is a flow when it becomes known.
    """

    account_id: str
    mark: NavMark
    state: UnitNav
    day: date | None = None
    is_stale: bool = False
    pending: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class NavCourse:
    """Session closes by time, and the instant of the first mark; null before it."""

    began_at: datetime | None
    days: tuple[DailyNav, ...]


class NavMarks(Protocol):
    """NAV of accounts through time; at most one mark per account and instant."""

    def newest(self, account_ids: Sequence[str]) -> Mapping[str, StoredNavMark]:
        """The newest mark of each account that has one, in one query."""
        ...

    def put(self, marks: Sequence[StoredNavMark]) -> None:
        """Insert, or replace what is stored for the account and instant."""
        ...

    def history(self, account_id: str, since: datetime | None = None) -> Sequence[StoredNavMark]:
        """All marks by time; with `since` the newest before it and those that are not."""
        ...

    def course(self, account_id: str) -> NavCourse:
        """When the NAV began and its session closes, in one query."""
        ...


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One row of the trade history; `document` is its JSON text, `seq` its event's number."""

    seq: int
    account_id: str
    position_id: str
    symbol: str
    action: str
    at: datetime
    document: str


@dataclass(frozen=True, slots=True)
class TradeRowFilter:
    """Equality filters and `start` <= at <= `end`; None does not filter."""

    account_id: str
    symbol: str | None = None
    action: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class Trades(Protocol):
    """The trade history and the closed trades in it."""

    def rows(
        self, where: TradeRowFilter, *, after_seq: int = 0, skip: int = 0, limit: int
    ) -> Sequence[TradeRow]:
        """Oldest first, strictly after the sequence number, without the first `skip`."""
        ...

    def count(self, where: TradeRowFilter) -> int: ...
    def closed(self, account_id: str) -> Sequence[Trade]:
        """Closed trades in the order they were recorded."""
        ...

    def results(self, account_id: str, *, after_seq: int = 0) -> Sequence[tuple[int, TradeResult]]:
        """Figures of the same, each with the number of its closing event, strictly after one."""
        ...
