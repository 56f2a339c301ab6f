"""Requests and answers of evaluations and rebalancing."""

from typing import Any

from pydantic import Field

from app.api.portfolio.amounts import Price
from app.api.wire import AnswerModel, Moment, Number, RequestModel


class EvaluateIn(RequestModel):
    """A price makes it the one decided on; without one the newest stored close is used."""

    price: Price | None = Field(default=None, examples=[97])
    as_of: Moment | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"price": 97}, {}]}
    }


class PriceOut(AnswerModel):
    """Where the price came from and how old it was."""

    value: Number
    source: str
    age_s: Number
    as_of: Moment | None


class GuardrailsOut(AnswerModel):
    """The band and where the position stands in it."""

    min_stock_fraction: Number | None
    max_stock_fraction: Number | None
    stock_fraction: Number | None
    within: bool | None


class TrimOut(AnswerModel):
    """One limit that reduced the quantity."""

    step: str
    from_: Number = Field(alias="from")
    to: Number
    limit: Number | None


class ProposalOut(AnswerModel):
    """A trade to consider until it expires."""

    side: str
    qty: Number
    raw_qty: Number
    notional: Number
    commission_estimate: Number
    reason_code: str
    trimming: list[TrimOut]
    stock_fraction_before: Number | None
    stock_fraction_after: Number | None
    valid: bool
    rejections: list[str]
    expires_at: Moment


class EvaluationOut(AnswerModel):
    """What the plan would do, and why. The position is not changed."""

    position_id: str
    evaluation_id: str
    at: Moment
    mode: str
    action: str = Field(description="HOLD, SKIP, BUY or SELL.")
    reason_code: str
    reason: str
    price: PriceOut | None
    session: str | None
    anchor_price: Number | None
    change: Number | None
    guardrails: GuardrailsOut
    proposals: list[ProposalOut]


class EvaluationRowOut(AnswerModel):
    """One stored evaluation, whole."""

    id: str
    position_id: str
    mode: str
    action: str
    at: Moment
    expires_at: Moment | None
    order_id: str | None
    row: dict[str, Any]


class RebalancedOut(AnswerModel):
    """The evaluation, and the order it led to (null on HOLD and SKIP)."""

    action: str
    reason_code: str
    reason: str
    position_id: str
    evaluation_id: str
    order_id: str | None
    status: str | None
    side: str | None
    qty: Number | None
    proposals: list[ProposalOut]
