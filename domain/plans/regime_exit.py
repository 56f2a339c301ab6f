"""The regime-exit decision: one pure function for live updates, amended bars and backtests.

Within a bar: stop, targets, time, and only then new levels for the next bar. No bar fills at a
level that the same bar moved, and the stop of a long only rises.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.market.market_regime import SessionState
from domain.plans.plan import Action, PositionView
from domain.plans.price_bar import PriceBar
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.plans.regime_rules import ExitRules


@dataclass(frozen=True, slots=True)
class ExitMarket:
    """One update: the bar, the session's market, and what the calendar says.

    `state` null (unknown or stale) changes no regime. `sessions_held` counts sessions after the
    entry session up to the bar's. `today` is the newest session that has begun, null where no bar
    can be early (a backtest). `body_digest` identifies the caller's body; without it the bar and
    the state stand for it.
    """

    bar: PriceBar
    state: SessionState | None
    rules: ExitRules
    sessions_held: int
    today: date | None = None
    body_digest: str | None = None


@dataclass(frozen=True, slots=True)
class RegimeDecision:
    """Actions in the order they happened, and the plan to keep for the next update.

    `replayed`: the session has seen this body; there are no actions and the plan is unchanged.
    """

    actions: tuple[Action, ...]
    plan: RegimeExitPlan
    position_closed: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class ManualClose:
    """Sell a fraction (0, 1] of what is left, down to the lot, at `price`."""

    price: Decimal
    fraction: Decimal = Decimal(1)
    reason: str = "manual_close"


def decide(plan: RegimeExitPlan, view: PositionView, market: ExitMarket) -> RegimeDecision:
    """Judge one bar; the same inputs always give the same answer.

    Raises `BadInput` `bar_before_entry`, `bar_out_of_order`, `bar_in_future`; `Conflict`
    `position_closed` when nothing is left.
    """
    raise NotImplementedError


def close_by_hand(plan: RegimeExitPlan, view: PositionView, request: ManualClose) -> RegimeDecision:
    """A person's exit; `Invalid` `size_below_minimum` when the fraction holds no whole lot."""
    raise NotImplementedError
