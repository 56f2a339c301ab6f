"""The sentence under every decision, in numbers a person can check against the row beside it."""

from decimal import ROUND_HALF_EVEN, Decimal

from domain.plans.balancing import ANCHOR_CHANGE_MAX, BalancingDecision
from domain.plans.balancing_plan import BalancingPlan
from domain.plans.plan import MarketView, PositionView, PriceView, ReasonCode
from domain.shared.decimals import plain
from domain.shared.side import Side

_BLOCKED = {
    ReasonCode.PENDING_ORDER: "an earlier order of this position is still open",
    ReasonCode.PAUSED: "the position is paused",
    ReasonCode.DAILY_CAP_REACHED: "the daily order cap is reached",
    ReasonCode.BELOW_MINIMUM: "what the limits leave is below the order minimum",
    ReasonCode.MARKET_CLOSED: "the market is outside the plan's hours",
}
_PLACES_MIN, _PLACES_MAX = 2, 8

NO_PLAN_SENTENCE = "No plan governs this position."


def explain(
    plan: BalancingPlan, view: PositionView, market: MarketView, decision: BalancingDecision
) -> str:
    """Why the decision came out so: "97 is 3.00 % below anchor 100; down threshold 3.00 %."."""
    price = market.price
    if price is None:
        return f"No price is known for {view.instrument}."
    if decision.reason_code is ReasonCode.STALE_PRICE:
        allowed = plain(market.max_price_age_s or Decimal(0))
        return f"The price is {plain(price.age_s)} s old; at most {allowed} s is allowed."
    if view.anchor_price is None:
        return "No anchor price is set."
    return _judged(plan, view.anchor_price, price, decision)


def _judged(
    plan: BalancingPlan, anchor: Decimal, price: PriceView, decision: BalancingDecision
) -> str:
    change = decision.change or Decimal(0)
    if decision.reason_code is ReasonCode.ANCHOR_ANOMALY:
        limit = _percent(ANCHOR_CHANGE_MAX, _PLACES_MIN)
        return (
            f"{_distance(price.value, anchor, change, _PLACES_MIN)}; beyond {limit} the anchor "
            "must be confirmed or a split applied."
        )
    proposal = decision.proposal
    if proposal is not None and decision.trigger is None:
        sentence = _breach(plan, proposal.side, decision.stock_fraction or Decimal(0))
    else:
        sentence = _threshold(plan, anchor, price.value, change, decision.trigger)
    if decision.reason_code is ReasonCode.SIGN_MISMATCH:
        return f"{sentence} The size rule points the other way; nothing is proposed."
    if proposal is not None and proposal.rejections:
        phrases = "; ".join(_BLOCKED[code] for code in proposal.rejections)
        return f"{sentence} Blocked: {phrases}."
    return sentence


def _threshold(
    plan: BalancingPlan, anchor: Decimal, price: Decimal, change: Decimal, trigger: Side | None
) -> str:
    if change == 0:
        up, down = (_percent(t, _PLACES_MIN) for t in (plan.up_threshold, plan.down_threshold))
        return f"{plain(price)} is at anchor {plain(anchor)}; thresholds up {up}, down {down}."
    name, threshold = ("up", plan.up_threshold) if change > 0 else ("down", plan.down_threshold)
    places = _telling_places(abs(change), threshold)
    distance = _distance(price, anchor, change, places)
    outcome = "" if trigger is not None else " not reached"
    return f"{distance}; {name} threshold {_percent(threshold, places)}{outcome}."


def _breach(plan: BalancingPlan, side: Side, stock_fraction: Decimal) -> str:
    bound = plan.band.min if side is Side.BUY else plan.band.max
    relation, name = ("below", "minimum") if side is Side.BUY else ("above", "maximum")
    places = _telling_places(stock_fraction, bound)
    share, limit = _percent(stock_fraction, places), _percent(bound, places)
    return f"Stock is {share} of equity, {relation} the band's {name} {limit}."


def _distance(price: Decimal, anchor: Decimal, change: Decimal, places: int) -> str:
    relation = "above" if change > 0 else "below"
    return f"{plain(price)} is {_percent(abs(change), places)} {relation} anchor {plain(anchor)}"


def _telling_places(value: Decimal, limit: Decimal) -> int:
    """Fewest decimals at which two different percentages also read differently."""
    for places in range(_PLACES_MIN, _PLACES_MAX):
        if value == limit or _percent(value, places) != _percent(limit, places):
            return places
    return _PLACES_MAX


def _percent(value: Decimal, places: int) -> str:
    rounded = (value * 100).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return f"{rounded:f} %"
