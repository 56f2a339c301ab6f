"""Stored breadth with its score, as readers ask for it."""

from collections.abc import Sequence
from datetime import date

from application.market.market_state_queries import SessionRange
from application.market.regime_settings import regime_settings
from application.market.session_calendar import SessionCalendar
from application.ports.unit_of_work import UnitOfWork
from domain.market.breadth_rows import (
    LEAD_SESSIONS,
    BreadthRow,
    BreadthSummary,
    breadth_rows,
    has_breadth,
    summary,
)
from domain.market.market_state import MarketStateRow
from domain.shared.errors import NotFound

LATEST_WITHIN_ROWS = 1_000


class BreadthQueries:
    """NotFound `no_market_state` where no breadth is stored."""

    def __init__(self, sessions: SessionCalendar) -> None:
        self._sessions = sessions

    def latest(self, work: UnitOfWork) -> BreadthRow:
        """The newest visible row with breadth, among the newest thousand."""
        newest = work.market_state.newest_at(work.now, self._sessions.now(work.now))
        if newest is None:
            raise _nothing()
        rows = [*work.market_state.before(newest.session, LATEST_WITHIN_ROWS), newest]
        held = next((row for row in reversed(rows) if has_breadth(row)), None)
        if held is None:
            raise _nothing()
        return self._shown([row for row in rows if row.session <= held.session], work)[-1]

    def of(self, day: date, work: UnitOfWork) -> BreadthRow:
        """The breadth of one session."""
        row = work.market_state.find(day)
        if row is None or not has_breadth(row) or row.visible_at > work.now:
            raise _nothing(day)
        lead = work.market_state.before(day, LEAD_SESSIONS)
        return self._shown([*lead, row], work)[-1]

    def history(self, wanted: SessionRange, limit: int, work: UnitOfWork) -> Sequence[BreadthRow]:
        """The newest `limit` rows of the range, ascending."""
        rows = [r for r in self._visible(wanted, work) if has_breadth(r)][-limit:]
        if not rows:
            return []
        first = rows[0].session
        lead = work.market_state.before(first, LEAD_SESSIONS)
        return [row for row in self._shown([*lead, *rows], work) if row.row.session >= first]

    def summary(self, work: UnitOfWork) -> BreadthSummary:
        """Totals over everything stored."""
        return summary(self._visible(SessionRange(date.min, date.max), work))

    def _visible(self, wanted: SessionRange, work: UnitOfWork) -> list[MarketStateRow]:
        found = work.market_state.between(wanted.start, wanted.end)
        return [row for row in found if row.visible_at <= work.now]

    def _shown(self, rows: Sequence[MarketStateRow], work: UnitOfWork) -> list[BreadthRow]:
        rules = regime_settings(work).breadth_rules
        return breadth_rows(rows, rules, self._sessions())


def _nothing(day: date | None = None) -> NotFound:
    which = "" if day is None else f" for {day}"
    return NotFound("no_market_state", f"No breadth is stored{which}.")
