"""The NAV of an account as it is valued, on from its last mark."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.portfolio.views import ValuedAccount
from application.ports.report_repositories import StoredNavMark
from domain.risk.nav import NavMark, UnitNav
from domain.shared.decimals import ZERO, cash


@dataclass(frozen=True, slots=True)
class NavNow:
    """The NAV at this moment, or why it is null."""

    state: UnitNav | None
    reason: str | None = None


def nav_after(last: StoredNavMark | None, view: ValuedAccount) -> NavNow:
    """NAV of an account as valued, on from its last mark."""
    if last is None:
        return NavNow(None, "not_recorded")
    if view.equity is None:
        return NavNow(None, "no_price")
    arrived = _worth(last.pending, view)
    return NavNow(last.state.marked(view.equity - arrived).with_flow(arrived))


def marked_as(last: StoredNavMark, view: ValuedAccount, at: datetime) -> StoredNavMark:
    """The next mark; without an equity the last one is carried, arrivals and all."""
    state = nav_after(last, view).state
    if state is None or view.equity is None:
        return StoredNavMark(last.account_id, NavMark(at, None), last.state, pending=last.pending)
    arrived = _worth(last.pending, view)
    return StoredNavMark(last.account_id, NavMark(at, view.equity - arrived, arrived), state)


def _worth(pending: Sequence[tuple[str, Decimal]], view: ValuedAccount) -> Decimal:
    """What shares that arrived without a price are worth at the prices of the view."""
    prices = {m.position.id: m.price.value for m in view.marks if m.price is not None}
    known = (cash(qty * prices[held]) for held, qty in pending if held in prices)
    return sum(known, ZERO)


def unpriced(view: ValuedAccount) -> tuple[tuple[str, Decimal], ...]:
    """Shares of the account whose price nobody knows, by position."""
    return tuple((m.position.id, m.position.qty) for m in view.marks if m.price is None)
