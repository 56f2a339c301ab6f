"""Requests and answers of the simulation account. Rates and returns are fractions."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.api.portfolio.amounts import (
    Money,
    Price,
    Symbol,
)
from app.api.wire import AnswerModel, Exact, Moment, Number, RequestModel
from domain.portfolio.simulation_run import PriceSource
from domain.shared.side import Side

Speed = Annotated[Exact, Field(gt=0, le=10_000_000)]


class ReplayIn(RequestModel):
    """Stored candles to play; 86400 plays a day in a second."""

    dataset: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        examples=["bundled:SPX:1d:raw"], description="Id of a stored series."
    )
    speed: Speed = Decimal(1)


class StartIn(RequestModel):
    """Where prices come from; without a source, from where they came last."""

    price_source: PriceSource | None = None
    symbols: Annotated[list[Symbol], Field(max_length=200)] = Field(default_factory=list)
    replay: ReplayIn | None = None


class ResetIn(RequestModel):
    """A new run, with the usual capital unless another is named."""

    initial_capital: Money | None = Field(None, examples=[10000])


class PriceIn(RequestModel):
    """What is known of one symbol now; at least one of the four."""

    symbol: Symbol
    bid: Price | None = None
    ask: Price | None = None
    last: Price | None = None
    mark: Price | None = None
    ts: Moment | None = Field(None, description="Default: now. Never later than now.")


class PricesIn(RequestModel):
    """Prices in the order in which they came."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"prices": [{"symbol": "BTC", "bid": 49995, "ask": 50005, "mark": 50000}]}]
        }
    )

    prices: Annotated[list[PriceIn], Field(min_length=1, max_length=1000)]


class PricesOut(AnswerModel):
    """What became of the prices; a price older than one known before changes nothing."""

    applied: int
    ignored: int
    equity: Number | None


class OrderStatsOut(AnswerModel):
    """Orders of the run by outcome; `volume_quote` and `commission` are money."""

    submitted: int
    filled: int
    cancelled: int
    rejected: int
    volume_quote: Number
    commission: Number


class ReplayOut(AnswerModel):
    """Where the replay stands."""

    dataset: str
    interval: str
    speed: Number
    played_to: Moment
    ended: bool


class SimulationStatusOut(AnswerModel):
    """The simulation now. Figures are null, with a reason, while a held symbol has no price."""

    running: bool
    mode: Literal["paper"] = "paper"
    run_id: str
    account_id: str
    started_at: Moment | None
    initial_capital: Number
    portfolio_value: Number | None
    equity: Number | None
    cash: Number
    positions_count: int
    open_orders_count: int
    orders_count: int
    stats: OrderStatsOut
    price_source: PriceSource
    price_pairs: list[str]
    replay: ReplayOut | None
    last_tick_at: Moment | None
    feed_status: str = Field(
        description="connected, not_connected, manual, replaying or replay_ended.",
        examples=["not_connected"],
    )
    unprotected_positions: list[str]
    reasons: dict[str, str]


class RunSummaryOut(AnswerModel):
    """What came of a run."""

    initial_capital: Number
    equity: Number | None
    realized_pnl: Number
    unrealized_pnl: Number | None
    fees: Number
    funding: Number
    volume_quote: Number
    closed_trades: int
    open_positions: int
    orders: int


class ArchivedRunOut(AnswerModel):
    """The run a reset ended."""

    run_id: str
    summary: RunSummaryOut


class ResetOut(AnswerModel):
    """The new run and the archived one."""

    run_id: str
    archived_run: ArchivedRunOut
    initial_capital: Number


class RunSettingsOut(AnswerModel):
    """Costs and limits the run goes by."""

    commission_rate: Number
    slippage: Number
    tick_seconds: int
    price_age_max_s: int
    max_positions: int
    risk_per_trade: Number
    min_reward_risk: Number
    require_stop_loss: bool


class RunOut(AnswerModel):
    """One run; `summary` is null until it is archived."""

    run_id: str
    status: str
    price_source: PriceSource
    symbols: list[str]
    initial_capital: Number
    settings: RunSettingsOut
    created_at: Moment
    started_at: Moment | None
    stopped_at: Moment | None
    archived_at: Moment | None
    summary: RunSummaryOut | None


class PaperPortfolioOut(AnswerModel):
    """`total_value` = cash + unrealised P&L; `available` = equity − used margin − order margin."""

    total_value: Number | None
    cash: Number
    positions_value: Number | None
    unrealized_pnl: Number | None
    realized_pnl: Number
    total_pnl: Number | None
    return_: Number | None = Field(alias="return")
    daily_pnl: Number | None
    fees: Number
    funding: Number
    used_margin: Number
    order_margin: Number
    available: Number | None
    currency: str
    reasons: dict[str, str]


class PaperPositionOut(AnswerModel):
    """One net position, long above zero, short below."""

    id: str
    symbol: str
    side: Side
    qty: Number
    avg_entry_price: Number
    mark: Number | None
    price_source: str | None
    price_as_of: Moment | None
    notional: Number | None
    unrealized_pnl: Number | None
    realized_pnl: Number
    fees: Number
    margin: Number
    leverage: int
    liquidation_price: Number | None
    opened_at: Moment
    is_protected: bool
    reasons: dict[str, str]


class PaperPositionsOut(AnswerModel):
    """All open positions, by symbol."""

    items: list[PaperPositionOut]


class PaperTradeOut(AnswerModel):
    """A closed round trip; `net_pnl` is after fees and funding, `r_multiple` in initial risks."""

    id: str
    symbol: str
    side: Side
    qty: Number
    entry_price: Number
    exit_price: Number | None
    opened_at: Moment
    closed_at: Moment | None
    realized_pnl: Number
    fees: Number
    slippage: Number
    funding: Number
    net_pnl: Number
    return_: Number | None = Field(alias="return")
    exit_reason: str | None
    stop_price: Number | None
    risk: Number | None
    r_multiple: Number | None
    reasons: dict[str, str]


class PaperPerformanceOut(AnswerModel):
    """Closed trades and daily equity, 365 days a year, in fractions. A null figure has its reason.

    `current_drawdown` ≤ 0 ≤ `max_drawdown`; `exposure` = Σ |q|·mark / equity, `heat` the loss at
    all stops / equity.
    """

    total_trades: int
    active_positions: int
    total_return: Number | None
    sum_return: Number
    avg_return_per_trade: Number | None
    win_rate: Number | None
    max_win: Number
    max_loss: Number
    current_drawdown: Number
    max_drawdown: Number
    drawdown_days: int
    recovery_days: int | None
    trade_curve_drawdown: Number
    sharpe_ratio: Number | None
    sortino_ratio: Number | None
    annualized_return: Number | None
    calmar_ratio: Number | None
    profit_factor: Number | None
    expectancy_r: Number | None
    exposure: Number | None
    heat: Number | None
    open_pnl: Number | None
    total_fees: Number
    daily_returns: int
    reasons: dict[str, str]


class EquityCurveOut(AnswerModel):
    """Columns of equal length, oldest first."""

    run_id: str
    at: list[Moment]
    equity: list[Number]
    cash: list[Number]
    unrealized_pnl: list[Number]
    realized_pnl: list[Number]
