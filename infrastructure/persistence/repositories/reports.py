"""Recorded NAV, trade history and closed trades on SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, insert, or_, select

from application.portfolio.trade_projection import (
    closed_trade,
    row_document,
    row_instant,
    trade_outputs,
)
from application.ports.report_repositories import (
    NavCourse,
    StoredNavMark,
    TradeRow,
    TradeRowFilter,
)
from domain.portfolio.trades import Trade, TradeResult
from domain.risk.nav import NavMark, UnitNav
from domain.risk.nav_performance import DailyNav
from domain.shared.events import LoggedEvent
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.reports import closed_trades, nav_marks, trade_rows
from infrastructure.persistence.types import to_json
from infrastructure.persistence.upsert import upsert

_NEWEST_OF = (
    select(nav_marks)
    .where(nav_marks.c.account_id == bindparam("account_id"))
    .order_by(nav_marks.c.at.desc())
    .limit(1)
)
_EARLIER = nav_marks.alias()
_HISTORY = (
    select(nav_marks)
    .where(nav_marks.c.account_id == bindparam("account_id"))
    .order_by(nav_marks.c.at)
)
_BEFORE = (
    select(func.max(_EARLIER.c.at))
    .where(_EARLIER.c.account_id == bindparam("account_id"), _EARLIER.c.at < bindparam("since"))
    .scalar_subquery()
)
_HISTORY_SINCE = _HISTORY.where(
    or_(nav_marks.c.at >= bindparam("since"), nav_marks.c.at == _BEFORE)
)
_COURSE = (
    select(nav_marks.c.at, nav_marks.c.day, nav_marks.c.nav, nav_marks.c.is_stale)
    .where(nav_marks.c.account_id == bindparam("account_id"))
    .order_by(nav_marks.c.at)
)
_CLOSED = (
    select(*(closed_trades.c[f.name] for f in fields(Trade)))
    .where(closed_trades.c.account_id == bindparam("account_id"))
    .order_by(closed_trades.c.seq)
)
_RESULTS = (
    select(
        closed_trades.c.seq,
        closed_trades.c.realized_pnl,
        closed_trades.c.fees,
        closed_trades.c.entry_price,
        closed_trades.c.initial_qty,
        closed_trades.c.initial_risk,
        closed_trades.c.regime_at_entry,
    )
    .where(
        closed_trades.c.account_id == bindparam("account_id"),
        closed_trades.c.seq > bindparam("after_seq"),
    )
    .order_by(closed_trades.c.seq)
)
_ADD_ROW = insert(trade_rows)
_ADD_TRADE = insert(closed_trades)


_PUT = upsert(nav_marks)


class SqlNavMarks:
    """`NavMarks` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def newest(self, account_ids: Sequence[str]) -> Mapping[str, StoredNavMark]:
        if len(account_ids) == 1:
            rows = self._session.all(_NEWEST_OF, account_id=account_ids[0])
        else:
            rows = self._newest_of_several(account_ids)
        return {row["account_id"]: stored_mark(row) for row in rows}

    def _newest_of_several(self, account_ids: Sequence[str]) -> list[Row]:
        last = (
            select(nav_marks.c.account_id, func.max(nav_marks.c.at).label("at"))
            .where(nav_marks.c.account_id.in_(account_ids))
            .group_by(nav_marks.c.account_id)
            .subquery()
        )
        same = and_(nav_marks.c.account_id == last.c.account_id, nav_marks.c.at == last.c.at)
        return self._session.built(select(nav_marks).join(last, same))

    def put(self, marks: Sequence[StoredNavMark]) -> None:
        self._session.run_many(_PUT[self._session.dialect_name], [_row(mark) for mark in marks])

    def history(self, account_id: str, since: datetime | None = None) -> Sequence[StoredNavMark]:
        if since is None:
            rows = self._session.all(_HISTORY, account_id=account_id)
        else:
            rows = self._session.all(_HISTORY_SINCE, account_id=account_id, since=since)
        return [stored_mark(row) for row in rows]

    def course(self, account_id: str) -> NavCourse:
        rows = self._session.all(_COURSE, account_id=account_id)
        days = (
            DailyNav(row["day"], row["nav"], bool(row["is_stale"]))
            for row in rows
            if row["day"] is not None
        )
        return NavCourse(rows[0]["at"] if rows else None, tuple(days))


class SqlTrades:
    """`Trades` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def project(self, events: Iterable[LoggedEvent]) -> None:
        """Write the rows and trades that new events of the log are."""
        rows, closed = projected(events)
        self._session.run_many(_ADD_ROW, rows)
        self._session.run_many(_ADD_TRADE, closed)

    def rows(
        self, where: TradeRowFilter, *, after_seq: int = 0, skip: int = 0, limit: int
    ) -> Sequence[TradeRow]:
        query = _filtered(select(trade_rows), where).where(trade_rows.c.seq > after_seq)
        query = query.order_by(trade_rows.c.seq).offset(skip).limit(limit)
        return [TradeRow(**row) for row in self._session.built(query)]

    def count(self, where: TradeRowFilter) -> int:
        counted = _filtered(select(func.count().label("n")).select_from(trade_rows), where)
        return int(self._session.built(counted)[0]["n"])

    def closed(self, account_id: str) -> Sequence[Trade]:
        return [Trade(**row) for row in self._session.all(_CLOSED, account_id=account_id)]

    def results(self, account_id: str, *, after_seq: int = 0) -> Sequence[tuple[int, TradeResult]]:
        rows = self._session.all(_RESULTS, account_id=account_id, after_seq=after_seq)
        return [(row["seq"], _result(row)) for row in rows]


def projected(events: Iterable[LoggedEvent]) -> tuple[list[Row], list[Row]]:
    """Rows of the trade history and closed trades that the events are."""
    rows: list[Row] = []
    closed: list[Row] = []
    for event in events:
        outputs = trade_outputs(event)
        if outputs is None:
            continue
        rows.append(
            {
                "seq": event.seq,
                "account_id": event.account_id,
                "position_id": event.aggregate_id,
                "symbol": outputs["symbol"],
                "action": outputs["action"],
                "at": row_instant(event, outputs),
                "document": to_json(row_document(event, outputs)),
            }
        )
        trade = closed_trade(event, outputs)
        if trade is not None:
            values = {f.name: getattr(trade, f.name) for f in fields(Trade)}
            closed.append({**values, "account_id": event.account_id, "seq": event.seq})
    return rows, closed


def _filtered(query: Select[Any], where: TradeRowFilter) -> Select[Any]:
    query = query.where(trade_rows.c.account_id == where.account_id)
    if where.symbol is not None:
        query = query.where(trade_rows.c.symbol == where.symbol)
    if where.action is not None:
        query = query.where(trade_rows.c.action == where.action)
    if where.start is not None:
        query = query.where(trade_rows.c.at >= where.start)
    if where.end is not None:
        query = query.where(trade_rows.c.at <= where.end)
    return query


def _result(row: Row) -> TradeResult:
    return TradeResult(
        row["realized_pnl"] - row["fees"],
        abs(row["initial_qty"]) * row["entry_price"],
        row["fees"],
        row["initial_risk"],
        row["regime_at_entry"],
    )


def _row(stored: StoredNavMark) -> Row:
    mark, state = stored.mark, stored.state
    return {
        "account_id": stored.account_id,
        "at": mark.at,
        "day": stored.day,
        "equity": mark.equity,
        "flow": mark.flow,
        "nav": state.nav,
        "high_water_mark": state.high_water_mark,
        "max_drawdown": state.max_drawdown,
        "equity_after": state.equity,
        "is_stale": stored.is_stale,
        "pending": [list(item) for item in stored.pending],
    }


def stored_mark(row: Row) -> StoredNavMark:
    """A row of NAV marks as its value."""
    return StoredNavMark(
        account_id=row["account_id"],
        mark=NavMark(row["at"], row["equity"], row["flow"]),
        state=UnitNav(row["equity_after"], row["nav"], row["high_water_mark"], row["max_drawdown"]),
        day=row["day"],
        is_stale=bool(row["is_stale"]),
        pending=tuple((position_id, Decimal(qty)) for position_id, qty in row["pending"]),
    )
