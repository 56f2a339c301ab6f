"""Plans in requests and answers, and the merge patch of one."""

from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt, ValidationError

from app.api.wire import AnswerModel, Exact, Number, RequestModel
from domain.plans.balancing_plan import (
    BalancingPlan,
    Band,
    BelowMinimum,
    OrderPolicy,
    PlanMode,
    Sizing,
    TradingHours,
)
from domain.shared.errors import FieldFault, Invalid


class BandIn(RequestModel):
    """Allowed share of stock in equity, fractions."""

    min: Exact = Band().min
    max: Exact = Band().max


class OrderPolicyIn(RequestModel):
    """Smallest sensible automatic proposal."""

    min_qty: Exact = OrderPolicy().min_qty
    min_notional: Exact = OrderPolicy().min_notional
    qty_step: Exact = OrderPolicy().qty_step
    action_below_min: BelowMinimum = OrderPolicy().action_below_min


_D = BalancingPlan()


class BalancingPlanIn(RequestModel):
    """Settings of a cell; every number is a fraction (0.03 is 3 %)."""

    kind: Literal["balancing"] = "balancing"
    up_threshold: Exact = _D.up_threshold
    down_threshold: Exact = _D.down_threshold
    sizing: Sizing = _D.sizing
    rebalance_ratio: Exact = _D.rebalance_ratio
    band: BandIn = Field(default_factory=BandIn)
    max_trade_fraction: Exact = _D.max_trade_fraction
    max_orders_per_day: StrictInt = _D.max_orders_per_day
    order_policy: OrderPolicyIn = Field(default_factory=OrderPolicyIn)
    commission_rate: Exact = _D.commission_rate
    hours: TradingHours = _D.hours
    auto_rebalance: StrictBool = _D.auto_rebalance
    mode: PlanMode = _D.mode

    def to_plan(self) -> BalancingPlan:
        """The validated plan; Invalid `invalid_plan` with pointers."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        fields.pop("kind")
        band, policy = fields.pop("band"), fields.pop("order_policy")
        return BalancingPlan(
            **fields,
            band=Band(band.min, band.max),
            order_policy=OrderPolicy(
                policy.min_qty, policy.min_notional, policy.qty_step, policy.action_below_min
            ),
        )


class BandOut(AnswerModel):
    """The band, fractions."""

    min: Number
    max: Number


class OrderPolicyOut(AnswerModel):
    """Minimums of automatic proposals."""

    min_qty: Number
    min_notional: Number
    qty_step: Number
    action_below_min: BelowMinimum


class BalancingPlanOut(AnswerModel):
    """Settings of a cell as stored; thresholds are positive magnitudes."""

    kind: Literal["balancing"] = "balancing"
    up_threshold: Number
    down_threshold: Number
    sizing: Sizing
    rebalance_ratio: Number
    band: BandOut
    max_trade_fraction: Number
    max_orders_per_day: int
    order_policy: OrderPolicyOut
    commission_rate: Number
    hours: TradingHours
    auto_rebalance: bool
    mode: PlanMode


class PlanChangeIn(RequestModel):
    """New plan settings; fields left out keep their value, `plan: null` removes the plan."""

    plan: dict[str, Any] | None = Field(examples=[{"up_threshold": 0.05}])


def merged_plan(current: BalancingPlan | None, change: PlanChangeIn) -> BalancingPlan | None:
    """Merge patch of a plan: named fields replace, null resets one to its default, a null plan
    removes it; Invalid with pointers."""
    if change.plan is None:
        return None
    known: dict[str, Any] = {} if current is None else asdict(current)
    merged = {**known, **change.plan}
    for nested in ("band", "order_policy"):
        if isinstance(change.plan.get(nested), dict) and nested in known:
            merged[nested] = _without_nulls({**known[nested], **change.plan[nested]})
    try:
        return BalancingPlanIn.model_validate(_without_nulls(merged)).to_plan()
    except ValidationError as error:
        faults = tuple(
            FieldFault("/plan/" + "/".join(map(str, item["loc"])), item["type"], item["msg"])
            for item in error.errors()
        )
        raise Invalid("invalid_plan", "The plan is malformed.", errors=faults) from None


def _without_nulls(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
