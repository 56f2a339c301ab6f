"""The regime-exit decision: one pure function for live updates, amended bars and backtests.

Within a bar: stop, targets, time, and only then new levels for the next bar. No bar fills at a
level that the same bar moved, and the stop of a long only rises.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256

from domain.market.market_regime import SessionState
from domain.plans.bar_exits import BarLevels, JudgedBar, Sale, exit_of, exits_of_bar
from domain.plans.exit_actions import ExitCause
from domain.plans.level_moves import adjusted_to_market, trailed
from domain.plans.plan import Action, PositionView
from domain.plans.price_bar import BarBounds, PriceBar, require_in_bounds
from domain.plans.regime_exit_plan import RegimeExitPlan, RunningSession, unanswered
from domain.plans.regime_rules import ExitRules
from domain.shared.decimals import ONE, ZERO, plain, quantity_to_step
from domain.shared.errors import Conflict, Defect, FieldFault, Invalid

DIGEST_LENGTH = 16


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

    `replayed`: the session's newest body came again; no actions, and the plan is unchanged.
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

    The newest body of the session sent again is a replay; another body of the same session amends
    its running bar and is judged with the levels of the session's begin; an interval bar is judged
    alone, with the levels of now. Raises `BadInput` `bar_before_entry`, `bar_out_of_order`,
    `bar_in_future`; `Conflict` `position_closed` when nothing is left.
    """
    digest = market.body_digest or body_digest(market.bar, market.state)
    if _is_replay(plan, market.bar, digest):
        is_closed = plan.closed_by is not None
        return RegimeDecision((), plan, position_closed=is_closed, replayed=True)
    _require_open(plan, view)
    bounds = BarBounds(
        entry_session=plan.entry_session,
        prices_since=plan.levels_since,
        opened_at=plan.opened_at,
        last=plan.last_bar,
        today=market.today,
    )
    require_in_bounds(market.bar, bounds)
    judged = _judged_bar(plan, market)
    begun = _with_bar(plan, market, digest)
    after, exits = exits_of_bar(begun, view.qty, judged)
    if after.closed_by is not None:
        return RegimeDecision(exits, after, position_closed=True)
    after, adjusted = adjusted_to_market(after, judged.bar, market.state, market.rules)
    after, moved = trailed(after, judged.bar, market.rules)
    return RegimeDecision((*exits, *adjusted, *moved), after)


def close_by_hand(plan: RegimeExitPlan, view: PositionView, request: ManualClose) -> RegimeDecision:
    """A person's exit of a fraction of what is left.

    Raises `Invalid` `size_below_minimum` when the fraction holds no whole lot, `invalid_plan` when
    a term is out of range; `Conflict` `position_closed` when nothing is left.
    """
    _require_open(plan, view)
    if not (request.price.is_finite() and request.price > 0):
        raise _invalid("price", "finite and above zero")
    if not (request.fraction.is_finite() and ZERO < request.fraction <= ONE):
        raise _invalid("fraction", "above 0 and at most 1")
    is_all = request.fraction == ONE
    qty = view.qty if is_all else quantity_to_step(view.qty * request.fraction, plan.lot)
    if qty == 0:
        message = "The fraction holds no whole lot."
        raise Invalid("size_below_minimum", message, context={"lot": plan.lot})
    sale = Sale(qty, request.price, ExitCause.MANUAL_CLOSE, request.reason)
    exit_ = exit_of(plan, view.qty, sale)
    is_closed = exit_.remaining_qty == 0
    after = unanswered(plan)
    if is_closed:
        after = replace(after, closed_by=ExitCause.MANUAL_CLOSE)
    return RegimeDecision((exit_,), after, position_closed=is_closed)


def body_digest(bar: PriceBar, state: SessionState | None) -> str:
    """Short fingerprint of a bar and the market it came with, equal for equal numbers."""
    numbers = [bar.open, bar.high, bar.low, bar.close]
    if state is not None:
        numbers += [state.vix, state.t2108, state.momentum_ratio, state.vix_change]
        numbers += [state.t2108_change, state.momentum_previous]
    texts = ["" if number is None else plain(number) for number in numbers]
    facts = (bar.is_final, bar.is_interval, bar.as_of, state and (state.session, state.regime))
    return sha256("|".join((*texts, *map(str, facts))).encode()).hexdigest()[:DIGEST_LENGTH]


def _is_replay(plan: RegimeExitPlan, bar: PriceBar, digest: str) -> bool:
    running = plan.running
    if running is None or running.bar.session != bar.session:
        return False
    # A price that returns is news: only the newest body can be the same request again.
    return running.bodies[-1:] == (digest,)


def _require_open(plan: RegimeExitPlan, view: PositionView) -> None:
    if plan.closed_by is not None or view.qty <= 0:
        raise Conflict("position_closed", "The position is closed.")
    if plan.initial_qty is None:
        raise Defect("plan_not_sized", "The plan has no quantity yet.")


def _judged_bar(plan: RegimeExitPlan, market: ExitMarket) -> JudgedBar:
    bar, running = market.bar, plan.running
    is_amending = running is not None and running.bar.session == bar.session
    is_entry_session = bar.session == plan.entry_session
    if running is not None and is_amending and not bar.is_interval:
        whole = running.bar.amended_by(bar)
        levels = BarLevels(running.stop, running.target_prices, market.sessions_held)
        return JudgedBar(whole, levels, is_since_entry=is_entry_session)
    prices = tuple(target.price for target in plan.targets)
    levels = BarLevels(plan.stop.price, prices, market.sessions_held)
    is_first_of_entry = is_entry_session and not is_amending
    return JudgedBar(bar, levels, is_since_entry=is_first_of_entry)


def _with_bar(plan: RegimeExitPlan, market: ExitMarket, digest: str) -> RegimeExitPlan:
    bar, running = market.bar, plan.running
    if running is not None and running.bar.session == bar.session:
        running = replace(
            running,
            bar=running.bar.amended_by(bar),
            bodies=(digest,),
            sessions_held=market.sessions_held,
        )
    else:
        running = RunningSession(
            bar=bar,
            stop=plan.stop.price,
            target_prices=tuple(target.price for target in plan.targets),
            sessions_held=market.sessions_held,
            bodies=(digest,),
        )
    return replace(
        plan,
        running=running,
        high_water=max(plan.high_water, bar.high),
        highest_price=max(plan.highest_price, bar.high),
        lowest_price=min(plan.lowest_price, bar.low),
    )


def _invalid(name: str, message: str) -> Invalid:
    fault = FieldFault(f"/{name}", "out_of_range", message)
    return Invalid("invalid_plan", f"{name}: {message}.", errors=(fault,))
