"""Unit NAV of an account: money that comes or goes is never a return.

nav starts at 1; nav_t = nav_{t−1} · E_t(before flows at t) / E_{t−1}(after flows at t−1).
The peak and the deepest drawdown are carried in the value, so they survive whatever history is
thinned out. Equity ≤ 0 after a loss → nav 0, drawdown 1. An account without money has no return:
its nav carries over until money arrives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from domain.shared.decimals import EXACT, ONE, ZERO, divide

NAV_STEP = Decimal("1e-18")
# What the store holds; an account that grew from dust to fortunes says nothing beyond it.
NAV_MAX = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class UnitNav:
    """NAV after the last mark; `equity` is the account's equity after the flows of that mark."""

    equity: Decimal
    nav: Decimal = ONE
    high_water_mark: Decimal = ONE
    max_drawdown: Decimal = ZERO

    @property
    def drawdown(self) -> Decimal:
        """1 − nav / high-water mark: 0 at the peak, 1 when everything is lost."""
        return _drawdown(self.nav, self.high_water_mark)

    def marked(self, equity: Decimal) -> "UnitNav":
        """After valuing the account at `equity`, before any flow of that instant."""
        if self.equity <= 0:
            return replace(self, equity=equity)
        grown = min(divide(self.nav * max(equity, ZERO), self.equity), NAV_MAX)
        nav = grown.quantize(NAV_STEP, rounding=ROUND_HALF_EVEN, context=EXACT)
        peak = max(self.high_water_mark, nav)
        deepest = max(self.max_drawdown, _drawdown(nav, peak))
        return UnitNav(equity, nav, peak, deepest)

    def with_flow(self, amount: Decimal) -> "UnitNav":
        """After money came (+) or went (−): nav, peak and drawdown stay what they are."""
        return replace(self, equity=self.equity + amount)


@dataclass(frozen=True, slots=True)
class NavMark:
    """A valuation: equity before the flows of its instant, and their sum. Equity is null where a
    holding had no price: the nav carries over.
    """

    at: datetime
    equity: Decimal | None
    flow: Decimal = ZERO


def fold(start: UnitNav, marks: Iterable[NavMark]) -> list[UnitNav]:
    """NAV after each mark, in time order."""
    states = []
    for mark in marks:
        valued = start if mark.equity is None else start.marked(mark.equity)
        start = valued.with_flow(mark.flow)
        states.append(start)
    return states


def with_late_flow(marks: Sequence[NavMark], at: datetime, amount: Decimal) -> list[NavMark]:
    """The marks as they would be had the flow been known when it happened.

    It joins the newest mark at or before its time (the first mark, if it is older than all), and
    every later valuation contains the money. Marks are in time order and not empty.
    """
    joined = max((i for i, mark in enumerate(marks) if mark.at <= at), default=0)
    return [
        *marks[:joined],
        replace(marks[joined], flow=marks[joined].flow + amount),
        *(
            mark if mark.equity is None else replace(mark, equity=mark.equity + amount)
            for mark in marks[joined + 1 :]
        ),
    ]


def _drawdown(nav: Decimal, peak: Decimal) -> Decimal:
    below = ONE - divide(nav, peak)
    return below.quantize(NAV_STEP, rounding=ROUND_HALF_EVEN, context=EXACT)
