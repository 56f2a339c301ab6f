"""What the paper venue remembers of orders, and round trips, on SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, select, text

from application.ports.repositories import Page
from application.ports.simulation import StoredTicket
from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.round_trip import RoundTrip
from domain.portfolio.ticket import OrderTicket, RestingOrder
from domain.shared.instants import from_rfc3339, rfc3339
from domain.shared.side import Side
from infrastructure.persistence.paging import paged
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.simulation import (
    IS_OPEN_TRIP,
    IS_RESTING,
    sim_round_trips,
    sim_tickets,
)
from infrastructure.persistence.upsert import upsert

_RESTING = (
    select(sim_tickets)
    .where(sim_tickets.c.run_id == bindparam("run_id"), text(IS_RESTING))
    .order_by(sim_tickets.c.seq)
)
_RESTING_OF = _RESTING.where(sim_tickets.c.instrument == bindparam("instrument"))
_LAST_SEQ = select(func.max(sim_tickets.c.seq).label("last")).where(
    sim_tickets.c.run_id == bindparam("run_id")
)
_PUT_TICKET = upsert(sim_tickets)
_PUT_TRIP = upsert(sim_round_trips)
_OPEN_TRIP = select(sim_round_trips).where(
    sim_round_trips.c.position_id == bindparam("position_id"), text(IS_OPEN_TRIP)
)
_OPEN_TRIPS = (
    select(sim_round_trips)
    .where(sim_round_trips.c.run_id == bindparam("run_id"), text(IS_OPEN_TRIP))
    .order_by(sim_round_trips.c.id)
)
_COUNT_CLOSED = select(func.count().label("n")).where(
    sim_round_trips.c.run_id == bindparam("run_id"), sim_round_trips.c.closed_at.is_not(None)
)
_RESTING_STATE = tuple(f.name for f in fields(RestingOrder) if f.name != "ticket")


class SqlTickets:
    """`Tickets` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def resting(self, run_id: str, instrument: str | None = None) -> Sequence[RestingOrder]:
        if instrument is None:
            rows = self._session.all(_RESTING, run_id=run_id)
        else:
            rows = self._session.all(_RESTING_OF, run_id=run_id, instrument=instrument)
        return [_ticket(row).resting for row in rows]

    def of_orders(self, order_ids: Sequence[str]) -> Mapping[str, StoredTicket]:
        query = select(sim_tickets).where(sim_tickets.c.order_id.in_(order_ids))
        return {row["order_id"]: _ticket(row) for row in self._session.built(query)}

    def next_seq(self, run_id: str) -> int:
        row = self._session.one(_LAST_SEQ, run_id=run_id) or {}
        return int(row.get("last") or 0) + 1

    def put(self, run_id: str, tickets: Sequence[StoredTicket]) -> None:
        rows = [_ticket_row(run_id, ticket) for ticket in tickets]
        self._session.run_many(_PUT_TICKET[self._session.dialect_name], rows)


class SqlRoundTrips:
    """`RoundTrips` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def open_of(self, position_id: str) -> RoundTrip | None:
        row = self._session.one(_OPEN_TRIP, position_id=position_id)
        return None if row is None else _trip(row)

    def put(self, trip: RoundTrip) -> None:
        self._session.run(_PUT_TRIP[self._session.dialect_name], **asdict(trip))

    def closed(self, run_id: str, page: Page) -> Sequence[RoundTrip]:
        query = select(sim_round_trips).where(
            sim_round_trips.c.run_id == run_id, sim_round_trips.c.closed_at.is_not(None)
        )
        return [_trip(row) for row in self._session.built(paged(query, sim_round_trips.c.id, page))]

    def count_closed(self, run_id: str) -> int:
        row = self._session.one(_COUNT_CLOSED, run_id=run_id)
        return int(row["n"]) if row else 0

    def open_in(self, run_id: str) -> Sequence[RoundTrip]:
        return [_trip(row) for row in self._session.all(_OPEN_TRIPS, run_id=run_id)]


def _ticket_row(run_id: str, stored: StoredTicket) -> Row:
    resting = stored.resting
    terms = {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in asdict(resting.ticket).items()
    }
    return {
        "order_id": resting.ticket.order_id,
        "run_id": run_id,
        "instrument": resting.ticket.instrument,
        "terms": terms,
        "ended_at": stored.ended_at,
        **{name: getattr(resting, name) for name in _RESTING_STATE},
    }


def _ticket(row: Row) -> StoredTicket:
    state = {name: row[name] for name in _RESTING_STATE}
    return StoredTicket(RestingOrder(ticket=_terms(row["terms"]), **state), row["ended_at"])


_DECIMALS = (
    "qty", "tick_size", "limit_price", "stop_price", "trail_fraction", "taker_rate", "maker_rate",
    "slippage",
)  # fmt: skip


def _terms(document: dict[str, Any]) -> OrderTicket:
    made = dict(document)
    for name in _DECIMALS:
        made[name] = None if made[name] is None else Decimal(made[name])
    made["side"] = Side(made["side"])
    made["type"] = OrderType(made["type"])
    made["time_in_force"] = TimeInForce(made["time_in_force"])
    if made["expires_at"] is not None:
        made["expires_at"] = from_rfc3339(made["expires_at"])
    return OrderTicket(**made)


def _trip(row: Row) -> RoundTrip:
    return RoundTrip(**{**row, "side": Side(row["side"])})
