"""The simulation's book in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from application.context import RequestContext
from application.ports.repositories import Page
from application.ports.simulation import Resolution, StoredTicket
from domain.market.price_event import PriceTick
from domain.portfolio.confirmation import ConfirmationRequest, ConfirmationStatus
from domain.portfolio.round_trip import RoundTrip
from domain.portfolio.simulation_run import EquityPoint, SimulationRun
from domain.portfolio.ticket import RestingOrder
from domain.shared.errors import Defect, NotFound, StaleVersion
from infrastructure.persistence.memory.book import MemoryPositions
from infrastructure.persistence.memory.ledger import MemoryLedgerBook
from infrastructure.persistence.memory.orders import MemoryFills, MemoryOrders
from infrastructure.persistence.memory.platform import MemoryEvaluations
from infrastructure.persistence.memory.tables import SimulationTables, page_of
from infrastructure.persistence.types import from_json, to_json


class MemorySimulationRuns:
    """`SimulationRuns` in memory."""

    def __init__(self, tables: SimulationTables, context: RequestContext) -> None:
        self._rows = tables.runs
        self._owner_id = context.owner_id

    def current(self) -> SimulationRun:
        for run in self._mine():
            if run.archived_at is None:
                return run
        raise NotFound("run_not_found", "No run current.")

    def get(self, run_id: str) -> SimulationRun:
        run = self._rows.get(run_id)
        if run is None or run.owner_id != self._owner_id:
            raise NotFound("run_not_found", f"No run {run_id}.")
        return run

    def add(self, run: SimulationRun) -> None:
        if any(other.archived_at is None for other in self._mine()):
            raise Defect("duplicate_key", "The owner has a current run.")
        self._rows.add(run.id, run)

    def save(self, run: SimulationRun) -> None:
        stored = self._rows.get(run.id)
        if stored is None or stored.version != run.version - 1:
            raise StaleVersion("stale_version", f"Run {run.id} changed meanwhile.")
        self._rows.put(run.id, run)

    def list(self, page: Page) -> Sequence[SimulationRun]:
        return page_of(self._mine(), lambda run: run.id, page)

    def _mine(self) -> Iterable[SimulationRun]:
        return (run for run in self._rows.values() if run.owner_id == self._owner_id)


class MemorySimulationPrices:
    """`SimulationPrices` in memory."""

    def __init__(self, tables: SimulationTables) -> None:
        self._rows = tables.prices

    def of_run(self, run_id: str) -> Sequence[PriceTick]:
        return [price for key, price in sorted(self._rows.items()) if key[0] == run_id]

    def put(self, run_id: str, prices: Sequence[PriceTick]) -> None:
        for price in prices:
            self._rows.put((run_id, price.instrument), price)

    def forget(self, run_id: str) -> None:
        for key in [key for key, _ in self._rows.items() if key[0] == run_id]:
            self._rows.drop(key)


class MemoryEquityPoints:
    """`EquityPoints` in memory."""

    def __init__(self, tables: SimulationTables) -> None:
        self._rows = tables.points

    def put(
        self, run_id: str, resolution: Resolution, starts_at: datetime, point: EquityPoint
    ) -> None:
        self._rows.put((run_id, resolution, starts_at), point)

    def of_run(self, run_id: str, start: datetime | None = None) -> Sequence[EquityPoint]:
        points = {
            point.at: point
            for key, point in self._rows.items()
            if key[0] == run_id and (start is None or point.at >= start)
        }
        return [points[at] for at in sorted(points)]

    def forget_fine_before(self, run_id: str, instant: datetime) -> int:
        old = [
            key
            for key, _ in self._rows.items()
            if key[:2] == (run_id, Resolution.FINE) and key[2] < instant
        ]
        for key in old:
            self._rows.drop(key)
        return len(old)


class MemoryTickets:
    """`Tickets` in memory."""

    def __init__(self, tables: SimulationTables) -> None:
        self._rows = tables.tickets

    def resting(self, run_id: str, instrument: str | None = None) -> Sequence[RestingOrder]:
        live = (
            row.resting
            for key, row in self._rows.items()
            if key[0] == run_id
            and row.ended_at is None
            and instrument in (None, row.resting.ticket.instrument)
        )
        return sorted(live, key=lambda resting: resting.seq)

    def of_orders(self, order_ids: Sequence[str]) -> Mapping[str, StoredTicket]:
        return {key[1]: row for key, row in self._rows.items() if key[1] in order_ids}

    def next_seq(self, run_id: str) -> int:
        given = (row.resting.seq for key, row in self._rows.items() if key[0] == run_id)
        return max(given, default=0) + 1

    def put(self, run_id: str, tickets: Sequence[StoredTicket]) -> None:
        for row in tickets:
            self._rows.put((run_id, row.resting.ticket.order_id), row)


class MemoryRoundTrips:
    """`RoundTrips` in memory."""

    def __init__(self, tables: SimulationTables) -> None:
        self._rows = tables.trips

    def open_of(self, position_id: str) -> RoundTrip | None:
        live = (t for t in self._rows.values() if t.closed_at is None)
        return next((t for t in live if t.position_id == position_id), None)

    def put(self, trip: RoundTrip) -> None:
        self._rows.put(trip.id, trip)

    def closed(self, run_id: str, page: Page) -> Sequence[RoundTrip]:
        ended = (t for t in self._rows.values() if t.run_id == run_id and t.closed_at is not None)
        return page_of(ended, lambda trip: trip.id, page)

    def count_closed(self, run_id: str) -> int:
        ended = (t for t in self._rows.values() if t.run_id == run_id and t.closed_at is not None)
        return sum(1 for _ in ended)

    def open_in(self, run_id: str) -> Sequence[RoundTrip]:
        live = (t for t in self._rows.values() if t.run_id == run_id and t.closed_at is None)
        return sorted(live, key=lambda trip: trip.id)


class MemoryConfirmations:
    """`Confirmations` in memory."""

    def __init__(self, tables: SimulationTables, context: RequestContext) -> None:
        self._rows = tables.confirmations
        self._owner_id = context.owner_id

    def get(self, confirmation_id: str) -> ConfirmationRequest:
        found = self._rows.get(confirmation_id)
        if found is None or found.owner_id != self._owner_id:
            raise NotFound("confirmation_not_found", f"No request {confirmation_id}.")
        return found

    def put(self, confirmation: ConfirmationRequest) -> None:
        # What a document store gives back, not the objects that were put in.
        request = from_json(to_json(dict(confirmation.request)))
        self._rows.put(confirmation.id, replace(confirmation, request=request))

    def pending(self) -> Sequence[ConfirmationRequest]:
        waiting = (
            row
            for row in self._rows.values()
            if row.owner_id == self._owner_id and row.status is ConfirmationStatus.PENDING
        )
        return sorted(waiting, key=lambda row: row.id)


class MemorySimulationBook:
    """`SimulationBook` in memory."""

    def __init__(self, tables: SimulationTables, context: RequestContext) -> None:
        self.positions = MemoryPositions(tables, context)
        self.orders = MemoryOrders(tables, context)
        self.fills = MemoryFills(tables, context)
        self.ledger = MemoryLedgerBook(tables)
        self.evaluations = MemoryEvaluations(tables, context)
        self.runs = MemorySimulationRuns(tables, context)
        self.prices = MemorySimulationPrices(tables)
        self.equity = MemoryEquityPoints(tables)
        self.tickets = MemoryTickets(tables)
        self.trips = MemoryRoundTrips(tables)
        self.confirmations = MemoryConfirmations(tables, context)
