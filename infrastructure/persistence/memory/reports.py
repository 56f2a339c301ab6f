"""Recorded NAV, trade history and closed trades in memory."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

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
from domain.risk.nav_performance import DailyNav
from infrastructure.persistence.memory.tables import Tables
from infrastructure.persistence.types import to_json


class MemoryNavMarks:
    """`NavMarks` in memory."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.nav_marks

    def newest(self, account_ids: Sequence[str]) -> Mapping[str, StoredNavMark]:
        ordered = sorted(self._rows.values(), key=lambda stored: stored.mark.at)
        return {stored.account_id: stored for stored in ordered if stored.account_id in account_ids}

    def put(self, marks: Sequence[StoredNavMark]) -> None:
        for stored in marks:
            self._rows.put((stored.account_id, stored.mark.at), stored)

    def history(self, account_id: str, since: datetime | None = None) -> Sequence[StoredNavMark]:
        mine = (stored for stored in self._rows.values() if stored.account_id == account_id)
        ordered = sorted(mine, key=lambda stored: stored.mark.at)
        if since is None:
            return ordered
        first = next((i for i, one in enumerate(ordered) if one.mark.at >= since), len(ordered))
        return ordered[max(0, first - 1) :]

    def course(self, account_id: str) -> NavCourse:
        history = self.history(account_id)
        days = (
            DailyNav(stored.day, stored.state.nav, stored.is_stale)
            for stored in history
            if stored.day is not None
        )
        return NavCourse(history[0].mark.at if history else None, tuple(days))


class MemoryTrades:
    """`Trades` in memory: read from the events themselves."""

    def __init__(self, tables: Tables) -> None:
        self._events = tables.events

    def rows(
        self, where: TradeRowFilter, *, after_seq: int = 0, skip: int = 0, limit: int
    ) -> Sequence[TradeRow]:
        found = [row for row in self._rows(where) if row.seq > after_seq]
        return found[skip : skip + limit]

    def count(self, where: TradeRowFilter) -> int:
        return sum(1 for _ in self._rows(where))

    def closed(self, account_id: str) -> Sequence[Trade]:
        return [trade for _, trade in self._closed(account_id)]

    def results(self, account_id: str, *, after_seq: int = 0) -> Sequence[tuple[int, TradeResult]]:
        return [(seq, t.result) for seq, t in self._closed(account_id) if seq > after_seq]

    def _closed(self, account_id: str) -> Iterator[tuple[int, Trade]]:
        for seq, event in sorted(self._events.items()):
            outputs = trade_outputs(event)
            if outputs is not None and event.account_id == account_id:
                trade = closed_trade(event, outputs)
                if trade is not None:
                    yield seq, trade

    def _rows(self, where: TradeRowFilter) -> Iterator[TradeRow]:
        for seq, event in sorted(self._events.items()):
            outputs = trade_outputs(event)
            if outputs is None or event.account_id is None:
                continue
            row = TradeRow(
                seq=seq,
                account_id=event.account_id,
                position_id=event.aggregate_id,
                symbol=str(outputs["symbol"]),
                action=str(outputs["action"]),
                at=row_instant(event, outputs),
                document=to_json(row_document(event, outputs)),
            )
            if _passes(row, where):
                yield row


def _passes(row: TradeRow, where: TradeRowFilter) -> bool:
    return (
        row.account_id == where.account_id
        and where.symbol in (None, row.symbol)
        and where.action in (None, row.action)
        and (where.start is None or row.at >= where.start)
        and (where.end is None or row.at <= where.end)
    )
