"""Recorded NAV put right: a flow, a bar or a fill that was reported after the marks it belongs
before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

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


@dataclass(frozen=True, slots=True)
class BarEffect(Change):
    """What a bar made of a position, and the session the bar belongs to."""

    time: BarTime


class Repricing:
    """What a late bar or fill adds to the equity of marks that were made without it.

    Each mark since then gains the difference of the instrument's value after and before, at the
    prices of its own instant, and the cash of the fills. `told_in_time` gives a position the times
    at which its prices would have been told.
    """

    def __init__(
        self,
        change: Change,
        since: datetime,
        prices: Prices,
        told_in_time: Callable[[Position], Position] = lambda position: position,
    ) -> None:
        self._change = change
        self._prices = prices
        self._told_in_time = told_in_time
        self.since = since

    @classmethod
    def of_bar(cls, effect: BarEffect, closed_at: datetime, prices: Prices) -> "Repricing":
        """A bar of a session that was recorded without it."""
        since = max(closed_at, effect.before.last_executed_at or closed_at)
        session = effect.time.session
        return cls(effect, since, prices, lambda one: at_close(one, session, closed_at))

    def gain(self, held: Sequence[Position], at: datetime) -> Decimal | None:
        """Null where a price is unknown. `held` is the account after the change."""
        change, told_in_time = self._change, self._told_in_time
        others = [
            p for p in held if p.instrument == change.after.instrument and p.id != change.after.id
        ]
        before = self._value([*others, told_in_time(change.before)], at)
        after = self._value([*others, told_in_time(change.after)], at)
        earned = change.cash_gain
        return None if None in (before, after, earned) else _sum(after, earned) - _sum(before)

    def _value(self, positions: Sequence[Position], at: datetime) -> Decimal | None:
        values = [mark.value for mark in marks_of(positions, self._prices, at)]
        return None if None in values else _sum(*values)


def restate(
    last: StoredNavMark,
    repricing: Repricing,
    message: str,
    inputs: Mapping[str, object],
    work: UnitOfWork,
    freshen: Callable[[Sequence[Position]], Freshen] = lambda _held: lambda one: one.is_stale,
) -> None:
    """Store the account's marks with what was reported late; nothing when none changes."""
    held = work.positions.held_in(last.account_id)
    stored = work.nav_marks.history(last.account_id)
    changed = repriced(stored, held, repricing, freshen(held))
    if changed:
        store_restated(changed, last, message, inputs, work)


def repriced(
    stored: Sequence[StoredNavMark],
    held: Sequence[Position],
    repricing: Repricing,
    freshen: Freshen,
) -> list[StoredNavMark]:
    """The marks that change, with what was reported late; `freshen`: whether one is still stale."""
    first = next(i for i, one in enumerate(stored) if one.mark.at >= repricing.since)
    late = []
    for one in stored[first:]:
        gain = None if one.mark.equity is None else repricing.gain(held, one.mark.at)
        mark = one.mark
        if mark.equity is not None and gain is not None:
            mark = replace(mark, equity=mark.equity + gain)
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
    """Write the marks and say so; `before` is the newest mark as it was."""
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


def _sum(*values: Decimal | None) -> Decimal:
    return sum((value or ZERO for value in values), ZERO)
