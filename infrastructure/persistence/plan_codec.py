"""Plans as JSON text and back; equal texts share one frozen plan, so a hot row is parsed once."""

from dataclasses import asdict
from decimal import Decimal
from functools import lru_cache
from typing import Any

from domain.plans.balancing_plan import (
    BalancingPlan,
    Band,
    BelowMinimum,
    OrderPolicy,
    PlanMode,
    Sizing,
    TradingHours,
)
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.portfolio.position import Plan
from domain.shared.canonical import canonical_json
from infrastructure.persistence.frozen_json import from_plain, to_plain
from infrastructure.persistence.types import from_json

BALANCING = "balancing"
REGIME_EXIT = "regime_exit"
TRADE_KINDS = (REGIME_EXIT, "bracket")
"""Plans that open and end a position of their own: at most one of them per instrument."""


def plan_kind(plan: Plan | None) -> str | None:
    """Discriminator stored beside the plan."""
    if plan is None:
        return None
    return BALANCING if isinstance(plan, BalancingPlan) else REGIME_EXIT


def plan_to_text(plan: Plan | None) -> str | None:
    """Canonical JSON of the plan's fields."""
    if plan is None:
        return None
    if isinstance(plan, BalancingPlan):
        return canonical_json(asdict(plan))
    return canonical_json(to_plain(plan))


@lru_cache(maxsize=4096)
def plan_from_text(kind: str | None, text: str | None) -> Plan | None:
    """Inverse of `plan_to_text`."""
    if text is None:
        return None
    fields: dict[str, Any] = from_json(text)
    return from_plain(RegimeExitPlan, fields) if kind == REGIME_EXIT else _balancing(fields)


def _balancing(fields: dict[str, Any]) -> BalancingPlan:
    band, policy = fields.pop("band"), fields.pop("order_policy")
    numbers = {k: _exact(v) for k, v in fields.items() if k not in _NOT_DECIMAL}
    return BalancingPlan(
        **numbers,
        sizing=Sizing(fields["sizing"]),
        hours=TradingHours(fields["hours"]),
        mode=PlanMode(fields["mode"]),
        max_orders_per_day=fields["max_orders_per_day"],
        auto_rebalance=fields["auto_rebalance"],
        band=Band(_exact(band["min"]), _exact(band["max"])),
        order_policy=OrderPolicy(
            min_qty=_exact(policy["min_qty"]),
            min_notional=_exact(policy["min_notional"]),
            qty_step=_exact(policy["qty_step"]),
            action_below_min=BelowMinimum(policy["action_below_min"]),
        ),
    )


_NOT_DECIMAL = {"sizing", "hours", "mode", "max_orders_per_day", "auto_rebalance"}


def _exact(value: int | Decimal) -> Decimal:
    return Decimal(value)
