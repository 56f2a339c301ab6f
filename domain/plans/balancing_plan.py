"""The balancing plan: triggers around an anchor, a size rule, a band for the stock share, limits.

Every number is a fraction, never a percentage; a plan that exists has passed every range.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ONE, ZERO
from domain.shared.errors import FieldFault, Invalid

THRESHOLD_MAX = Decimal("0.50")
RATIO_MAX = Decimal(5)
ORDERS_PER_DAY_MAX = 1000
COMMISSION_RATE_MAX = Decimal("0.50")


class Sizing(StrEnum):
    """`proportional`: (A/P − 1)·r·V/P. `fixed_fraction`: r of the cash or of the shares."""

    PROPORTIONAL = "proportional"
    FIXED_FRACTION = "fixed_fraction"


class TradingHours(StrEnum):
    """When automatic runs may trade; `extended` is 04:00–20:00 New York for US equities."""

    REGULAR = "regular"
    EXTENDED = "extended"


class PlanMode(StrEnum):
    """`propose` notifies, `auto` submits."""

    PROPOSE = "propose"
    AUTO = "auto"


class BelowMinimum(StrEnum):
    """What happens to a quantity under the order minimum."""

    HOLD = "hold"
    REJECT = "reject"
    CLIP = "clip"


@dataclass(frozen=True, slots=True)
class Band:
    """Allowed share of stock in equity, 0 ≤ min < max ≤ 1."""

    min: Decimal = Decimal("0.25")
    max: Decimal = Decimal("0.75")

    def __post_init__(self) -> None:
        _refuse(_band_faults(self))

    def holds(self, stock_fraction: Decimal) -> bool:
        """Whether the fraction is inside, bounds included."""
        return self.min <= stock_fraction <= self.max


@dataclass(frozen=True, slots=True)
class OrderPolicy:
    """Smallest sensible proposal; `qty_step` 0 means the instrument's own step."""

    min_qty: Decimal = ZERO
    min_notional: Decimal = Decimal(100)
    qty_step: Decimal = ZERO
    action_below_min: BelowMinimum = BelowMinimum.HOLD

    def __post_init__(self) -> None:
        _refuse(_policy_faults(self))


@dataclass(frozen=True, slots=True)
class BalancingPlan:
    """Settings of one cell; raises `Invalid` (`invalid_plan`) with a pointer per bad field.

    `down_threshold` may be given negative and is stored as its magnitude.
    """

    up_threshold: Decimal = Decimal("0.03")
    down_threshold: Decimal = Decimal("0.03")
    sizing: Sizing = Sizing.PROPORTIONAL
    rebalance_ratio: Decimal = Decimal("1.6667")
    band: Band = field(default_factory=Band)
    max_trade_fraction: Decimal = Decimal("0.20")
    max_orders_per_day: int = 5
    order_policy: OrderPolicy = field(default_factory=OrderPolicy)
    commission_rate: Decimal = Decimal("0.0001")
    hours: TradingHours = TradingHours.REGULAR
    auto_rebalance: bool = True
    mode: PlanMode = PlanMode.PROPOSE

    def __post_init__(self) -> None:
        if self.down_threshold.is_finite():
            object.__setattr__(self, "down_threshold", abs(self.down_threshold))
        _refuse(_plan_faults(self))


def _plan_faults(plan: BalancingPlan) -> Iterator[FieldFault]:
    yield from _threshold_faults("up_threshold", plan.up_threshold)
    yield from _threshold_faults("down_threshold", plan.down_threshold)
    ratio_max = RATIO_MAX if plan.sizing is Sizing.PROPORTIONAL else ONE
    if not _is_in(plan.rebalance_ratio, ZERO, ratio_max) or plan.rebalance_ratio == 0:
        message = f"above 0 and at most {ratio_max} with {plan.sizing} sizing"
        yield FieldFault("/plan/rebalance_ratio", "out_of_range", message)
    if not _is_in(plan.max_trade_fraction, ZERO, ONE) or plan.max_trade_fraction == 0:
        message = "above 0 and at most 1; a fraction of equity, 0.20 is 20 %"
        yield FieldFault("/plan/max_trade_fraction", "out_of_range", message)
    if not 1 <= plan.max_orders_per_day <= ORDERS_PER_DAY_MAX:
        message = f"from 1 to {ORDERS_PER_DAY_MAX}"
        yield FieldFault("/plan/max_orders_per_day", "out_of_range", message)
    if not _is_in(plan.commission_rate, ZERO, COMMISSION_RATE_MAX):
        message = f"from 0 to {COMMISSION_RATE_MAX}; a fraction, 0.0001 is 0.01 %"
        yield FieldFault("/plan/commission_rate", "out_of_range", message)


def _threshold_faults(name: str, threshold: Decimal) -> Iterator[FieldFault]:
    if _is_in(threshold, ZERO, THRESHOLD_MAX) and threshold != 0:
        return
    message = f"above 0 and at most {THRESHOLD_MAX}"
    if threshold.is_finite() and threshold > THRESHOLD_MAX:
        message += "; thresholds are fractions, 0.03 is 3 %"
    yield FieldFault(f"/plan/{name}", "out_of_range", message)


def _band_faults(band: Band) -> Iterator[FieldFault]:
    hint = "; a fraction of equity, 0.25 is 25 %"
    for name, bound in (("min", band.min), ("max", band.max)):
        if not _is_in(bound, ZERO, ONE):
            yield FieldFault(f"/plan/band/{name}", "out_of_range", f"from 0 to 1{hint}")
    if band.min.is_finite() and band.max.is_finite() and band.min >= band.max:
        yield FieldFault("/plan/band/min", "out_of_range", "below the band's max")


def _policy_faults(policy: OrderPolicy) -> Iterator[FieldFault]:
    amounts = {
        "min_qty": policy.min_qty,
        "min_notional": policy.min_notional,
        "qty_step": policy.qty_step,
    }
    for name, amount in amounts.items():
        if not amount.is_finite() or amount < 0:
            pointer = f"/plan/order_policy/{name}"
            yield FieldFault(pointer, "out_of_range", "zero or above")


def _is_in(value: Decimal, lowest: Decimal, highest: Decimal) -> bool:
    return value.is_finite() and lowest <= value <= highest


def _refuse(faults: Iterator[FieldFault]) -> None:
    found = tuple(faults)
    if found:
        fields = ", ".join(fault.pointer for fault in found)
        raise Invalid("invalid_plan", f"The plan is out of range: {fields}.", errors=found)
