"""The balancing decision: one pure function for manual and automatic runs, live, paper, backtest.

Basis, trigger around the anchor, raw size, clipping, blocks, in this order. The anchor never moves
here: a completed order, a dividend, a split or a person moves it.
"""

from dataclasses import dataclass
from decimal import Decimal

from domain.plans.balancing_plan import BalancingPlan, BelowMinimum, Sizing, TradingHours
from domain.plans.band_rule import buy_to_fraction_qty, sell_to_fraction_qty
from domain.plans.clipping import ClippedTrade, WishedTrade, clip, effective_step
from domain.plans.plan import (
    Action,
    DecisionAction,
    Hold,
    MarketView,
    Note,
    NoteCode,
    PositionView,
    Propose,
    ReasonCode,
    SessionPhase,
    Trim,
)
from domain.shared.decimals import divide
from domain.shared.side import Side

ANCHOR_CHANGE_MAX = Decimal("0.50")
REBALANCE_QTY_MIN = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class SizedProposal:
    """A trade the plan wants. Quantities are magnitudes; any rejection makes it invalid."""

    side: Side
    reason_code: ReasonCode
    raw_qty: Decimal
    qty: Decimal
    trimming: tuple[Trim, ...]
    rejections: tuple[ReasonCode, ...]

    @property
    def is_valid(self) -> bool:
        """Whether nothing blocks it."""
        return not self.rejections


@dataclass(frozen=True, slots=True)
class BalancingDecision:
    """What the plan decided and from what: `change` = P/A − 1, `stock_fraction` before any trade.

    `trigger` is the side of the crossed threshold, null when none was. Fractions are unrounded.
    """

    action: DecisionAction
    reason_code: ReasonCode
    change: Decimal | None = None
    stock_fraction: Decimal | None = None
    trigger: Side | None = None
    proposal: SizedProposal | None = None
    notes: tuple[Note, ...] = ()

    @property
    def actions(self) -> list[Action]:
        """The decision as plan actions: a proposal or a hold, then its notes."""
        wanted = self.proposal
        if wanted is None or not wanted.is_valid:
            return [Hold(self.reason_code), *self.notes]
        proposed = Propose(wanted.side, wanted.qty, wanted.reason_code, wanted.trimming)
        return [proposed, *self.notes]


def decide(plan: BalancingPlan, view: PositionView, market: MarketView) -> BalancingDecision:
    """Next action of a cell; the same inputs always give the same answer.

    HOLD without a basis (no price, stale price, no anchor, anomalous anchor) or without a trigger;
    SKIP when a trigger or band breach is blocked, with every rejection; else BUY or SELL.
    """
    price = market.price.value if market.price else None
    stock_fraction = view.stock_fraction_at(price) if price is not None else None
    missing = _missing_basis(view, market)
    if price is None or view.anchor_price is None or missing is not None:
        return _without_basis(missing or ReasonCode.NO_PRICE, view, price, stock_fraction)
    anchor = view.anchor_price
    change = divide(price, anchor) - 1
    trigger = triggered_side(plan, anchor, price)
    wish, reason = _wish(plan, view, price, anchor, trigger)
    if wish is None:
        return BalancingDecision(DecisionAction.HOLD, reason, change, stock_fraction, trigger)
    clipped = clip(wish, plan, view)
    rejections = _rejections(plan, view, market, clipped)
    proposal = SizedProposal(wish.side, reason, wish.qty, clipped.qty, clipped.trimming, rejections)
    return BalancingDecision(
        DecisionAction.SKIP if rejections else DecisionAction(wish.side.value),
        rejections[0] if rejections else reason,
        change,
        stock_fraction,
        trigger,
        proposal,
        _minimum_notes(plan, proposal),
    )


def triggered_side(plan: BalancingPlan, anchor: Decimal, price: Decimal) -> Side | None:
    """SELL if `P ≥ A(1 + up)`, BUY if `P ≤ A(1 − down)`, exact and inclusive; else null."""
    if price >= anchor * (1 + plan.up_threshold):
        return Side.SELL
    if price <= anchor * (1 - plan.down_threshold):
        return Side.BUY
    return None


def raw_qty(plan: BalancingPlan, view: PositionView, anchor: Decimal, price: Decimal) -> Decimal:
    """Signed size before limits, positive = buy.

    `proportional`: `(A/P − 1)·r·V/P`; `fixed_fraction`: `C·r/P` below the anchor, `−Q·r` above it.
    """
    ratio = plan.rebalance_ratio
    if plan.sizing is Sizing.PROPORTIONAL:
        return divide((anchor - price) * ratio * view.equity_at(price), price * price)
    if price < anchor:
        return divide(view.effective_cash * ratio, price)
    return -view.qty * ratio


def _missing_basis(view: PositionView, market: MarketView) -> ReasonCode | None:
    price = market.price
    if price is None:
        return ReasonCode.NO_PRICE
    if market.max_price_age_s is not None and price.age_s > market.max_price_age_s:
        return ReasonCode.STALE_PRICE
    if view.anchor_price is None:
        return ReasonCode.NO_ANCHOR
    if abs(price.value - view.anchor_price) > ANCHOR_CHANGE_MAX * view.anchor_price:
        return ReasonCode.ANCHOR_ANOMALY
    return None


def _without_basis(
    reason: ReasonCode,
    view: PositionView,
    price: Decimal | None,
    stock_fraction: Decimal | None,
) -> BalancingDecision:
    anchor = view.anchor_price
    change = divide(price, anchor) - 1 if price is not None and anchor is not None else None
    notes: tuple[Note, ...] = ()
    if reason is ReasonCode.ANCHOR_ANOMALY:
        notes = (Note(NoteCode.ANCHOR_ANOMALY, {"price": price, "anchor_price": anchor}),)
    return BalancingDecision(
        DecisionAction.HOLD, reason, change=change, stock_fraction=stock_fraction, notes=notes
    )


def _wish(
    plan: BalancingPlan,
    view: PositionView,
    price: Decimal,
    anchor: Decimal,
    trigger: Side | None,
) -> tuple[WishedTrade | None, ReasonCode]:
    if trigger is None:
        rebalance = _rebalance(plan, view, price) if plan.auto_rebalance else None
        if rebalance is None:
            return None, ReasonCode.WITHIN_THRESHOLDS
        return rebalance, ReasonCode.AUTO_GUARDRAIL_REBALANCE
    signed = raw_qty(plan, view, anchor, price)
    magnitude = signed if trigger is Side.BUY else -signed
    if magnitude < 0:
        return None, ReasonCode.SIGN_MISMATCH
    return WishedTrade(trigger, magnitude, price), ReasonCode.THRESHOLD_CROSSED


def _rebalance(plan: BalancingPlan, view: PositionView, price: Decimal) -> WishedTrade | None:
    equity = view.equity_at(price)
    held_value = view.qty * price
    band, rate = plan.band, plan.commission_rate
    if held_value < band.min * equity:
        side = Side.BUY
        qty = buy_to_fraction_qty(equity, view.qty, price, band.min, rate)
    elif held_value > band.max * equity:
        side = Side.SELL
        qty = sell_to_fraction_qty(equity, view.qty, price, band.max, rate)
    else:
        return None
    # A bound closer than one step cannot be reached; proposing nothing is not a breach.
    if qty <= REBALANCE_QTY_MIN or qty < effective_step(plan, view):
        return None
    return WishedTrade(side, qty, price, is_rebalance=True)


def _rejections(
    plan: BalancingPlan, view: PositionView, market: MarketView, clipped: ClippedTrade
) -> tuple[ReasonCode, ...]:
    blocks = (
        (market.has_pending_order, ReasonCode.PENDING_ORDER),
        (view.is_paused, ReasonCode.PAUSED),
        (market.orders_today >= plan.max_orders_per_day, ReasonCode.DAILY_CAP_REACHED),
        (clipped.is_below_minimum, ReasonCode.BELOW_MINIMUM),
        (
            market.is_automatic and not _is_trading_time(plan.hours, market.phase),
            ReasonCode.MARKET_CLOSED,
        ),
    )
    return tuple(code for is_blocked, code in blocks if is_blocked)


def _is_trading_time(hours: TradingHours, phase: SessionPhase | None) -> bool:
    if hours is TradingHours.EXTENDED:
        return phase in (SessionPhase.PRE, SessionPhase.REGULAR, SessionPhase.POST)
    return phase is SessionPhase.REGULAR


def _minimum_notes(plan: BalancingPlan, proposal: SizedProposal) -> tuple[Note, ...]:
    is_refused = ReasonCode.BELOW_MINIMUM in proposal.rejections
    if not is_refused or plan.order_policy.action_below_min is not BelowMinimum.REJECT:
        return ()
    policy = plan.order_policy
    data = {
        "side": proposal.side.value,
        "qty": proposal.qty,
        "min_qty": policy.min_qty,
        "min_notional": policy.min_notional,
    }
    return (Note(NoteCode.ORDER_REJECTED_MIN, data),)
