"""The plan of a long whose stop and targets follow the market regime, as one frozen value.

It holds all that the next decision needs, so any driver that keeps the plan decides alike: live
updates, amended bars of a running session, intervals and a backtest bar by bar.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.market.market_regime import MarketRegime, SessionState
from domain.plans.exit_actions import ExitCause
from domain.plans.exit_levels import Target, TrueRangeSource
from domain.plans.price_bar import PriceBar
from domain.plans.regime_rules import ExitProfile, ExitRules
from domain.plans.session_adjustment import SessionAdjustment


class StopKind(StrEnum):
    """What put the stop where it is."""

    INITIAL = "initial"
    REGIME = "regime"
    BREAKEVEN = "breakeven"
    TRAILING = "trailing"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class StopLevel:
    """`active_from` is the session that set it: the first stop guards that session's own bars, a
    moved one the bars after the update that moved it.
    """

    price: Decimal
    kind: StopKind
    active_from: date


@dataclass(frozen=True, slots=True)
class RunningSession:
    """What one session has shown so far, and the levels that were active when it began.

    `bar` is merged from all its bodies; `bodies` are digests of the newest ones, oldest first;
    `is_adjusted` once a regime adjustment was made in it.
    """

    bar: PriceBar
    stop: Decimal
    target_prices: tuple[Decimal, ...]
    sessions_held: int
    bodies: tuple[str, ...] = ()
    is_adjusted: bool = False


@dataclass(frozen=True, slots=True)
class EntryTerms:
    """What a plan is opened with; `quantity` may follow later, because sizing needs the stop.

    `lot` is the smallest tradable quantity, `price_step` the tick.
    """

    entry_price: Decimal
    session: date
    state: SessionState
    true_range: Decimal
    true_range_source: TrueRangeSource
    price_step: Decimal
    lot: Decimal
    rules: ExitRules
    quantity: Decimal | None = None
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RegimeExitPlan:
    """Stop, targets and time of one long trade; prices per share, `initial_qty` null until sized.

    `high_water` guides the trailing stop and falls with dividends; `highest_price` and
    `lowest_price` since entry measure excursions and do not. `levels_since` is the entry session or
    the last ex-date: bars before it are in other prices. `closed_by` is set once nothing is left.
    """

    profile: ExitProfile
    entry_price: Decimal
    entry_session: date
    regime_at_entry: MarketRegime
    current_regime: MarketRegime
    vix_at_entry: Decimal
    true_range: Decimal
    true_range_source: TrueRangeSource
    stop: StopLevel
    targets: tuple[Target, ...]
    expected_hold_days: int
    price_step: Decimal
    lot: Decimal
    high_water: Decimal
    highest_price: Decimal
    lowest_price: Decimal
    levels_since: date
    trailing: bool = True
    time_exit_sessions: int | None = None
    adjustments: tuple[SessionAdjustment, ...] = ()
    initial_qty: Decimal | None = None
    opened_at: datetime | None = None
    running: RunningSession | None = None
    closed_by: ExitCause | None = None

    @property
    def last_bar(self) -> PriceBar | None:
        """The newest session's bar so far."""
        return None if self.running is None else self.running.bar


def open_regime_exit(terms: EntryTerms) -> RegimeExitPlan:
    """Entry levels from the session's regime and adjustment.

    Raises `Invalid` `invalid_plan` when a term is out of range.
    """
    raise NotImplementedError


def sized(plan: RegimeExitPlan, quantity: Decimal) -> RegimeExitPlan:
    """The plan with its first quantity; `Invalid` `invalid_plan` unless whole lots above zero."""
    raise NotImplementedError


def shifted_by_dividend(plan: RegimeExitPlan, dps: Decimal, ex_date: date) -> RegimeExitPlan:
    """Stop, targets and high water minus the gross `dps`, never under one tick."""
    raise NotImplementedError


def rescaled_by_split(plan: RegimeExitPlan, ratio: Decimal, ex_date: date) -> RegimeExitPlan:
    """Prices ÷ ratio, quantities × ratio; the stop goes down to its tick, targets up to theirs."""
    raise NotImplementedError
