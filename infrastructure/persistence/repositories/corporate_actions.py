"""Dividends, entitlements and splits on SQL."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, insert, or_, select, update

from application.context import RequestContext
from application.ports.corporate_actions import AppliedSplit
from application.ports.repositories import Page
from domain.portfolio.dividend import Dividend, DividendKind, Entitlement, EntitlementStatus
from domain.portfolio.split import Split
from domain.shared.errors import NotFound
from infrastructure.persistence.paging import paged
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.corporate_actions import (
    applied_splits,
    dividends,
    entitlements,
    splits,
)
from infrastructure.persistence.upsert import insert_if_absent

_DIVIDEND = tuple(f.name for f in fields(Dividend))
_ENTITLEMENT = tuple(f.name for f in fields(Entitlement))
_SPLIT = tuple(f.name for f in fields(Split))

_ADD_DIVIDEND = insert(dividends)
_GET_DIVIDEND = select(dividends).where(
    dividends.c.id == bindparam("id"), dividends.c.owner_id == bindparam("owner_id")
)
_FIND_DIVIDEND = select(dividends).where(
    dividends.c.owner_id == bindparam("owner_id"),
    dividends.c.instrument == bindparam("instrument"),
    dividends.c.ex_date == bindparam("ex_date"),
    dividends.c.kind == bindparam("kind"),
)
_FREE_KEY = (
    update(dividends)
    .where(dividends.c.id == bindparam("key"))
    .values(cancelled_at=bindparam("cancelled_at"))
)
_ADD_ENTITLEMENT = insert(entitlements)
_SAVE_ENTITLEMENT = (
    update(entitlements)
    .where(entitlements.c.id == bindparam("key"))
    .values(
        {
            c.name: bindparam(c.name)
            for c in entitlements.c
            if c.name not in ("id", "dividend_id", "position_id")
        }
    )
)
_OF_DIVIDEND = (
    select(entitlements)
    .where(entitlements.c.dividend_id == bindparam("dividend_id"))
    .order_by(entitlements.c.id)
)
_OF_POSITION = (
    select(entitlements)
    .where(entitlements.c.position_id == bindparam("position_id"))
    .order_by(entitlements.c.id)
)
_ADD_SPLIT = insert(splits)
_GET_SPLIT = select(splits).where(
    splits.c.id == bindparam("id"), splits.c.owner_id == bindparam("owner_id")
)
_FIND_SPLIT = select(splits).where(
    splits.c.owner_id == bindparam("owner_id"),
    splits.c.instrument == bindparam("instrument"),
    splits.c.ex_date == bindparam("ex_date"),
)
_APPLIED = (
    select(applied_splits.c.split_id, splits.c.ratio, applied_splits.c.applied_at)
    .join_from(applied_splits, splits, applied_splits.c.split_id == splits.c.id)
    .where(applied_splits.c.position_id == bindparam("position_id"))
    .order_by(applied_splits.c.applied_at)
)


_MARK = insert_if_absent(applied_splits)


class SqlDividends:
    """`Dividends` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext, now: datetime) -> None:
        self._session = session
        self._owner_id = context.owner_id
        self._now = now

    def get(self, dividend_id: str) -> Dividend:
        row = self._session.one(_GET_DIVIDEND, id=dividend_id, owner_id=self._owner_id)
        if row is None:
            raise NotFound("dividend_not_found", f"No dividend {dividend_id}.")
        return _dividend(row)

    def find(self, instrument: str, ex_date: date, kind: str) -> Dividend | None:
        rows = self._session.all(
            _FIND_DIVIDEND,
            owner_id=self._owner_id,
            instrument=instrument,
            ex_date=ex_date,
            kind=kind,
        )
        live = [row for row in rows if row["cancelled_at"] is None]
        return _dividend(live[0]) if live else None

    def add(self, dividend: Dividend) -> None:
        row = {name: getattr(dividend, name) for name in _DIVIDEND}
        self._session.run(
            _ADD_DIVIDEND, owner_id=self._owner_id, announced_at=self._now, cancelled_at=None, **row
        )

    def mark_cancelled(self, dividend_id: str) -> None:
        self._session.run(_FREE_KEY, key=dividend_id, cancelled_at=self._now)

    def is_cancelled(self, dividend_id: str) -> bool:
        row = self._session.one(_GET_DIVIDEND, id=dividend_id, owner_id=self._owner_id)
        return row is not None and row["cancelled_at"] is not None

    def list(
        self, page: Page, *, instrument: str | None = None, ex_date_from: date | None = None
    ) -> Sequence[Dividend]:
        query = select(dividends).where(
            dividends.c.owner_id == self._owner_id, dividends.c.cancelled_at.is_(None)
        )
        if instrument is not None:
            query = query.where(dividends.c.instrument == instrument)
        if ex_date_from is None:
            return [_dividend(r) for r in self._session.built(paged(query, dividends.c.id, page))]
        return [_dividend(r) for r in self._session.built(_by_ex_date(query, ex_date_from, page))]

    def entitlements(self, dividend_id: str) -> Sequence[Entitlement]:
        return [_entitled(r) for r in self._session.all(_OF_DIVIDEND, dividend_id=dividend_id)]

    def entitlements_of(self, position_id: str) -> Sequence[Entitlement]:
        return [_entitled(r) for r in self._session.all(_OF_POSITION, position_id=position_id)]

    def add_entitlement(self, entitlement: Entitlement) -> None:
        self._session.run(
            _ADD_ENTITLEMENT, **{name: getattr(entitlement, name) for name in _ENTITLEMENT}
        )

    def save_entitlement(self, entitlement: Entitlement) -> None:
        fixed = ("id", "dividend_id", "position_id")
        row = {n: getattr(entitlement, n) for n in _ENTITLEMENT if n not in fixed}
        self._session.run(_SAVE_ENTITLEMENT, key=entitlement.id, **row)


class SqlSplits:
    """`Splits` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext, now: datetime) -> None:
        self._session = session
        self._owner_id = context.owner_id
        self._now = now

    def get(self, split_id: str) -> Split:
        row = self._session.one(_GET_SPLIT, id=split_id, owner_id=self._owner_id)
        if row is None:
            raise NotFound("split_not_found", f"No split {split_id}.")
        return _split(row)

    def find(self, instrument: str, ex_date: date) -> Split | None:
        row = self._session.one(
            _FIND_SPLIT, owner_id=self._owner_id, instrument=instrument, ex_date=ex_date
        )
        return None if row is None else _split(row)

    def add(self, split: Split) -> None:
        row = {name: getattr(split, name) for name in _SPLIT}
        self._session.run(_ADD_SPLIT, owner_id=self._owner_id, announced_at=self._now, **row)

    def list(self, page: Page, *, instrument: str | None = None) -> Sequence[Split]:
        query = select(splits).where(splits.c.owner_id == self._owner_id)
        if instrument is not None:
            query = query.where(splits.c.instrument == instrument)
        return [_split(row) for row in self._session.built(paged(query, splits.c.id, page))]

    def applied_to_position(self, position_id: str) -> Sequence[AppliedSplit]:
        rows = self._session.all(_APPLIED, position_id=position_id)
        return [AppliedSplit(r["split_id"], r["ratio"], r["applied_at"]) for r in rows]

    def mark_applied(self, split_id: str, position_id: str, at: datetime) -> bool:
        statement = _MARK[self._session.dialect_name]
        changed = self._session.run(
            statement, split_id=split_id, position_id=position_id, applied_at=at
        )
        return changed == 1


def _by_ex_date(query: Select[Any], start: date, page: Page) -> Select[Any]:
    """Next ex-date first; `page.after` reads `2025-03-20 div_…`, the day and id of the last row."""
    day, key = dividends.c.ex_date, dividends.c.id
    query = query.where(day >= start)
    if page.after is not None:
        last_day, _, last_id = page.after.partition(" ")
        after = date.fromisoformat(last_day)
        query = query.where(or_(day > after, and_(day == after, key > last_id)))
    return query.order_by(day, key).limit(page.limit)


def _dividend(row: Row) -> Dividend:
    kept: dict[str, Any] = {name: row[name] for name in _DIVIDEND}
    return Dividend(**{**kept, "kind": DividendKind(kept["kind"])})


def _entitled(row: Row) -> Entitlement:
    kept: dict[str, Any] = {name: row[name] for name in _ENTITLEMENT}
    return Entitlement(**{**kept, "status": EntitlementStatus(kept["status"])})


def _split(row: Row) -> Split:
    kept: dict[str, Any] = {name: row[name] for name in _SPLIT}
    return Split(**kept)
