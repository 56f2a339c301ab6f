"""Runs, newest prices and equity points of the simulation on SQL."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update

from application.context import RequestContext
from application.ports.repositories import Page
from application.ports.simulation import Resolution
from domain.market.price_event import PriceTick
from domain.portfolio.simulation_run import (
    EquityPoint,
    PriceSource,
    Replay,
    RunStatus,
    SimulationRun,
    SimulationSettings,
)
from domain.shared.errors import NotFound, StaleVersion
from domain.shared.instants import from_rfc3339, rfc3339
from infrastructure.persistence.paging import paged
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.simulation import (
    IS_CURRENT_RUN,
    sim_equity_points,
    sim_prices,
    sim_runs,
)
from infrastructure.persistence.upsert import upsert

_STATE = tuple(f.name for f in fields(SimulationRun))
_IS_OWNED = sim_runs.c.owner_id == bindparam("owner_id")
_CURRENT = select(sim_runs).where(_IS_OWNED, text(IS_CURRENT_RUN))
_BY_ID = select(sim_runs).where(sim_runs.c.id == bindparam("id"), _IS_OWNED)
_INSERT = insert(sim_runs)
_UPDATE = (
    update(sim_runs)
    .where(sim_runs.c.id == bindparam("key"), sim_runs.c.version == bindparam("before"))
    .values({name: bindparam(name) for name in _STATE if name != "id"})
)


_PUT_PRICE = upsert(sim_prices)
_PUT_POINT = upsert(sim_equity_points)
_PRICES = (
    select(sim_prices)
    .where(sim_prices.c.run_id == bindparam("run_id"))
    .order_by(sim_prices.c.instrument)
)
_FORGET_PRICES = delete(sim_prices).where(sim_prices.c.run_id == bindparam("run_id"))
_POINTS = select(sim_equity_points).where(sim_equity_points.c.run_id == bindparam("run_id"))
_FORGET = delete(sim_equity_points).where(
    sim_equity_points.c.run_id == bindparam("run_id"),
    sim_equity_points.c.resolution == Resolution.FINE.value,
    sim_equity_points.c.bucket < bindparam("instant"),
)


class SqlSimulationRuns:
    """`SimulationRuns` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def current(self) -> SimulationRun:
        return _found(self._session.one(_CURRENT, owner_id=self._owner_id), "current")

    def get(self, run_id: str) -> SimulationRun:
        return _found(self._session.one(_BY_ID, id=run_id, owner_id=self._owner_id), run_id)

    def add(self, run: SimulationRun) -> None:
        self._session.run(_INSERT, **_row(run))

    def save(self, run: SimulationRun) -> None:
        row = _row(run)
        key = row.pop("id")
        if self._session.run(_UPDATE, key=key, before=run.version - 1, **row) != 1:
            raise StaleVersion("stale_version", f"Run {run.id} changed meanwhile.")

    def list(self, page: Page) -> Sequence[SimulationRun]:
        query = select(sim_runs).where(sim_runs.c.owner_id == self._owner_id)
        return [_run(row) for row in self._session.built(paged(query, sim_runs.c.id, page))]


class SqlSimulationPrices:
    """`SimulationPrices` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def of_run(self, run_id: str) -> Sequence[PriceTick]:
        rows = self._session.all(_PRICES, run_id=run_id)
        return [PriceTick(**{k: v for k, v in row.items() if k != "run_id"}) for row in rows]

    def put(self, run_id: str, prices: Sequence[PriceTick]) -> None:
        rows = [{c.name: getattr(p, c.name, run_id) for c in sim_prices.c} for p in prices]
        self._session.run_many(_PUT_PRICE[self._session.dialect_name], rows)

    def forget(self, run_id: str) -> None:
        self._session.run(_FORGET_PRICES, run_id=run_id)


class SqlEquityPoints:
    """`EquityPoints` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def put(
        self, run_id: str, resolution: Resolution, starts_at: datetime, point: EquityPoint
    ) -> None:
        self._session.run(
            _PUT_POINT[self._session.dialect_name],
            run_id=run_id,
            resolution=resolution.value,
            bucket=starts_at,
            **asdict(point),
        )

    def of_run(self, run_id: str, start: datetime | None = None) -> Sequence[EquityPoint]:
        rows = self._session.all(_POINTS, run_id=run_id)
        points = {row["at"]: row for row in rows if start is None or row["at"] >= start}
        names = [f.name for f in fields(EquityPoint)]
        return [EquityPoint(**{name: points[at][name] for name in names}) for at in sorted(points)]

    def forget_fine_before(self, run_id: str, instant: datetime) -> int:
        return self._session.run(_FORGET, run_id=run_id, instant=instant)


def _row(run: SimulationRun) -> Row:
    row: Row = {name: getattr(run, name) for name in _STATE}
    replay = None
    if run.replay is not None:
        replay = {
            name: rfc3339(value) if isinstance(value, datetime) else value
            for name, value in asdict(run.replay).items()
        }
    return {**row, "settings": asdict(run.settings), "symbols": list(run.symbols), "replay": replay}


def _found(row: Row | None, name: str) -> SimulationRun:
    if row is None:
        raise NotFound("run_not_found", f"No run {name}.")
    return _run(row)


def _run(row: Row) -> SimulationRun:
    return SimulationRun(
        **{
            **row,
            "status": RunStatus(row["status"]),
            "price_source": PriceSource(row["price_source"]),
            "settings": _settings(row["settings"]),
            "symbols": tuple(row["symbols"]),
            "replay": None if row["replay"] is None else _replay(row["replay"]),
        }
    )


def _settings(document: dict[str, Any]) -> SimulationSettings:
    made = {}
    for item in fields(SimulationSettings):
        if item.name in document:
            default = getattr(SimulationSettings(), item.name)
            made[item.name] = type(default)(document[item.name])
    return SimulationSettings(**made)


def _replay(document: dict[str, Any]) -> Replay:
    instants = ("data_from", "wall_from", "played_to")
    return Replay(
        **{
            **document,
            **{name: from_rfc3339(document[name]) for name in instants},
            "speed": Decimal(document["speed"]),
        }
    )
