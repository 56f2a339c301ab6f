"""How the change from the last session to this one scales the stops and targets of a plan.

Computed once per session from the market's state, stored with its reason, applied once. Without an
earlier session the factors are neutral.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from operator import mul

from domain.market.market_regime import SessionState
from domain.plans.regime_rules import ExitProfile
from domain.shared.decimals import ONE, plain

VIX_CHANGE_POINTS = Decimal(15)
BREADTH_DROP_POINTS = Decimal(-25)
BREADTH_SURGE_POINTS = Decimal(20)
BREADTH_COLLAPSE_POINTS = Decimal(-30)
EXPLOSION_VIX = Decimal(60)
EXPLOSION_CHANGE_POINTS = Decimal(20)
COLLAPSED_MOMENTUM = Decimal("0.1")
FACTOR_MIN = Decimal("0.5")
FACTOR_MAX = Decimal("1.5")


class AdjustmentCause(StrEnum):
    """Which change of the market scaled a plan."""

    VIX_JUMP = "vix_jump"
    VIX_DROP = "vix_drop"
    BREADTH_DROP = "breadth_drop"
    BREADTH_SURGE = "breadth_surge"
    MOMENTUM_DROP = "momentum_drop"
    MOMENTUM_SURGE = "momentum_surge"
    BREADTH_COLLAPSE = "breadth_collapse"
    VOLATILITY_EXPLOSION = "volatility_explosion"
    MOMENTUM_COLLAPSE = "momentum_collapse"


@dataclass(frozen=True, slots=True)
class AdjustmentStep:
    """One row that applied; a factor of 1 and an urgency of 1 change nothing.

    `trigger` says the measured change in words.
    """

    cause: AdjustmentCause
    trigger: str
    stop_factor: Decimal = ONE
    profit_factor: Decimal = ONE
    urgency: Decimal = ONE


@dataclass(frozen=True, slots=True)
class SessionAdjustment:
    """The product of all rows that applied in `session`; `emergency` is the one that did, if any.

    Both factors are unrounded. `urgency` > 1 shortens the hold, at entry only.
    """

    session: date
    stop_factor: Decimal = ONE
    profit_factor: Decimal = ONE
    urgency: Decimal = ONE
    steps: tuple[AdjustmentStep, ...] = ()
    emergency: AdjustmentStep | None = None
    has_history: bool = True

    @property
    def text(self) -> str:
        """The rows in words, empty when none applied."""
        return "; ".join(f"{step.cause}: {step.trigger}" for step in self.steps)

    @property
    def reason(self) -> str:
        """The rows in words, else `no_history` or `none`."""
        return self.text or ("none" if self.has_history else "no_history")


def session_adjustment(
    state: SessionState, profile: ExitProfile, *, with_emergencies: bool = True
) -> SessionAdjustment:
    """Product of the rows whose condition holds, plus the emergency with the smallest stop factor.

    `standard` holds both products in [0.5, 1.5], `legacy` does not. Urgency is the largest that
    applies. Without any change to an earlier session: neutral, `no_history`.
    """
    has_history = any(
        known is not None
        for known in (state.vix_change, state.t2108_change, state.momentum_previous)
    )
    if not has_history:
        return SessionAdjustment(state.session, has_history=False)
    emergency = worst_emergency(state) if with_emergencies else None
    steps = (
        *_vix_steps(state, profile),
        *_breadth_steps(state),
        *_momentum_steps(state),
        *((emergency,) if emergency else ()),
    )
    stop = reduce(mul, (step.stop_factor for step in steps), ONE)
    profit = reduce(mul, (step.profit_factor for step in steps), ONE)
    if profile is ExitProfile.STANDARD:
        stop, profit = _clamped(stop), _clamped(profit)
    urgency = max((step.urgency for step in steps), default=ONE)
    return SessionAdjustment(state.session, stop, profit, urgency, steps, emergency)


def worst_emergency(state: SessionState) -> AdjustmentStep | None:
    """Of the emergencies that hold, the one with the smallest stop factor; null when none does."""
    found = tuple(_emergencies(state))
    return min(found, key=lambda step: step.stop_factor) if found else None


def _clamped(factor: Decimal) -> Decimal:
    return min(FACTOR_MAX, max(FACTOR_MIN, factor))


def _vix_steps(state: SessionState, profile: ExitProfile) -> Iterator[AdjustmentStep]:
    change = state.vix_change
    if change is None or abs(change) <= VIX_CHANGE_POINTS:
        return
    is_jump = change > 0
    excess = abs(change) - VIX_CHANGE_POINTS
    sign = 1 if is_jump else -1
    if profile is ExitProfile.STANDARD:
        stop = 1 + sign * Decimal("0.02") * excess
        profit = 1 + sign * Decimal("0.01") * excess
    elif is_jump:
        stop = Decimal("1.2") + change * Decimal("0.02")
        profit = Decimal("1.1") + change * Decimal("0.01")
    else:
        stop = Decimal("0.9") + change * Decimal("0.01")
        profit = Decimal("0.95") + change * Decimal("0.005")
    cause = AdjustmentCause.VIX_JUMP if is_jump else AdjustmentCause.VIX_DROP
    yield AdjustmentStep(cause, f"VIX {_signed(change)} points", stop, profit)


def _breadth_steps(state: SessionState) -> Iterator[AdjustmentStep]:
    change = state.t2108_change
    if change is None:
        return
    trigger = f"T2108 {_signed(change)} points"
    if change < BREADTH_DROP_POINTS:
        cause = AdjustmentCause.BREADTH_DROP
        yield AdjustmentStep(cause, trigger, Decimal("0.7"), Decimal("0.8"), Decimal(2))
    elif change > BREADTH_SURGE_POINTS:
        cause = AdjustmentCause.BREADTH_SURGE
        yield AdjustmentStep(cause, trigger, profit_factor=Decimal("1.3"))


def _momentum_steps(state: SessionState) -> Iterator[AdjustmentStep]:
    now, previous = state.momentum_ratio, state.momentum_previous
    if now is None or previous is None or previous <= 0:
        return
    trigger = f"momentum {plain(previous)} to {plain(now)}"
    if now < Decimal("0.5") * previous:
        cause = AdjustmentCause.MOMENTUM_DROP
        yield AdjustmentStep(cause, trigger, stop_factor=Decimal("0.8"), urgency=Decimal("1.5"))
    elif now > 2 * previous:
        cause = AdjustmentCause.MOMENTUM_SURGE
        yield AdjustmentStep(cause, trigger, profit_factor=Decimal("1.2"))


def _emergencies(state: SessionState) -> Iterator[AdjustmentStep]:
    breadth, vix = state.t2108_change, state.vix_change
    now, previous = state.momentum_ratio, state.momentum_previous
    if breadth is not None and breadth < BREADTH_COLLAPSE_POINTS:
        cause, trigger = AdjustmentCause.BREADTH_COLLAPSE, f"T2108 {_signed(breadth)} points"
        yield AdjustmentStep(cause, trigger, Decimal("0.6"), Decimal("0.7"), Decimal(2))
    if vix is not None and state.vix > EXPLOSION_VIX and vix > EXPLOSION_CHANGE_POINTS:
        cause = AdjustmentCause.VOLATILITY_EXPLOSION
        trigger = f"VIX {_signed(vix)} points to {plain(state.vix)}"
        yield AdjustmentStep(cause, trigger, Decimal("1.5"), Decimal("1.4"))
    if now is None or previous is None:
        return
    if now < COLLAPSED_MOMENTUM and previous > ONE:
        cause = AdjustmentCause.MOMENTUM_COLLAPSE
        trigger = f"momentum {plain(previous)} to {plain(now)}"
        yield AdjustmentStep(cause, trigger, Decimal("0.5"), Decimal("0.6"), Decimal(3))


def _signed(change: Decimal) -> str:
    return f"{'+' if change > 0 else ''}{plain(change)}"
