"""Inventory of candle series on SQL."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import bindparam, delete, select, update

from application.ports.candles import SeriesFilter
from domain.market.candle import SeriesKey
from domain.market.merging import Range
from domain.market.series import (
    ActionKind,
    CandleSeries,
    CorporateAction,
    PartitionManifest,
    PartitionState,
    Revision,
)
from domain.shared.errors import NotFound, StaleVersion
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.market import (
    candle_partitions,
    candle_revisions,
    candle_series,
    corporate_actions,
)
from infrastructure.persistence.upsert import upsert

_KEY = ("source", "instrument", "interval", "adjustment")
_OWN = tuple(f.name for f in fields(CandleSeries) if f.name != "key")

_BY_ID = select(candle_series).where(candle_series.c.id == bindparam("id"))
_INSERT = candle_series.insert()
_UPDATE = (
    update(candle_series)
    .where(
        candle_series.c.id == bindparam("row_id"), candle_series.c.version == bindparam("before")
    )
    .values({name: bindparam(name) for name in _OWN})
)
_PARTITIONS = (
    select(candle_partitions)
    .where(candle_partitions.c.series_id == bindparam("series_id"))
    .order_by(candle_partitions.c.year)
)
_QUARANTINE = (
    update(candle_partitions)
    .where(
        candle_partitions.c.series_id == bindparam("row_id"),
        candle_partitions.c.year == bindparam("row_year"),
    )
    .values(state=PartitionState.QUARANTINED.value)
)
_REVISIONS = (
    select(candle_revisions)
    .where(candle_revisions.c.series_id == bindparam("series_id"))
    .order_by(candle_revisions.c.fetched_at, candle_revisions.c.open_time)
)
_ACTIONS = (
    select(corporate_actions)
    .where(corporate_actions.c.series_id == bindparam("series_id"))
    .order_by(corporate_actions.c.ex_date, corporate_actions.c.kind)
)
_REMOVALS = tuple(
    delete(table).where(table.c[column] == bindparam("series_id"))
    for table, column in (
        (corporate_actions, "series_id"),
        (candle_revisions, "series_id"),
        (candle_partitions, "series_id"),
        (candle_series, "id"),
    )
)


_PUT_PARTITION = upsert(candle_partitions)
_PUT_REVISION = upsert(candle_revisions)
_PUT_ACTION = upsert(corporate_actions)


class SqlSeriesBook:
    """`SeriesBook` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def find(self, series_id: str) -> CandleSeries | None:
        row = self._session.one(_BY_ID, id=series_id)
        return None if row is None else _series(row)

    def get(self, series_id: str) -> CandleSeries:
        found = self.find(series_id)
        if found is None:
            raise NotFound("unknown_series", f"No series {series_id} is stored.")
        return found

    def list(self, where: SeriesFilter) -> Sequence[CandleSeries]:
        query = select(candle_series).order_by(candle_series.c.id)
        for name in _KEY:
            wanted = getattr(where, name)
            if wanted is not None:
                query = query.where(candle_series.c[name] == wanted)
        return [_series(row) for row in self._session.built(query)]

    def put(self, series: CandleSeries) -> None:
        row = {name: getattr(series, name) for name in _OWN}
        if series.version == 1:
            key = {name: getattr(series.key, name) for name in _KEY}
            self._session.run(_INSERT, id=series.key.id, **key, **row)
            return
        changed = self._session.run(_UPDATE, row_id=series.key.id, before=series.version - 1, **row)
        if changed != 1:
            raise StaleVersion("stale_version", f"Series {series.key.id} changed meanwhile.")

    def partitions(self, series_id: str) -> Sequence[PartitionManifest]:
        rows = self._session.all(_PARTITIONS, series_id=series_id)
        return [PartitionManifest(**{**row, "state": PartitionState(row["state"])}) for row in rows]

    def put_partitions(self, manifests: Sequence[PartitionManifest]) -> None:
        rows = [_row(manifest) for manifest in manifests]
        self._session.run_many(_PUT_PARTITION[self._session.dialect_name], rows)

    def quarantine(self, series_id: str, year: int) -> None:
        self._session.run(_QUARANTINE, row_id=series_id, row_year=year)

    def remove(self, series_id: str) -> None:
        self.get(series_id)
        for removal in _REMOVALS:
            self._session.run(removal, series_id=series_id)

    def revisions(self, series_id: str) -> Sequence[Revision]:
        return [Revision(**row) for row in self._session.all(_REVISIONS, series_id=series_id)]

    def add_revisions(self, revisions: Sequence[Revision]) -> None:
        rows = [_row(revision) for revision in revisions]
        self._session.run_many(_PUT_REVISION[self._session.dialect_name], rows)

    def actions(self, series_id: str) -> Sequence[CorporateAction]:
        rows = self._session.all(_ACTIONS, series_id=series_id)
        return [CorporateAction(**{**row, "kind": ActionKind(row["kind"])}) for row in rows]

    def put_actions(self, actions: Sequence[CorporateAction]) -> None:
        rows = [_row(action) for action in actions]
        self._session.run_many(_PUT_ACTION[self._session.dialect_name], rows)


def _row(value: PartitionManifest | Revision | CorporateAction) -> Row:
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _series(row: Row) -> CandleSeries:
    row.pop("id")
    key = SeriesKey(**{name: row.pop(name) for name in _KEY})
    row["coverage"] = _ranges(row["coverage"])
    row["confirmed_empty"] = _ranges(row["confirmed_empty"])
    return CandleSeries(key=key, **row)


def _ranges(stored: Sequence[Sequence[int]]) -> tuple[Range, ...]:
    return tuple((int(start), int(end)) for start, end in stored)
