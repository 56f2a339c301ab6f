"""Performance and trade history as they are answered, in the published names and units."""

from typing import Any

from pydantic import ConfigDict

from app.api.wire import AnswerModel, Moment, Number


class RegimeFiguresOut(AnswerModel):
    """Closed trades that were opened in one regime; `win_rate` is a fraction."""

    trades: int
    win_rate: Number | None
    avg_return_pct: Number
    sum_return_pct: Number


class PerformanceTargetOut(AnswerModel):
    """A goal from the configuration beside what was reached; `met` is null while unknown."""

    name: str
    target: Number
    actual: Number | None
    met: bool | None


class PerformanceOut(AnswerModel):
    """Figures of the account, flows taken out. Percent points where a name ends in `_pct`, and in
    `avg_return_per_trade`, `max_win`, `max_loss`, `current_drawdown` and `annualized_roi`;
    `win_rate` is a fraction. A figure that does not exist is null, with its reason in `reasons`.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "account_id": "acc_0190b6f0c4d57c1e8a54c0ffee000001",
                "as_of": "2026-01-08T21:00:05Z",
                "total_trades": 2,
                "active_positions": 1,
                "total_return_pct": 4.25,
                "sum_return_pct": 21.25,
                "avg_return_per_trade": 10.625,
                "avg_return_per_trade_pct": 10.625,
                "win_rate": 0.5,
                "win_rate_pct": 50,
                "max_win": 29.25,
                "max_loss": -8,
                "current_drawdown": -1.6,
                "max_drawdown_pct": 3.1,
                "drawdown_days": 9,
                "recovery_days": 6,
                "trade_curve_drawdown_pct": 8,
                "sharpe_ratio": 1.42,
                "sortino_ratio": 2.05,
                "annualized_roi": 17.3,
                "profit_factor": 3.65625,
                "expectancy_r": 1.328125,
                "calmar": 5.58,
                "exposure_pct": 19.95,
                "heat_pct": 1.62,
                "open_pnl": 465.5,
                "total_fees": 12.4,
                "stale_days": 0,
                "by_regime": {
                    "bull_normal": {
                        "trades": 2,
                        "win_rate": 0.5,
                        "avg_return_pct": 10.625,
                        "sum_return_pct": 21.25,
                    }
                },
                "reasons": {},
                "targets": [
                    {"name": "target_roi", "target": 400, "actual": 17.3, "met": False},
                    {"name": "max_drawdown_tolerance", "target": 15, "actual": 3.1, "met": True},
                    {"name": "min_sharpe_ratio", "target": 2, "actual": 1.42, "met": False},
                    {"name": "min_win_rate", "target": 0.6, "actual": 0.5, "met": False},
                ],
            }
        },
    )

    account_id: str
    as_of: Moment
    total_trades: int
    active_positions: int
    total_return_pct: Number | None
    sum_return_pct: Number
    avg_return_per_trade: Number | None
    avg_return_per_trade_pct: Number | None
    win_rate: Number | None
    win_rate_pct: Number | None
    max_win: Number
    max_loss: Number
    current_drawdown: Number | None
    max_drawdown_pct: Number
    drawdown_days: int
    recovery_days: int | None
    trade_curve_drawdown_pct: Number
    sharpe_ratio: Number | None
    sortino_ratio: Number | None
    annualized_roi: Number | None
    profit_factor: Number | None
    expectancy_r: Number | None
    calmar: Number | None
    exposure_pct: Number | None
    heat_pct: Number | None
    open_pnl: Number | None
    total_fees: Number
    stale_days: int
    by_regime: dict[str, RegimeFiguresOut]
    reasons: dict[str, str]
    targets: list[PerformanceTargetOut]


class TradeRowOut(AnswerModel):
    """One step of a trade. Which members a row has beside these depends on its action."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "timestamp": "2026-01-05T15:00:00.000000Z",
                "action": "POSITION_OPENED",
                "symbol": "AAPL",
                "entry_price": 150,
                "regime": "bull_normal",
                "vix": 18.5,
                "stop_level": 138,
                "profit_targets": [168, 187.5, 210],
                "adjustments_applied": "none",
                "quantity": 133,
                "position_id": "pos_0190b6f0c4d57c1e8a54c0ffee000001",
                "seq": 12,
                "request_id": "req_0190b6f0c4d57c1e8a54c0ffee000001",
            }
        },
    )

    timestamp: Moment
    action: str
    symbol: str
    seq: int
    request_id: str


def performance_out(document: dict[str, Any]) -> PerformanceOut:
    """The answer made of its document."""
    return PerformanceOut.model_validate(document)
