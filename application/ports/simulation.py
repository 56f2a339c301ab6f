"""The simulation's book: the repositories of the book of record on tables of their own, and runs.

The contract of `repositories` holds here too. The run's id stands where the book of record has an
account's id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from application.ports.ledger_book import LedgerBook
from application.ports.order_repositories import Fills, Orders
from application.ports.paper_market import PaperMarket, PaperSnapshot, PaperTerms
from application.ports.repositories import Evaluations, Page, Positions
from domain.market.price_event import PriceTick
from domain.portfolio.confirmation import ConfirmationRequest
from domain.portfolio.round_trip import RoundTrip
from domain.portfolio.simulation_run import EquityPoint, SimulationRun
from domain.portfolio.ticket import RestingOrder


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


class SimulationPrices(Protocol):
    """Newest price per instrument of a run: what orders are judged by and positions valued at."""

    def of_run(self, run_id: str) -> Sequence[PriceTick]:
        """Ordered by instrument."""
        ...

    def put(self, run_id: str, prices: Sequence[PriceTick]) -> None:
        """Insert or replace by instrument."""
        ...

    def forget(self, run_id: str) -> None:
        """Delete the run's prices: another source tells them from now on."""
        ...


class Resolution(StrEnum):
    """Equity is stored twice: close together for some days, and far apart for good."""

    FINE = "fine"
    COARSE = "coarse"


class EquityPoints(Protocol):
    """Equity of runs over time: the newest point of each interval."""

    def put(
        self, run_id: str, resolution: Resolution, starts_at: datetime, point: EquityPoint
    ) -> None:
        """Keep the point for the interval that starts then, replacing an earlier one."""
        ...

    def of_run(self, run_id: str, start: datetime | None = None) -> Sequence[EquityPoint]:
        """Both resolutions together, by time; each point at most once."""
        ...

    def forget_fine_before(self, run_id: str, instant: datetime) -> int:
        """Delete the run's fine points of intervals that started before the instant; how many."""
        ...


@dataclass(frozen=True, slots=True)
class StoredTicket:
    """What the paper venue remembers of an order; `ended_at` is null while it rests."""

    resting: RestingOrder
    ended_at: datetime | None = None


class Tickets(Protocol):
    """State of the paper venue, order by order: enough to go on after a restart."""

    def resting(self, run_id: str, instrument: str | None = None) -> Sequence[RestingOrder]:
        """Orders that have not ended, by time priority."""
        ...

    def of_orders(self, order_ids: Sequence[str]) -> Mapping[str, StoredTicket]: ...
    def next_seq(self, run_id: str) -> int:
        """One above the highest time priority the run ever gave; 1 for the first."""
        ...

    def put(self, run_id: str, tickets: Sequence[StoredTicket]) -> None:
        """Insert or replace by order."""
        ...


class RoundTrips(Protocol):
    """Trades from flat to flat."""

    def open_of(self, position_id: str) -> RoundTrip | None: ...
    def put(self, trip: RoundTrip) -> None:
        """Insert or replace by id."""
        ...

    def closed(self, run_id: str, page: Page) -> Sequence[RoundTrip]:
        """By id."""
        ...

    def count_closed(self, run_id: str) -> int: ...
    def open_in(self, run_id: str) -> Sequence[RoundTrip]: ...


class Confirmations(Protocol):
    """Orders of the owner that wait for a person."""

    def get(self, confirmation_id: str) -> ConfirmationRequest:
        """NotFound `confirmation_not_found`."""
        ...

    def put(self, confirmation: ConfirmationRequest) -> None:
        """Insert or replace by id."""
        ...

    def pending(self) -> Sequence[ConfirmationRequest]:
        """Those nobody answered, expired ones included, by id."""
        ...


class PaperMarkets(Protocol):
    """Makes a market that goes on from a snapshot."""

    def open(self, terms: PaperTerms, snapshot: PaperSnapshot) -> PaperMarket: ...


class PriceFeed(Protocol):
    """Live prices. Reads without blocking on a network; thread-safe."""

    @property
    def is_connected(self) -> bool:
        """False while no exchange sends prices; nothing is made up then."""
        ...

    def newest(self, symbols: Sequence[str]) -> Sequence[PriceTick]:
        """Newest tick of each symbol that has one; of all symbols when none is named."""
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
    @property
    def tickets(self) -> Tickets: ...
    @property
    def trips(self) -> RoundTrips: ...
    @property
    def confirmations(self) -> Confirmations: ...
