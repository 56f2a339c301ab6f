"""Requests and answers of positions, orders and fills."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, WrapValidator

from app.api.portfolio.amounts import (
    AnyOrderType,
    AnySide,
    AnyTimeInForce,
    Cash,
    Fraction,
    Holding,
    Price,
    Quantity,
    Symbol,
)
from app.api.portfolio.plan_schemas import BalancingPlanIn, BalancingPlanOut
from app.api.portfolio.trade_schemas import OpeningOut, RegimeExitPlanIn, RegimeExitPlanOut
from app.api.wire import AnswerModel, Exact, Moment, Number, RequestModel
from domain.portfolio.order import OrderType, TimeInForce
from domain.shared.side import Side


def _plan_of_kind(value: object, validated: Callable[[object], object]) -> object:
    """The plan its `kind` names; faults are told of that kind alone."""
    if not isinstance(value, dict):
        return validated(value)
    kind = RegimeExitPlanIn if value.get("kind") == "regime_exit" else BalancingPlanIn
    return kind.model_validate(value)


AnyPlanIn = Annotated[BalancingPlanIn | RegimeExitPlanIn, WrapValidator(_plan_of_kind)]


class PositionIn(RequestModel):
    """A new cell (a stock with its own cash reserve) or, with a plan of kind `regime_exit`, a
    trade that its account sizes and pays.
    """

    ticker: Symbol
    qty: Holding = Field(default=Decimal(0), examples=[0.0])
    cash: Cash = Field(default=Decimal(0), examples=[10000.0])
    account_id: str | None = Field(default=None, max_length=64)
    anchor_price: Price | None = None
    avg_cost: Price | None = None
    funding: Literal["deposit", "account"] = "deposit"
    venue: str = Field(default="manual", max_length=32)
    withholding_rate: Fraction | None = None
    plan: AnyPlanIn | None = Field(default_factory=BalancingPlanIn)

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"ticker": "ZIM", "qty": 0.0, "cash": 10000.0}]}
    }


class PositionOut(AnswerModel):
    """A position with what can be derived from it. Fields that do not exist are null with
    a reason.
    """

    id: str
    ticker: str
    qty: Number
    cash: Number
    account_id: str
    venue: str
    currency: str
    calendar: str
    is_cell: bool
    status: str
    avg_cost: Number | None
    receivable: Number
    realized_pnl: Number | None
    fees_paid: Number
    dividends_received: Number
    funding_paid: Number
    anchor_price: Number | None
    high_water: Number | None
    low_water: Number | None
    price: Number | None
    price_source: str | None
    price_as_of: Moment | None
    equity: Number | None
    unrealized_pnl: Number | None
    stock_fraction: Number | None
    plan: BalancingPlanOut | RegimeExitPlanOut | None
    withholding_rate: Number | None
    opened_at: Moment
    closed_at: Moment | None
    entry_session: date | None
    version: int
    reasons: dict[str, str]


class PositionCreatedOut(PositionOut):
    """The new position; `opening` says how a trade was sized."""

    opening: OpeningOut | None


class OrderIn(RequestModel):
    """An order for a position."""

    side: AnySide
    qty: Quantity
    order_type: AnyOrderType = OrderType.MARKET
    limit_price: Price | None = None
    stop_price: Price | None = None
    time_in_force: AnyTimeInForce = TimeInForce.GTC
    good_till: Moment | None = None
    note: Annotated[str, Field(max_length=500)] | None = None
    proposal_id: Annotated[str, Field(max_length=64)] | None = None
    confirm_duplicate: StrictBool = False

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"side": "BUY", "qty": 1.5}]}
    }


class CheckOut(AnswerModel):
    """One check of the gate; a member that does not apply to it is left out."""

    code: str
    status: str
    severity: str
    limit_key: str | None = None
    limit: Number | None = None
    before: Number | None = None
    used: Number | None = None
    headroom: Number | None = None
    unit: str | None = None
    source: str | None = None
    data_quality: str | None = None
    reason: str | None = None


class ReservationOut(AnswerModel):
    """What the order holds back: cash for BUY, shares for SELL."""

    amount: Number | None
    price: Number | None
    reason: str | None


class SubmittedOut(AnswerModel):
    """An accepted order."""

    order_id: str
    accepted: bool
    position_id: str
    status: str
    client_order_id: str
    reservation: ReservationOut
    checks: list[CheckOut]


class OrderOut(AnswerModel):
    """An order: terms, state, and every check it was judged by."""

    id: str
    client_order_id: str
    account_id: str
    position_id: str
    instrument: str
    venue: str
    side: Side
    order_type: OrderType
    qty: Number
    limit_price: Number | None
    stop_price: Number | None
    time_in_force: TimeInForce
    good_till: Moment | None
    reduce_only: bool
    intent: str
    origin: str
    commission_rate: Number
    note: str | None
    status: str
    filled_qty: Number
    remaining_qty: Number
    avg_fill_price: Number | None
    fees: Number
    reserved: Number | None
    reason: str | None
    rejected_by: str | None
    checks: list[CheckOut]
    evaluation_id: str | None
    created_at: Moment
    updated_at: Moment
    version: int


class FillIn(RequestModel):
    """An execution, as the broker reported it. `qty` is an alias of `filled_qty`."""

    price: Price
    filled_qty: Quantity | None = None
    qty: Quantity | None = None
    commission: Cash | None = None
    executed_at: Moment | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"price": 20, "filled_qty": 1.5, "commission": 0}]}
    }


class FilledOut(AnswerModel):
    """The order and the position after the execution."""

    order_id: str
    status: str
    position_qty: Number
    position_cash: Number
    fill_id: str
    filled_qty: Number
    remaining_qty: Number
    avg_fill_price: Number | None
    anchor_price: Number | None
    replayed: bool


class FillOut(AnswerModel):
    """One execution."""

    id: str
    order_id: str
    position_id: str
    venue: str
    side: Side
    qty: Number
    price: Number
    fee: Number
    fee_currency: str
    liquidity: str
    external_id: str | None
    realized_pnl: Number | None
    anchor_before: Number | None
    executed_at: Moment
    recorded_at: Moment


class CancelledOut(AnswerModel):
    """Whether the order was cancelled by this call, and its state."""

    cancelled: bool
    status: str


class PositionEventOut(AnswerModel):
    """What happened to the position, with what the decision saw and what came of it."""

    id: str
    seq: int
    type: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    message: str
    ts: Moment


class PositionEventsOut(AnswerModel):
    """Events of one position, oldest first."""

    position_id: str
    events: list[PositionEventOut]
    next_cursor: str | None


class AnchorIn(RequestModel):
    """A new balancing reference and why."""

    price: Price
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class CloseIn(RequestModel):
    """How much of the position to sell; a price makes it a limit order."""

    fraction: Annotated[Exact, Field(gt=0, le=1)] = Decimal(1)
    price: Price | None = None
