"""The simulation's book: the repositories of the book of record on tables of their own, and runs.

The contract of `repositories` holds here too. The run's id stands where the book of record has an
account's id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from application.ports.repositories import (
    Evaluations,
    Fills,
    LedgerBook,
    Orders,
    Page,
    Positions,
)
from domain.portfolio.simulation_run import EquityPoint, SimulationRun


class SimulationRuns(Protocol):
    """Runs of the owner; one of them is current, the others are archived."""

    def current(self) -> SimulationRun:
        """NotFound `run_not_found` before the first start of the service is through."""
        ...

    def get(self, run_id: str) -> SimulationRun:
        """NotFound `run_not_found`."""
        ...

    def add(self, run: SimulationRun) -> None: ...
    def save(self, run: SimulationRun) -> None:
        """StaleVersion `stale_version`, as everywhere."""
        ...

    def list(self, page: Page) -> Sequence[SimulationRun]: ...


@dataclass(frozen=True, slots=True)
class KnownPrice:
    """The newest price of an instrument in a run; at least one of the four is known."""

    instrument: str
    ts: datetime
    source: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    mark: Decimal | None = None


class SimulationPrices(Protocol):
    """Newest price per instrument of a run: what orders are judged by and positions valued at."""

    def of_run(self, run_id: str) -> Sequence[KnownPrice]:
        """Ordered by instrument."""
        ...

    def put(self, run_id: str, prices: Sequence[KnownPrice]) -> None:
        """Insert or replace by instrument."""
        ...


class Resolution(StrEnum):
    """How far apart stored equity points lie."""

    MINUTE = "minute"
    HOUR = "hour"

    def start_of(self, at: datetime) -> datetime:
        """Start of the minute or hour `at` lies in."""
        minute = at.minute if self is Resolution.MINUTE else 0
        return at.replace(minute=minute, second=0, microsecond=0)


class EquityPoints(Protocol):
    """Equity of runs over time: the newest point of each minute, later of each hour."""

    def put(self, run_id: str, resolution: Resolution, point: EquityPoint) -> None:
        """Keep the point under the start of its minute or hour, replacing an earlier one."""
        ...

    def of_run(self, run_id: str, start: datetime | None = None) -> Sequence[EquityPoint]:
        """Hours and minutes together, by time; each at most once."""
        ...

    def forget_minutes_before(self, instant: datetime) -> int:
        """Delete minute points older than the instant; how many."""
        ...


class SimulationBook(Protocol):
    """Repositories bound to the simulation's tables, on the unit of work's transaction."""

    @property
    def positions(self) -> Positions: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def fills(self) -> Fills: ...
    @property
    def ledger(self) -> LedgerBook: ...
    @property
    def evaluations(self) -> Evaluations: ...
    @property
    def runs(self) -> SimulationRuns: ...
    @property
    def prices(self) -> SimulationPrices: ...
    @property
    def equity(self) -> EquityPoints: ...
