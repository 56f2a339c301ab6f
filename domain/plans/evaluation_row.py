"""The explained decision as a row: its inputs, everything derived from them, and its plain form.

One shape serves manual, live, paper and backtest evaluations. It carries the plan, the position
view and the market view it was decided from, so every derived number can be recomputed from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.plans.balancing_plan import BalancingPlan
from domain.plans.plan import DecisionAction, MarketView, Note, PositionView, ReasonCode, Trim
from domain.shared.instants import rfc3339
from domain.shared.side import Side

_TRIM_NAMES = {"from_qty": "from", "to_qty": "to"}


class EvaluationMode(StrEnum):
    """Who ran the evaluation."""

    MANUAL = "manual"
    LIVE = "live"
    PAPER = "paper"
    BACKTEST = "backtest"


@dataclass(frozen=True, slots=True)
class EvaluationIdentity:
    """Which evaluation this is; its instant is the market view's `now`."""

    id: str
    trace_id: str
    mode: EvaluationMode


@dataclass(frozen=True, slots=True)
class TriggerFacts:
    """Distance from the anchor (P/A − 1, 10 decimals) and the side whose threshold was crossed."""

    anchor_price: Decimal | None
    change: Decimal | None
    up_threshold: Decimal | None
    down_threshold: Decimal | None
    direction: Side | None


@dataclass(frozen=True, slots=True)
class GuardrailFacts:
    """The band and where the position stands in it; `within` null when the fraction is unknown."""

    min_stock_fraction: Decimal | None
    max_stock_fraction: Decimal | None
    stock_fraction: Decimal | None
    within: bool | None
    allowed: bool
    blocked_by: tuple[ReasonCode, ...]


@dataclass(frozen=True, slots=True)
class ActionFacts:
    """The outcome; quantities are magnitudes, `raw_qty` with 10 decimals."""

    action: DecisionAction
    reason_code: ReasonCode
    reason: str
    raw_qty: Decimal | None
    qty: Decimal | None
    trimming: tuple[Trim, ...]


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The order this evaluation caused."""

    id: str
    status: str


@dataclass(frozen=True, slots=True)
class ExecutionFacts:
    """What was filled: volume-weighted price, total fee."""

    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    status: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """A position valued at one price; money in ledger cash, the fraction with 10 decimals."""

    qty: Decimal
    cash: Decimal
    stock_value: Decimal | None
    equity: Decimal | None
    stock_fraction: Decimal | None


@dataclass(frozen=True, slots=True)
class ImpactFacts:
    """Holdings before and after; equal when nothing is traded."""

    before: Holdings
    after: Holdings


@dataclass(frozen=True, slots=True)
class DividendFacts:
    """Net dividends accrued and unpaid, and those applied with this evaluation."""

    receivable: Decimal
    applied: Decimal


@dataclass(frozen=True, slots=True)
class AnchorFacts:
    """The anchor before and after, and why it moved; a decision alone never moves it."""

    old: Decimal | None
    new: Decimal | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A trade to consider until `expires_at`; magnitudes, money in ledger cash."""

    side: Side
    qty: Decimal
    raw_qty: Decimal
    notional: Decimal
    commission_estimate: Decimal
    reason_code: ReasonCode
    trimming: tuple[Trim, ...]
    stock_fraction_before: Decimal | None
    stock_fraction_after: Decimal | None
    valid: bool
    rejections: tuple[ReasonCode, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One row: inputs (plan, position, market) and everything derived from them."""

    identity: EvaluationIdentity
    plan: BalancingPlan | None
    position: PositionView
    market: MarketView
    trigger: TriggerFacts
    guardrails: GuardrailFacts
    action: ActionFacts
    impact: ImpactFacts
    dividends: DividendFacts
    anchor: AnchorFacts
    proposals: tuple[Proposal, ...] = ()
    notes: tuple[Note, ...] = ()
    order: OrderFacts | None = None
    execution: ExecutionFacts | None = None


def to_row(evaluation: Evaluation) -> dict[str, object]:
    """Nested plain values: Decimal, int, bool, text, null; instants as RFC 3339 text."""
    return {f.name: _plain_value(getattr(evaluation, f.name)) for f in fields(evaluation)}


def _plain_value(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple):
        return [_plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain_value(item) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = _TRIM_NAMES if isinstance(value, Trim) else {}
        return {
            names.get(f.name, f.name): _plain_value(getattr(value, f.name)) for f in fields(value)
        }
    return value
