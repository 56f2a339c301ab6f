"""The NAV of accounts as it is recorded: at session closes, and just before money comes or goes.

A mark before each flow is what keeps deposits and withdrawals out of returns and drawdowns.
Sessions that closed since the last mark are recorded first, so marks follow one another in time.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from application.portfolio.drawdown_alert import changes_side, record_marks
from application.portfolio.late_fill import LateFill
from application.portfolio.nav_flow import Flow
from application.portfolio.nav_restatement import (
    BarEffect,
    Repricing,
    restate,
    still_stale,
    store_restated,
)
from application.portfolio.nav_valuation import marked_as, unpriced
from application.portfolio.running_worth import Change, RunningWorth
from application.portfolio.views import Mark, ValuedAccount, known_price, valued_account
from application.ports.calendars import CalendarTables
from application.ports.prices import Prices
from application.ports.report_repositories import StoredNavMark
from application.ports.unit_of_work import UnitOfWork
from domain.market.trading_calendar import Session, TradingCalendar
from domain.plans.plan import PriceView
from domain.portfolio.account import Account, Book
from domain.portfolio.fill import Fill
from domain.portfolio.position import Position
from domain.risk.nav import NavMark, UnitNav, fold, with_late_flow
from domain.shared.decimals import ZERO, cash
from domain.shared.errors import NotFound
from domain.shared.instants import rfc3339

UNFUNDED = UnitNav(ZERO)
AFTER_THE_LAST = timedelta(microseconds=1)


class NoPrices:
    """`Prices` that knows none: holdings are worth what they last traded at."""

    def newest(self, instrument: str, now: datetime) -> PriceView | None:
        return None


NO_PRICES = NoPrices()


class AccountNav:
    """Records NAV. Called inside the command that moves the money, before the money moves."""

    def __init__(self, prices: Prices = NO_PRICES, calendars: CalendarTables | None = None) -> None:
        self._prices = prices
        self._calendars = calendars
        self._worth = RunningWorth(prices)

    def open(self, account: Account, work: UnitOfWork) -> StoredNavMark:
        """Begin at 1 with what the account is worth now."""
        view = self._valued(account, work.now, work)
        state = UNFUNDED if view.equity is None else UnitNav(view.equity)
        pending = () if view.equity is not None else unpriced(view)
        first = StoredNavMark(account.id, NavMark(work.now, state.equity), state, pending=pending)
        work.nav_marks.put([first])
        return first

    def price_of(self, account_id: str, instrument: str, work: UnitOfWork) -> PriceView | None:
        """The price the account values the instrument at now."""
        of_all = work.positions.holding(instrument)
        held = [position for position in of_all if position.account_id == account_id]
        return known_price(instrument, held, self._prices, work.now)

    def before_flow(self, account: Account, flow: Flow, work: UnitOfWork) -> None:
        """Mark the account and note the flow; a flow of the past restates what followed it."""
        last = work.nav_marks.newest([account.id]).get(account.id)
        last = last or self.open(account, work)
        if flow.at is not None and flow.at < last.mark.at and self._restated(account, flow, work):
            return
        last = self._close_sessions(account, last, work)
        before = last.state
        if last.mark.at < work.now:
            last = marked_as(last, self._valued(account, work.now, work), work.now)
        record_marks(before, [self._with_flow(last, flow, work)], work)

    def close_sessions(self, account: Account, work: UnitOfWork) -> None:
        """Record every session of the account's calendar that closed since the last mark."""
        last = work.nav_marks.newest([account.id]).get(account.id)
        self._close_sessions(account, last or self.open(account, work), work)

    def touch(self, account: Account, change: Change, work: UnitOfWork) -> None:
        """Mark the account now if that is a new peak, a deeper drawdown or the other side of the
        tolerated one: between two session closes only these would be forgotten. `change` fills a
        position or prices it.
        """
        last = work.nav_marks.newest([account.id]).get(account.id)
        if last is None or account.book is not Book.MAIN:
            return
        at = max(work.now, last.mark.at + AFTER_THE_LAST)
        if last.pending:
            marked = marked_as(last, self._valued(account, work.now, work), at)
        else:
            equity = self._worth.equity(account, change, last.mark.at, work)
            if equity is None:
                return
            mark = NavMark(at, equity)
            marked = StoredNavMark(account.id, mark, last.state.marked(equity))
        now, then = marked.state, last.state
        is_record = now.high_water_mark > then.high_water_mark
        is_record = is_record or now.max_drawdown > then.max_drawdown
        if is_record or changes_side(then, now, work):
            record_marks(then, [marked], work)
            if not last.pending:
                self._worth.recorded(account, at, work)

    def reprice(self, account: Account, effect: BarEffect, work: UnitOfWork) -> None:
        """Put a bar that came after its session's close into the marks made since that close."""
        calendar = self._calendar(effect.after.calendar)
        last = work.nav_marks.newest([account.id]).get(account.id)
        if calendar is None or last is None or not calendar.is_session(effect.time.session):
            return
        closed_at = min(calendar.session(effect.time.session).closes_at, effect.time.at)
        since = max(closed_at, effect.before.last_executed_at or closed_at)
        if not since < work.now or last.mark.at < since:
            return
        held = work.positions.held_in(account.id)
        own = self._calendar(account.calendar) or calendar
        restate(
            last,
            since,
            Repricing(effect, closed_at, held, self._prices).gain,
            (
                "A bar came after its session was recorded; the NAV since then is restated.",
                {"position_id": effect.after.id, "session": effect.time.session.isoformat()},
            ),
            work,
            still_stale(own, held, self._prices, lambda m, s: bool(_stale(m, s))),
        )

    def restate_fill(self, account: Account, fill: Fill, work: UnitOfWork) -> None:
        """Put a fill that was reported late into the marks made since it was executed."""
        last = work.nav_marks.newest([account.id]).get(account.id)
        if last is None or not fill.executed_at < last.mark.at:
            return
        restate(
            last,
            fill.executed_at + AFTER_THE_LAST,
            LateFill.of(fill, self._prices, work).gain,
            (
                "A fill was reported after the NAV since then was recorded; it is restated.",
                {"fill_id": fill.id, "executed_at": rfc3339(fill.executed_at)},
            ),
            work,
        )

    def is_due(self, account: Account, last: StoredNavMark | None, now: datetime) -> bool:
        """Whether `close_sessions` would record anything."""
        return last is None or bool(self._closed_since(account, last.mark.at, now))

    def stale_marks(self, view: ValuedAccount, now: datetime) -> tuple[Mark, ...]:
        """Marks older than the last session that closed; empty where the calendar is unknown."""
        closed = self._closed_since(view.account, None, now)
        return _stale(view.marks, closed[-1]) if closed else ()

    def _close_sessions(
        self, account: Account, last: StoredNavMark, work: UnitOfWork
    ) -> StoredNavMark:
        sessions = self._closed_since(account, last.mark.at, work.now)
        if not sessions:
            return last
        positions, amounts = _held(account, work), work.ledger.amounts(account.id)
        before, closes = last.state, []
        for session in sessions:
            view = valued_account(account, amounts, positions, self._prices, session.closes_at)
            last = marked_as(last, view, session.closes_at)
            last = replace(last, day=session.day, is_stale=bool(_stale(view.marks, session)))
            closes.append(last)
        record_marks(before, closes, work)
        return last

    def _closed_since(
        self, account: Account, since: datetime | None, now: datetime
    ) -> Sequence[Session]:
        """Sessions with since < close <= now; without `since`, the last one."""
        calendar = self._calendar(account.calendar)
        if calendar is None:
            return ()
        newest = calendar.last_closed(now)
        if newest is None:
            return ()
        if since is None:
            return (newest,)
        sessions = calendar.sessions(since.date() - timedelta(days=1), newest.day)
        return [s for s in (*sessions, newest) if since < s.closes_at]

    def _calendar(self, name: str) -> TradingCalendar | None:
        if self._calendars is None:
            return None
        try:
            return self._calendars.calendar(name)
        except NotFound:
            return None

    def _valued(self, account: Account, at: datetime, work: UnitOfWork) -> ValuedAccount:
        amounts = work.ledger.amounts(account.id)
        return valued_account(account, amounts, _held(account, work), self._prices, at)

    def _with_flow(self, marked: StoredNavMark, flow: Flow, work: UnitOfWork) -> StoredNavMark:
        amount, pending, shares = flow.amount, marked.pending, flow.shares
        if shares is not None:
            price = self.price_of(marked.account_id, shares.instrument, work)
            if price is None:
                pending = (*pending, (shares.position_id, shares.qty))
            else:
                amount += cash(shares.qty * price.value)
        return replace(
            marked,
            mark=replace(marked.mark, flow=marked.mark.flow + amount),
            state=marked.state.with_flow(amount),
            pending=pending,
        )

    def _restated(self, account: Account, flow: Flow, work: UnitOfWork) -> bool:
        """Recompute from the flow's time; False where the account could not have paid it then."""
        assert flow.at is not None
        stored = work.nav_marks.history(account.id)
        marks = with_late_flow([s.mark for s in stored], flow.at, flow.amount)
        states = fold(UNFUNDED, marks)
        if any(
            new.equity < 0 or new.nav == 0 < old.state.nav
            for old, new in zip(stored, states, strict=True)
        ):
            return False
        changed = [
            replace(old, mark=mark, state=state)
            for old, mark, state in zip(stored, marks, states, strict=True)
            if (old.mark, old.state) != (mark, state)
        ]
        store_restated(
            changed,
            stored[-1],
            "A flow of the past was put where it belongs; the NAV since then is restated.",
            {"amount": flow.amount, "occurred_at": rfc3339(flow.at)},
            work,
        )
        return True


def _held(account: Account, work: UnitOfWork) -> list[Position]:
    return [p for p in work.positions.unclosed() if p.account_id == account.id]


def _stale(marks: Sequence[Mark], session: Session) -> tuple[Mark, ...]:
    """Marks that came into being before the session, or at its very start."""
    return tuple(
        mark
        for mark in marks
        if mark.price is None or mark.price.as_of is None or mark.price.as_of <= session.opens_at
    )
