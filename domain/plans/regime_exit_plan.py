"""The plan of a long whose stop and targets follow the market regime, as one frozen value.

It holds all that the next decision needs, so any driver that keeps the plan decides alike: live
updates, amended bars of a running session, intervals and a backtest bar by bar.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.market.market_regime import MarketRegime, SessionState
from domain.plans.exit_actions import ExitCause
from domain.plans.exit_levels import (
    LevelBasis,
    Target,
    TargetStatus,
    TrueRangeSource,
    entry_stop,
    entry_targets,
)
from domain.plans.price_bar import PriceBar
from domain.plans.regime_rules import ExitProfile, ExitRules, rule_for
from domain.plans.session_adjustment import SessionAdjustment, session_adjustment
from domain.shared.decimals import ZERO, divide, plain, quantity_to_step
from domain.shared.errors import FieldFault, Invalid


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

    `bar` is merged from all its bodies; `bodies` holds the digest of the newest one, and
    nothing once its answer is out of date; `is_adjusted` once a regime adjustment was made in it.
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
    the last ex-date: bars before it are in other prices. `dividends_per_share` is the gross amount
    by which dividends lowered the levels. `closed_by` is set once nothing is left. `size_fraction`
    of equity and `initial_risk` in money are what the entry was sized to; `entry_fee` is what it
    cost.
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
    dividends_per_share: Decimal = ZERO
    running: RunningSession | None = None
    closed_by: ExitCause | None = None
    size_fraction: Decimal | None = None
    initial_risk: Decimal | None = None
    entry_fee: Decimal = ZERO

    @property
    def last_bar(self) -> PriceBar | None:
        """The newest session's bar so far."""
        return None if self.running is None else self.running.bar

    @property
    def hold_limit_sessions(self) -> int:
        """Sessions after the entry until the time exit: the plan's own limit, else the regime's."""
        return self.time_exit_sessions or self.expected_hold_days

    @property
    def levels_passed(self) -> int:
        """Number of the highest target level that was reached; 0 while none was."""
        passed = (t.merged_through for t in self.targets if t.status is not TargetStatus.PENDING)
        return max(passed, default=0)

    @property
    def pending_targets(self) -> tuple[Target, ...]:
        """Targets not yet reached, nearest first."""
        return tuple(t for t in self.targets if t.status is TargetStatus.PENDING)

    @property
    def max_profit(self) -> Decimal:
        """Best excursion since entry: `max(0, highest / entry − 1)`, unrounded."""
        return max(ZERO, divide(self.highest_price, self.entry_price) - 1)

    @property
    def max_loss(self) -> Decimal:
        """Worst excursion since entry: `min(0, lowest / entry − 1)`, unrounded."""
        return min(ZERO, divide(self.lowest_price, self.entry_price) - 1)


def unanswered(plan: RegimeExitPlan) -> RegimeExitPlan:
    """The plan after something else than a bar changed the trade: what the newest bar was answered
    no longer holds, so the same body is judged again.
    """
    if plan.running is None:
        return plan
    return replace(plan, running=replace(plan.running, bodies=()))


def open_regime_exit(terms: EntryTerms) -> RegimeExitPlan:
    """Entry levels from the session's regime and adjustment; hold `max(1, floor(hold / urgency))`.

    Raises `Invalid` `invalid_plan` when a term is out of range.
    """
    _require_terms(terms)
    state, rules = terms.state, terms.rules
    adjustment = session_adjustment(
        state, rules.profile, with_emergencies=rules.emergency_protocols
    )
    basis = LevelBasis(
        entry_price=terms.entry_price,
        true_range=terms.true_range,
        regime=state.regime,
        adjustment=adjustment,
        price_step=terms.price_step,
        rules=rules,
        t2108=state.t2108,
    )
    hold = rule_for(rules.profile, state.regime).hold_sessions
    plan = RegimeExitPlan(
        profile=rules.profile,
        entry_price=terms.entry_price,
        entry_session=terms.session,
        regime_at_entry=state.regime,
        current_regime=state.regime,
        vix_at_entry=state.vix,
        true_range=terms.true_range,
        true_range_source=terms.true_range_source,
        stop=StopLevel(entry_stop(basis), StopKind.INITIAL, terms.session),
        targets=entry_targets(basis),
        expected_hold_days=max(1, int(divide(Decimal(hold), adjustment.urgency))),
        price_step=terms.price_step,
        lot=terms.lot,
        high_water=terms.entry_price,
        highest_price=terms.entry_price,
        lowest_price=terms.entry_price,
        levels_since=terms.session,
        trailing=rules.trailing,
        time_exit_sessions=rules.time_exit_sessions,
        adjustments=(adjustment,),
        opened_at=terms.opened_at,
    )
    return plan if terms.quantity is None else sized(plan, terms.quantity)


def sized(plan: RegimeExitPlan, quantity: Decimal) -> RegimeExitPlan:
    """The plan with its first quantity; `Invalid` `invalid_plan` unless whole lots above zero."""
    is_whole = quantity.is_finite() and quantity_to_step(quantity, plan.lot) == quantity
    if not is_whole or quantity <= 0:
        raise _invalid("quantity", f"above zero, in lots of {plain(plan.lot)}")
    return replace(plan, initial_qty=quantity)


def _require_terms(terms: EntryTerms) -> None:
    prices = (
        ("entry_price", terms.entry_price),
        ("true_range", terms.true_range),
        ("price_step", terms.price_step),
        ("lot", terms.lot),
    )
    for name, value in prices:
        if not (value.is_finite() and value > 0):
            raise _invalid(name, "finite and above zero")
    if terms.entry_price <= terms.price_step:
        raise _invalid("entry_price", f"above one tick of {plain(terms.price_step)}")


def _invalid(name: str, message: str) -> Invalid:
    fault = FieldFault(f"/{name}", "out_of_range", message)
    return Invalid("invalid_plan", f"{name}: {message}.", errors=(fault,))
