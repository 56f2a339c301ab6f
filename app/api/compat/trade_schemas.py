"""Trades as the desktop names them: percent where the name says so, fractions for P&L."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StrictBool
from pydantic.config import JsonDict

from app.api.portfolio.amounts import BarPrice, Price, Symbol
from app.api.portfolio.trade_schemas import Breadth, Momentum, TrueRange, Vix
from app.api.wire import AnswerModel, Day, Exact, Moment, Number, RequestModel

_MARKET: JsonDict = {"vix": 18.5, "t2108": 45.0, "momentum_ratio": 1.2, "true_range": 2.5}
_NOW: JsonDict = {"vix": 16.2, "t2108": 50.0, "momentum_ratio": 1.4}
_BAR: JsonDict = {"high": 155.0, "low": 148.0, "close": 153.5}

PositionSize = Annotated[Exact, Field(ge=1, le=100, description="Percent of equity, at most.")]


class DesktopMarketIn(RequestModel):
    """The market as the caller sees it; without `vix` the stored state of the session counts."""

    vix: Vix | None = None
    t2108: Breadth | None = None
    momentum_ratio: Momentum | None = None
    true_range: TrueRange | None = None


class OpenPositionIn(RequestModel):
    """A trade to open at the price that was paid."""

    symbol: Symbol
    entry_price: Price
    market_data: DesktopMarketIn = Field(default_factory=DesktopMarketIn)
    position_size: PositionSize = Decimal(100)
    opened_at: Moment | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {
            "examples": [
                {
                    "symbol": "AAPL",
                    "entry_price": 150.0,
                    "market_data": _MARKET,
                    "position_size": 100.0,
                }
            ]
        }
    }


class CapOut(AnswerModel):
    """One cap and the shares it allows."""

    name: str
    shares: Number


class SizingOut(AnswerModel):
    """Why the trade has its size; percent of equity."""

    requested_pct: Number
    applied_pct: Number
    shares: Number
    notional: Number
    risk_amount: Number
    risk_pct: Number
    binding: str
    caps: list[CapOut]
    warnings: list[str]


class CostsOut(AnswerModel):
    """Configured costs of one side: a fraction of the notional, and basis points."""

    commission_rate: Number
    slippage_bps: Number


class OpenedOut(AnswerModel):
    """The trade with its levels; `position_id` is the symbol, `id` the position's own id."""

    position_id: str = Field(examples=["AAPL"])
    id: str
    symbol: str = Field(examples=["AAPL"])
    entry_price: Number
    regime: str = Field(examples=["bull_normal"])
    stop_level: Number
    stop_distance_pct: Number = Field(examples=[-8.0])
    profit_targets: list[Number] = Field(examples=[[168.0, 187.5, 210.0]])
    expected_hold_days: int
    regime_transition_detected: bool
    market_adjustments: str
    sizing: SizingOut
    entry_filter: str | None
    costs: CostsOut | Literal["not_configured"]
    warnings: list[str]


class PriceDataIn(RequestModel):
    """A bar of the session; `open`, `high` and `low` default to the required `close`."""

    close: BarPrice | None = None
    open: BarPrice | None = None
    high: BarPrice | None = None
    low: BarPrice | None = None
    as_of: Day | Moment | None = None
    final: StrictBool | None = None
    bar: Literal["session", "interval"] | None = None


class UpdatePositionIn(RequestModel):
    """A bar for the trade in the symbol, with the market as the caller sees it."""

    symbol: Symbol
    current_price_data: PriceDataIn
    market_data: DesktopMarketIn = Field(default_factory=DesktopMarketIn)
    as_of: Day | Moment | None = None
    final: StrictBool | None = None
    bar: Literal["session", "interval"] | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {
            "examples": [{"symbol": "AAPL", "current_price_data": _BAR, "market_data": _NOW}]
        }
    }


class ActionOut(AnswerModel):
    """One action; which members it has depends on its name."""

    action: str = Field(examples=["STOP_LOSS_EXECUTED"])
    ts: Moment
    quantity: Number
    pnl_pct: Number | None = None
    pnl_amount: Number | None = None
    price: Number | None = None
    position_closed: Number | None = None
    remaining_position: Number | None = None
    pnl: Number | None = None
    profit_pct: Number | None = None
    fee: Number | None = None
    reason: str | None = None
    old_regime: str | None = None
    new_regime: str | None = None
    old_stop: Number | None = None
    new_stop: Number | None = None
    adjustment_reason: str | None = None
    suppressed_widening: bool | None = None
    profit_targets: list[Number] | None = None
    protocol: str | None = None
    trigger: str | None = None


class UpdatedOut(AnswerModel):
    """The trade after the bar. P&L are fractions of the initial position, `*_pct` percent."""

    symbol: str = Field(examples=["AAPL"])
    id: str
    actions: list[ActionOut]
    position_status: str = Field(examples=["ACTIVE"])
    current_pnl: Number | None
    realized_pnl: Number
    total_pnl: Number | None
    remaining_position: Number = Field(examples=[100.0])
    days_held: int
    stop_level: Number
    max_profit: Number
    max_loss: Number
    final_pnl: Number | None
    current_pnl_pct: Number | None
    realized_pnl_pct: Number
    final_pnl_pct: Number | None
    pnl_amount: Number | None
    session: date
    replayed: bool


class DesktopPositionOut(AnswerModel):
    """An open trade."""

    symbol: str = Field(examples=["AAPL"])
    entry_price: Number
    entry_date: datetime
    position_size: Number
    regime_at_entry: str = Field(examples=["bull_normal"])
    vix_at_entry: Number
    stop_level: Number
    profit_levels: list[Number]
    remaining_position: Number = Field(examples=[100.0])
    realized_pnl: Number
    days_held: int
    id: str
    quantity: Number
    current_price: Number | None
    current_pnl: Number | None
    current_regime: str = Field(examples=["bull_normal"])
    expected_hold_days: int
    max_profit: Number
    max_loss: Number


class ClosePositionIn(RequestModel):
    """What to sell: a fraction of the rest, at a price, or at the last mark of a minute."""

    price: Price | None = None
    fraction: Annotated[Exact, Field(gt=0, le=1)] = Decimal(1)
    reason: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    model_config = RequestModel.model_config | {
        "json_schema_extra": {"examples": [{"price": 151.25, "fraction": 0.5}]}
    }


class DeletedOut(AnswerModel):
    """The entry was taken back; nothing of it had been filled."""

    deleted: Literal[True] = True
    symbol: str = Field(examples=["AAPL"])


class DesktopHealthOut(AnswerModel):
    """The backend as the desktop asks for it."""

    status: Literal["healthy", "degraded"]
    timestamp: Moment
    risk_manager_initialized: bool
    active_positions: int
    backend_version: str
