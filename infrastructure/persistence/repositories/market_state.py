"""The market's state, its regime's changes and their settings on SQL."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from domain.market.market_state import MarketStateRow
from domain.market.regime_history import RegimeChange
from domain.market.regime_reading import MARKET_SCOPE, Taxonomy
from domain.market.regime_settings import RegimeSettings
from domain.shared.errors import Defect, StaleVersion
from infrastructure.persistence.market_state_codec import (
    columns_of,
    decimals,
    facts_of,
    row_of,
    settings_document,
    settings_of,
)
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.market_state import (
    market_state,
    market_state_revisions,
    regime_history,
    regime_settings,
)

_THE_MARKET = "market"
_state = market_state.c
_FIND = select(market_state).where(_state.session == bindparam("day"))
_BETWEEN = (
    select(market_state)
    .where(_state.session >= bindparam("first"), _state.session <= bindparam("last"))
    .order_by(_state.session)
)
_BEFORE = (
    select(market_state)
    .where(_state.session < bindparam("day"))
    .order_by(_state.session.desc())
    .limit(bindparam("most"))
)
_NEWEST_AT = (
    select(market_state)
    .where(_state.visible_at <= bindparam("instant"), _state.session <= bindparam("last"))
    .order_by(_state.session.desc())
    .limit(1)
)
_STORED_REVISIONS = select(_state.session, _state.revision).where(
    _state.session >= bindparam("first"), _state.session <= bindparam("last")
)
_INSERT = insert(market_state)
_REPLACE = (
    update(market_state)
    .where(_state.session == bindparam("row_day"))
    .values({column.name: bindparam(column.name) for column in _state if not column.primary_key})
)
_KEEP = insert(market_state_revisions)
_REVISIONS = (
    select(market_state_revisions)
    .where(market_state_revisions.c.session == bindparam("day"))
    .order_by(market_state_revisions.c.revision)
)
_history = regime_history.c
_OF_THE_MARKET = (_history.taxonomy == Taxonomy.VIX_REGIME, _history.scope == MARKET_SCOPE)
_FORGET = delete(regime_history).where(*_OF_THE_MARKET, _history.as_of >= bindparam("first"))
_ADD_CHANGE = insert(regime_history)
_CHANGES = (
    select(regime_history)
    .where(
        *_OF_THE_MARKET, _history.as_of >= bindparam("first"), _history.as_of <= bindparam("last")
    )
    .order_by(_history.as_of)
)
_LAST_CHANGE = (
    select(regime_history)
    .where(*_OF_THE_MARKET, _history.as_of <= bindparam("last"))
    .order_by(_history.as_of.desc())
    .limit(1)
)
_READ_SETTINGS = select(regime_settings).where(regime_settings.c.id == _THE_MARKET)
_ADD_SETTINGS = insert(regime_settings)
_SAVE_SETTINGS = (
    update(regime_settings)
    .where(
        regime_settings.c.id == _THE_MARKET, regime_settings.c.version == bindparam("before")
    )
    .values(
        document=bindparam("document"),
        updated_at=bindparam("updated_at"),
        version=bindparam("version"),
    )
)  # fmt: skip


class SqlMarketState:
    """`MarketStateRepository` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def find(self, session: date) -> MarketStateRow | None:
        row = self._session.one(_FIND, day=session)
        return None if row is None else row_of(row)

    def between(self, start: date, end: date) -> Sequence[MarketStateRow]:
        return [row_of(row) for row in self._session.all(_BETWEEN, first=start, last=end)]

    def before(self, session: date, count: int) -> Sequence[MarketStateRow]:
        rows = self._session.all(_BEFORE, day=session, most=count)
        return [row_of(row) for row in reversed(rows)]

    def newest_at(self, instant: datetime, until: date) -> MarketStateRow | None:
        row = self._session.one(_NEWEST_AT, instant=instant, last=until)
        return None if row is None else row_of(row)

    def put(self, rows: Sequence[MarketStateRow]) -> None:
        if not rows:
            return
        first, last = min(r.session for r in rows), max(r.session for r in rows)
        stored = {
            row["session"]: row["revision"]
            for row in self._session.all(_STORED_REVISIONS, first=first, last=last)
        }
        _require_next(rows, stored)
        revised = {row.session for row in rows if stored.get(row.session) == row.revision - 1}
        if revised:
            replaced = [row for row in self.between(first, last) if row.session in revised]
            self._session.run_many(_KEEP, [facts_of(row) for row in replaced])
        new = [columns_of(row) for row in rows if row.session not in stored]
        self._session.run_many(_INSERT, new)
        old = [_renamed(columns_of(row)) for row in rows if row.session in stored]
        self._session.run_many(_REPLACE, old)

    def revisions(self, session: date) -> Sequence[MarketStateRow]:
        return [row_of(row) for row in self._session.all(_REVISIONS, day=session)]

    def restate_changes(self, since: date, changes: Sequence[RegimeChange]) -> None:
        self._session.run(_FORGET, first=since)
        rows = [{f.name: getattr(c, f.name) for f in fields(RegimeChange)} for c in changes]
        self._session.run_many(_ADD_CHANGE, rows)

    def changes(self, start: date, end: date) -> Sequence[RegimeChange]:
        return [_change(row) for row in self._session.all(_CHANGES, first=start, last=end)]

    def last_change(self, until: date) -> RegimeChange | None:
        row = self._session.one(_LAST_CHANGE, last=until)
        return None if row is None else _change(row)


class SqlRegimeSettings:
    """`RegimeSettingsBook` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def read(self) -> RegimeSettings:
        row = self._session.one(_READ_SETTINGS)
        if row is None:
            return RegimeSettings()
        return settings_of(row["document"], row["version"], row["updated_at"])

    def save(self, settings: RegimeSettings) -> None:
        if settings.updated_at is None:
            raise Defect("settings_unchanged", "Settings are saved with the time of their change.")
        values: dict[str, Any] = {
            "document": settings_document(settings),
            "updated_at": settings.updated_at,
            "version": settings.version,
        }
        before = settings.version - 1
        if self._session.run(_SAVE_SETTINGS, before=before, **values) == 1:
            return
        if before != 1 or self._session.one(_READ_SETTINGS) is not None:
            raise StaleVersion("stale_version", "The regime settings changed meanwhile.")
        self._session.run(_ADD_SETTINGS, id=_THE_MARKET, **values)


def _require_next(rows: Sequence[MarketStateRow], stored: dict[date, int]) -> None:
    for row in rows:
        if row.revision - stored.get(row.session, 0) not in (0, 1):
            raise StaleVersion("stale_version", f"The row of {row.session} changed meanwhile.")


def _renamed(columns: Row) -> Row:
    columns["row_day"] = columns.pop("session")
    return columns


def _change(row: Row) -> RegimeChange:
    is_announced = bool(row["is_announced"])
    return RegimeChange(**{**row, "inputs": decimals(row["inputs"]), "is_announced": is_announced})
