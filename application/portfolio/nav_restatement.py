"""Recorded NAV put right: a flow, a bar or a fill that was reported after the marks it belongs
before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from application.portfolio.drawdown_alert import alert_crossings
from application.portfolio.recording import account_event
from application.portfolio.running_worth import Change
from application.portfolio.trade_sessions import BarTime
from application.portfolio.views import Mark, marks_of
from application.ports.prices import Prices
from application.ports.report_repositories import StoredNavMark
from application.ports.unit_of_work import UnitOfWork
from domain.market.trading_calendar import Session, TradingCalendar
from domain.portfolio.position import Position
from domain.risk.nav import UnitNav, fold
from domain.shared.decimals import ZERO

IsStale = Callable[[Sequence[Mark], Session], bool]
Freshen = Callable[[StoredNavMark], bool]
Gain = Callable[[datetime], Decimal | None]
"""What was reported late adds to the equity of an instant; null where that is unknown."""


@dataclass(frozen=True, slots=True)
class BarEffect(Change):
    """What a bar made of a position, and the session the bar belongs to."""

    time: BarTime


class Repricing:
    """What a late bar adds to the equity of marks that were made without it.

    Each mark gains the difference of the instrument's value after and before the bar, at the prices
    of its own instant, and the cash of the exits. `held` is the account after the bar.
    """

    def __init__(
        self, effect: BarEffect, closed_at: datetime, held: Sequence[Position], prices: Prices
    ) -> None:
        self._effect = effect
        self._closed_at = closed_at
        self._prices = prices
        after = effect.after
        self._others = [p for p in held if p.instrument == after.instrument and p.id != after.id]

    def gain(self, at: datetime) -> Decimal | None:
        """Null where a price is unknown."""
        effect, session = self._effect, self._effect.time.session
        before = self._value([*self._others, at_close(effect.before, session, self._closed_at)], at)
        after = self._value([*self._others, at_close(effect.after, session, self._closed_at)], at)
        earned = effect.cash_gain
        return None if None in (before, after, earned) else _sum(after, earned) - _sum(before)

    def _value(self, positions: Sequence[Position], at: datetime) -> Decimal | None:
        values = [mark.value for mark in marks_of(positions, self._prices, at)]
        return None if None in values else _sum(*values)


def restate(
    last: StoredNavMark,
    since: datetime,
    gain: Gain,
    told: tuple[str, Mapping[str, object]],
    work: UnitOfWork,
    freshen: Freshen = lambda one: one.is_stale,
) -> None:
    """Add what was reported late to the account's marks since then; `told` is why, and of what."""
    changed = restated(work.nav_marks.history(last.account_id, since), since, gain, freshen)
    if changed:
        store_restated(changed, last, *told, work)


def restated(
    stored: Sequence[StoredNavMark], since: datetime, gain: Gain, freshen: Freshen
) -> list[StoredNavMark]:
    """The marks that change, with what was reported late; `freshen`: whether one is still stale."""
    first = next(i for i, one in enumerate(stored) if one.mark.at >= since)
    late = []
    for one in stored[first:]:
        mark = one.mark
        added = None if mark.equity is None else gain(mark.at)
        if mark.equity is not None and added is not None:
            mark = replace(mark, equity=mark.equity + added)
        late.append(replace(one, mark=mark, is_stale=one.is_stale and freshen(one)))
    start = stored[first - 1].state if first else UnitNav(ZERO)
    states = fold(start, (one.mark for one in late))
    made = [replace(one, state=state) for one, state in zip(late, states, strict=True)]
    return [new for old, new in zip(stored[first:], made, strict=True) if new != old]


def still_stale(
    calendar: TradingCalendar, held: Sequence[Position], prices: Prices, is_stale: IsStale
) -> Freshen:
    """Whether a session's mark still lacks a price of that session."""

    def judged(one: StoredNavMark) -> bool:
        if one.day is None:
            return one.is_stale
        session = calendar.session(one.day)
        then = [at_close(position, session.day, session.closes_at) for position in held]
        return is_stale(marks_of(then, prices, session.closes_at), session)

    return judged


def at_close(position: Position, session: object, closes_at: datetime) -> Position:
    """The position with the bar of that session told at its close, however late it came."""
    plan, marked = position.exit_plan, position.marked_at
    last = None if plan is None else plan.last_bar
    if last is None or last.session != session or marked is None:
        return position
    executed = position.last_executed_at
    return replace(
        position,
        marked_at=min(marked, closes_at),
        last_executed_at=None if executed is None else min(executed, closes_at),
    )


def store_restated(
    changed: Sequence[StoredNavMark],
    before: StoredNavMark,
    message: str,
    inputs: Mapping[str, object],
    work: UnitOfWork,
) -> None:
    """Write the marks and say so; `before` is the newest mark as it was.

    A drawdown of the past that is over by now alerts nobody.
    """
    work.nav_marks.put(changed)
    after = changed[-1] if changed else before
    event = account_event(
        "nav_restated",
        before.account_id,
        work.now,
        message,
        inputs=inputs,
        outputs={
            "marks": len(changed),
            "nav_before": before.state.nav,
            "nav_after": after.state.nav,
        },
    )
    work.events.append([event])
    if after.mark.at == before.mark.at:
        alert_crossings(before.state, [after], work)


def _sum(*values: Decimal | None) -> Decimal:
    return sum((value or ZERO for value in values), ZERO)
