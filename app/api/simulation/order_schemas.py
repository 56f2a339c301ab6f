"""Requests and answers of orders on paper, and of those that wait for a person."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.api.portfolio.amounts import (
    AnyOrderType,
    AnySide,
    AnyTimeInForce,
    Price,
    Quantity,
    Symbol,
)
from app.api.portfolio.schemas import OrderOut
from app.api.wire import AnswerModel, Exact, Moment, Number, RequestModel
from domain.portfolio.order import OrderType, TimeInForce

Share = Annotated[Exact, Field(gt=0, le=1)]
Leverage = Annotated[int, Field(ge=1, le=125)]


class PaperOrderIn(RequestModel):
    """An order on paper: a quantity, or the fraction of equity its stop may cost.

    `stop_loss` and `take_profit` become protective orders once it fills.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"symbol": "BTC", "side": "BUY", "order_type": "market", "quantity": 0.1},
                {
                    "symbol": "BTC",
                    "side": "BUY",
                    "order_type": "limit",
                    "price": 49000,
                    "risk_fraction": 0.01,
                    "stop_loss": 48000,
                    "take_profit": 53000,
                },
            ]
        }
    )

    symbol: Symbol
    side: AnySide
    order_type: AnyOrderType = OrderType.MARKET
    quantity: Quantity | None = None
    risk_fraction: Share | None = None
    price: Price | None = Field(None, description="Limit price.")
    stop_price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    trail_fraction: Annotated[Exact, Field(gt=0, lt=1)] | None = None
    reduce_only: bool = False
    leverage: Leverage | None = None
    time_in_force: AnyTimeInForce = TimeInForce.GTC
    good_till: Moment | None = None
    note: Annotated[str, Field(max_length=500)] | None = None
    origin: Literal["manual", "strategy"] = Field(
        "manual",
        description="An order of a strategy waits for confirmation unless the setting "
        "`order_confirmation_required` is off.",
    )


class ModifyConfirmationIn(RequestModel):
    """Terms to change; the rest stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"quantity": 0.05}]})

    quantity: Quantity | None = None
    price: Price | None = None
    stop_price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None


class RejectConfirmationIn(RequestModel):
    """Why not."""

    reason: Annotated[str, Field(min_length=1, max_length=200)] = "rejected"


class ConfirmationOut(AnswerModel):
    """An order that waits for a person, or what became of it."""

    id: str
    status: str = Field(
        description="pending, confirmed, rejected or expired.", examples=["pending"]
    )
    run_id: str
    symbol: str
    request: dict[str, object]
    reference_price: Number
    created_at: Moment
    expires_at: Moment
    decided_at: Moment | None
    order_id: str | None
    reason: str | None


class ClosePaperPositionIn(RequestModel):
    """How much of the position to close."""

    fraction: Share = Decimal(1)


class PaperOrderOut(OrderOut):
    """An order on paper. `stop_level` is the stop in force; it moves with a trailing stop.

    `remaining_qty` is what rests: less than was asked for once the position is smaller, 0 while a
    protective order waits for its entry to fill. `reason` says what cut a working order
    (reduce_only, oco) or why an order ended.
    """

    run_id: str
    order_id: str
    accepted: bool
    leverage: int
    trail_fraction: Number | None
    stop_level: Number | None
    is_triggered: bool
    group_id: str | None
    parent_id: str | None
    children: list[str]


class PaperCancelledOut(AnswerModel):
    """`cancelled` is false when the order had ended before."""

    order_id: str
    cancelled: bool
    status: str
