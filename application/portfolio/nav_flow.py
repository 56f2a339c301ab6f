"""What comes into an account or leaves it, and its NAV as it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.portfolio.views import ValuedAccount
from application.ports.report_repositories import StoredNavMark
from domain.risk.nav import UnitNav
from domain.shared.decimals import ZERO, cash


@dataclass(frozen=True, slots=True)
class SharesInKind:
    """Shares that arrive without being bought: a flow of what the account values them at, as soon
    as it can. What they once cost is no price.
    """

    position_id: str
    instrument: str
    qty: Decimal


@dataclass(frozen=True, slots=True)
class Flow:
    """What comes (+) or goes (−) at `at`, null for now."""

    amount: Decimal = ZERO
    at: datetime | None = None
    shares: SharesInKind | None = None


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
    arrived = arrivals_worth(last.pending, view)
    return NavNow(last.state.marked(view.equity - arrived).with_flow(arrived))


def arrivals_worth(pending: Sequence[tuple[str, Decimal]], view: ValuedAccount) -> Decimal:
    """What shares that arrived without a price are worth at the prices of the view."""
    prices = {m.position.id: m.price.value for m in view.marks if m.price is not None}
    known = (cash(qty * prices[held]) for held, qty in pending if held in prices)
    return sum(known, ZERO)
