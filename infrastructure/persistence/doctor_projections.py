"""The examination of what is derived: trade history and closed trades from the log, NAV from its
marks.
"""

from collections.abc import Iterable
from itertools import groupby

from sqlalchemy import select

from application.portfolio.trade_projection import TRADE_ACTIONS
from domain.risk.nav import UnitNav, fold
from domain.shared.decimals import ZERO, plain
from infrastructure.persistence.event_log import event_from_row
from infrastructure.persistence.examination import Ailment, Examination
from infrastructure.persistence.repositories.reports import projected, stored_mark
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.platform import events
from infrastructure.persistence.tables.reports import closed_trades, nav_marks, trade_rows
from infrastructure.persistence.types import from_json

_TYPES = [action.lower() for action in TRADE_ACTIONS]


def examine_projections(session: SqlSession, examination: Examination) -> None:
    """Each derived row is there, once, and says what it is derived from."""
    told = session.built(select(events).where(events.c.type.in_(_TYPES)).order_by(events.c.seq))
    rows, closed = projected(event_from_row(row) for row in told)
    kept = session.built(select(trade_rows))
    _compare(Ailment.TRADE_ROW, map(_read, rows), map(_read, kept), examination)
    trades = session.built(select(closed_trades))
    _compare(Ailment.CLOSED_TRADE, closed, trades, examination)
    _examine_nav(session, examination)


def _compare(
    code: Ailment, made: Iterable[Row], found: Iterable[Row], examination: Examination
) -> None:
    by_seq = {row["seq"]: row for row in found}
    for row in made:
        stored = by_seq.pop(row["seq"], None)
        if stored is None:
            examination.expect(code, f"event {row['seq']}", "a row", "no row")
            continue
        for name in row.keys() | stored.keys():
            subject = f"{name} of event {row['seq']}"
            examination.expect(code, subject, row.get(name), stored.get(name))
    for seq in by_seq:
        examination.expect(code, f"event {seq}", "no row", "a row")


def _read(row: Row) -> Row:
    """The row with the members of its document beside its own."""
    members = {f"document.{name}": value for name, value in from_json(row["document"]).items()}
    return {**row, **members, "document": None}


def _examine_nav(session: SqlSession, examination: Examination) -> None:
    ordered = session.built(select(nav_marks).order_by(nav_marks.c.account_id, nav_marks.c.at))
    for account_id, group in groupby(ordered, key=lambda row: row["account_id"]):
        marks = [stored_mark(row) for row in group]
        for stored, made in zip(marks, fold(UnitNav(ZERO), (m.mark for m in marks)), strict=True):
            subject = f"NAV of {account_id} at {stored.mark.at}"
            examination.expect(Ailment.NAV_MARK, subject, plain(made.nav), plain(stored.state.nav))
