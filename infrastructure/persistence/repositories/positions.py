"""Positions on SQL."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select, text, update

from application.context import RequestContext
from application.ports.repositories import Page, PositionFilter
from domain.portfolio.cost_basis import CostBasis
from domain.portfolio.position import Position, PositionStatus
from domain.shared.errors import Conflict, NotFound, StaleVersion
from infrastructure.persistence.book_session import BookSession
from infrastructure.persistence.paging import paged
from infrastructure.persistence.plan_codec import (
    TRADE_KINDS,
    plan_from_text,
    plan_kind,
    plan_to_text,
)
from infrastructure.persistence.session import Row
from infrastructure.persistence.tables.portfolio import (
    IS_LIVE_TRADE,
    IS_TRADE,
    IS_UNCLOSED,
    positions,
)

_BASIS = tuple(f.name for f in fields(CostBasis))
_STATE = tuple(f.name for f in fields(Position) if f.name not in ("basis", "plan"))
_IMMUTABLE = {
    "id",
    "owner_id",
    "account_id",
    "instrument",
    "currency",
    "calendar",
    "venue",
    "opened_at",
}

_POSITION = "position"
_INSERT = insert(positions)
_BY_ID = select(positions).where(
    positions.c.id == bindparam("id"), positions.c.owner_id == bindparam("owner_id")
)
_UPDATE = (
    update(positions)
    .where(positions.c.id == bindparam("key"), positions.c.version == bindparam("before"))
    .values({c.name: bindparam(c.name) for c in positions.c if c.name not in _IMMUTABLE})
)
_UNCLOSED = (
    select(positions)
    .where(
        positions.c.owner_id == bindparam("owner_id"),
        text(f"positions.{IS_UNCLOSED}"),
    )
    .order_by(positions.c.id)
)
_HOLDING = (
    select(positions)
    .where(
        positions.c.instrument == bindparam("instrument"),
        positions.c.owner_id == bindparam("owner_id"),
        positions.c.status != PositionStatus.CLOSED.value,
    )
    .order_by(positions.c.id)
)
_IN_ACCOUNT = (
    positions.c.account_id == bindparam("account_id"),
    positions.c.owner_id == bindparam("owner_id"),
)
_IN_INSTRUMENT = (*_IN_ACCOUNT, positions.c.instrument == bindparam("instrument"))
_LIVE_TRADE = select(positions).where(*_IN_INSTRUMENT, text(IS_LIVE_TRADE))
_LAST_TRADE = (
    select(positions)
    .where(*_IN_INSTRUMENT, text(IS_TRADE))
    .order_by(positions.c.id.desc())
    .limit(1)
)
_LIVE_TRADES = (
    select(positions).where(*_IN_ACCOUNT, text(IS_LIVE_TRADE)).order_by(positions.c.instrument)
)
_HELD_IN = (
    select(positions)
    .where(*_IN_ACCOUNT, positions.c.status != PositionStatus.CLOSED.value)
    .order_by(positions.c.id)
)


class SqlPositions:
    """`Positions` on SQL."""

    def __init__(self, session: BookSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def get(self, position_id: str) -> Position:
        known: Position | None = self._session.recall(_POSITION, position_id)
        if known is not None and known.owner_id == self._owner_id:
            return known
        row = self._session.one(_BY_ID, id=position_id, owner_id=self._owner_id)
        if row is None:
            raise NotFound("position_not_found", f"No position {position_id}.")
        position = _position(row)
        self._session.remember(_POSITION, position_id, position)
        return position

    def add(self, position: Position) -> None:
        if plan_kind(position.plan) in TRADE_KINDS:
            self._require_no_live_trade(position)
        self._session.run(_INSERT, **_row(position))
        self._session.remember(_POSITION, position.id, position)

    def save(self, position: Position) -> None:
        row = {k: v for k, v in _row(position).items() if k not in _IMMUTABLE}
        changed = self._session.run(_UPDATE, key=position.id, before=position.version - 1, **row)
        if changed != 1:
            raise StaleVersion("stale_version", f"Position {position.id} changed meanwhile.")
        self._session.remember(_POSITION, position.id, position)

    def list(self, where: PositionFilter, page: Page) -> Sequence[Position]:
        query = paged(self._filtered(select(positions), where), positions.c.id, page)
        return [_position(row) for row in self._session.built(query)]

    def count(self, where: PositionFilter) -> int:
        counted = self._filtered(select(func.count().label("n")).select_from(positions), where)
        return int(self._session.built(counted)[0]["n"])

    def unclosed(self) -> Sequence[Position]:
        return [_position(row) for row in self._session.all(_UNCLOSED, owner_id=self._owner_id)]

    def holding(self, instrument: str) -> Sequence[Position]:
        rows = self._session.all(_HOLDING, instrument=instrument, owner_id=self._owner_id)
        return [_position(row) for row in rows]

    def live_trade(self, account_id: str, instrument: str) -> Position | None:
        return self._one_trade(_LIVE_TRADE, account_id, instrument)

    def last_trade(self, account_id: str, instrument: str) -> Position | None:
        return self._one_trade(_LAST_TRADE, account_id, instrument)

    def live_trades(self, account_id: str) -> Sequence[Position]:
        rows = self._session.all(_LIVE_TRADES, account_id=account_id, owner_id=self._owner_id)
        return [_position(row) for row in rows]

    def held_in(self, account_id: str) -> Sequence[Position]:
        rows = self._session.all(_HELD_IN, account_id=account_id, owner_id=self._owner_id)
        return [_position(row) for row in rows]

    def _one_trade(
        self, statement: Select[Any], account_id: str, instrument: str
    ) -> Position | None:
        row = self._session.one(
            statement, account_id=account_id, instrument=instrument, owner_id=self._owner_id
        )
        return None if row is None else _position(row)

    def _require_no_live_trade(self, position: Position) -> None:
        live = self.live_trade(position.account_id, position.instrument)
        if live is not None:
            raise Conflict(
                "position_exists",
                f"A position in {live.instrument} is open.",
                context={"position_id": live.id},
            )

    def _filtered(self, query: Select[Any], where: PositionFilter) -> Select[Any]:
        query = query.where(positions.c.owner_id == self._owner_id)
        for name in ("account_id", "instrument", "plan_kind", "status"):
            value = getattr(where, name)
            if value is not None:
                query = query.where(positions.c[name] == value)
        return query


def _row(position: Position) -> Row:
    row: Row = {name: getattr(position, name) for name in _STATE}
    row.update((name, getattr(position.basis, name)) for name in _BASIS)
    row["plan"] = plan_to_text(position.plan)
    row["plan_kind"] = plan_kind(position.plan)
    return row


def _position(row: Row) -> Position:
    basis = CostBasis(**{name: row.pop(name) for name in _BASIS})
    plan = plan_from_text(row.pop("plan_kind"), row.pop("plan"))
    row["status"] = PositionStatus(row["status"])
    return Position(**row, basis=basis, plan=plan)
