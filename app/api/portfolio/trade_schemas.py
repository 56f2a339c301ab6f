"""Trades in canonical requests and answers: fractions throughout."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from app.api.portfolio.amounts import BarPrice, Price
from app.api.wire import AnswerModel, Day, Exact, Moment, Number, RequestModel

Vix = Annotated[Exact, Field(ge=5, le=100, examples=[18.5])]
Breadth = Annotated[Exact, Field(ge=0, le=100, examples=[45.0])]
Momentum = Annotated[Exact, Field(gt=0, examples=[1.2])]
TrueRange = Annotated[Price, Field(examples=[2.5])]


class MarketStateIn(RequestModel):
    """The market as the caller sees it: VIX in points, T2108 a percentage, momentum a ratio."""

    vix: Vix | None = None
    t2108: Breadth | None = None
    momentum_ratio: Momentum | None = None


class RegimeExitPlanIn(RequestModel):
    """A trade: stop and targets follow from the market's regime, its size from the account."""

    kind: Literal["regime_exit"]
    entry_price: Price
    market_state: MarketStateIn = Field(default_factory=MarketStateIn)
    true_range: TrueRange | None = None
    size_fraction: Annotated[Exact, Field(gt=0, le=1)] = Decimal(1)
    opened_at: Moment | None = None


class StopOut(AnswerModel):
    """The stop; `active_from` is the session that set it."""

    price: Number
    kind: str
    active_from: date


class TradeTargetOut(AnswerModel):
    """One staged exit: at its price, this fraction of the initial quantity has been sold."""

    level: int
    price: Number
    cumulative_fraction: Number
    status: str


class SessionAdjustmentOut(AnswerModel):
    """How one session scaled the levels, and why."""

    session: date
    stop_factor: Number
    profit_factor: Number
    urgency: Number
    reason: str


class BarOut(AnswerModel):
    """The newest session's bar so far."""

    session: date
    open: Number | None
    high: Number
    low: Number
    close: Number
    is_final: bool


class RegimeExitPlanOut(AnswerModel):
    """Stop, targets and time of a trade. Prices per share, `size_fraction` of equity at entry,
    `initial_risk` the money lost when the first stop fills.
    """

    kind: Literal["regime_exit"] = "regime_exit"
    profile: str
    entry_price: Number
    initial_qty: Number | None
    size_fraction: Number | None
    initial_risk: Number | None
    regime_at_entry: str
    current_regime: str
    vix_at_entry: Number
    true_range: Number
    true_range_source: str
    stop: StopOut
    targets: list[TradeTargetOut]
    expected_hold_days: int
    time_exit_sessions: int | None
    trailing: bool
    high_water: Number
    adjustments: list[SessionAdjustmentOut]
    last_bar: BarOut | None
    closed_by: str | None


class SizeCapOut(AnswerModel):
    """One cap and the quantity it allows."""

    name: str
    quantity: Number


class OpeningOut(AnswerModel):
    """Why a trade has its size; fractions of equity."""

    requested_fraction: Number
    applied_fraction: Number
    quantity: Number
    notional: Number
    risk_money: Number
    risk_fraction: Number
    binding: str
    caps: list[SizeCapOut]
    regime_transition_detected: bool
    market_adjustments: str
    entry_filter: str | None
    warnings: list[str]


class BarIn(RequestModel):
    """A bar of a session. `as_of` is the session's date or an instant in it, the current or last
    session by default; `bar: interval` covers only the time since the last update.
    """

    close: BarPrice | None = None
    open: BarPrice | None = None
    high: BarPrice | None = None
    low: BarPrice | None = None
    as_of: Day | Moment | None = None
    final: StrictBool = True
    bar: Literal["session", "interval"] = "session"
    market_state: MarketStateIn = Field(default_factory=MarketStateIn)

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"high": 155.0, "low": 148.0, "close": 153.5}]}
    }


class StopLevelOut(AnswerModel):
    """Where the stop is, and what put it there."""

    price: Number
    kind: str


class TargetLevelOut(AnswerModel):
    """A target and whether it was reached."""

    level: int
    price: Number
    status: str


class TradeReportOut(AnswerModel):
    """The trade after a bar; P&L are fractions of the initial position. `actions` are rows of the
    trade history.
    """

    position_id: str
    symbol: str
    status: str
    session: date
    as_of: Moment
    actions: list[dict[str, Any]]
    days_held: int
    qty: Number
    price: Number | None
    stop: StopLevelOut
    targets: list[TargetLevelOut]
    regime: str
    current_pnl: Number | None
    realized_pnl: Number
    total_pnl: Number | None
    final_pnl: Number | None
    remaining_fraction: Number
    pnl_amount: Number | None
    max_profit: Number
    max_loss: Number
    replayed: bool


class ProtectionTargetIn(RequestModel):
    """A nearer price of a pending target."""

    level: Annotated[int, Field(ge=1, le=3)]
    price: Price


class ProtectionIn(RequestModel):
    """What to tighten; fields left out stay."""

    stop: Price | None = None
    targets: list[ProtectionTargetIn] = Field(default_factory=list, max_length=3)
    trailing: StrictBool | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"stop": 140.0}]}
    }
