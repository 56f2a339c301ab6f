"""Performance in its published names and units: percent points where a name is a percent."""

from collections.abc import Mapping
from decimal import Decimal

from application.portfolio.performance import Performance
from domain.portfolio.trade_statistics import RegimeStatistics

Document = dict[str, object]
HUNDRED = Decimal(100)

# Published name(s) of a figure whose reason is kept under its own name.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "average_return": ("avg_return_per_trade", "avg_return_per_trade_pct"),
    "win_rate": ("win_rate", "win_rate_pct"),
    "annualized_return": ("annualized_roi",),
    "calmar_ratio": ("calmar",),
    "exposure": ("exposure_pct",),
}


def performance_document(performance: Performance) -> Document:
    """Every figure is a finite number, or null with its reason under `reasons`."""
    nav, trades, book = performance.nav, performance.trades, performance.book
    is_known = performance.nav_reason is None
    document: Document = {
        "account_id": performance.account.id,
        "as_of": performance.as_of,
        "total_trades": trades.total_trades,
        "active_positions": book.active_positions,
        "total_return_pct": percent(nav.total_return) if is_known else None,
        "sum_return_pct": percent(trades.sum_return),
        "avg_return_per_trade": percent(trades.average_return),
        "avg_return_per_trade_pct": percent(trades.average_return),
        "win_rate": trades.win_rate,
        "win_rate_pct": percent(trades.win_rate),
        "max_win": percent(trades.best_return),
        "max_loss": percent(trades.worst_return),
        "current_drawdown": percent(-nav.current_drawdown) if is_known else None,
        "max_drawdown_pct": percent(nav.max_drawdown),
        "drawdown_days": nav.drawdown_days,
        "recovery_days": nav.recovery_days,
        "trade_curve_drawdown_pct": percent(trades.curve_drawdown),
        "sharpe_ratio": nav.sharpe_ratio,
        "sortino_ratio": nav.sortino_ratio,
        "annualized_roi": percent(nav.annualized_return),
        "profit_factor": trades.profit_factor,
        "expectancy_r": trades.expectancy_r,
        "calmar": nav.calmar_ratio,
        "exposure_pct": percent(book.exposure),
        "heat_pct": percent(book.open_risk.value),
        "open_pnl": book.open_pnl,
        "total_fees": trades.total_fees + book.fees,
        "stale_days": nav.stale_days,
        "by_regime": {group.regime: _regime(group) for group in trades.by_regime},
        "reasons": _reasons(performance),
    }
    return {**document, "targets": _targets(performance, document)}


def percent(value: Decimal | None) -> Decimal | None:
    """A fraction in percent points."""
    return None if value is None else value * HUNDRED


def _regime(group: RegimeStatistics) -> Document:
    return {
        "trades": group.trades,
        "win_rate": group.win_rate,
        "avg_return_pct": percent(group.average_return),
        "sum_return_pct": percent(group.sum_return),
    }


def _reasons(performance: Performance) -> dict[str, str]:
    parts = (performance.nav.reasons, performance.trades.reasons, performance.book.reasons)
    reasons = {
        name: why for part in parts for key, why in part.items() for name in _NAMES.get(key, (key,))
    }
    if performance.nav_reason is not None:
        reasons["total_return_pct"] = reasons["current_drawdown"] = performance.nav_reason
    if performance.book.open_risk.reason is not None:
        reasons["heat_pct"] = performance.book.open_risk.reason
    for group in performance.trades.by_regime:
        if group.win_rate is None:
            reasons[f"by_regime.{group.regime}.win_rate"] = "no_wins_or_losses"
    return reasons


def _targets(performance: Performance, document: Document) -> list[Document]:
    goals = performance.targets
    tolerated = goals.max_drawdown_tolerance * HUNDRED
    rows = (
        ("target_roi", goals.target_roi_pct, document["annualized_roi"]),
        ("max_drawdown_tolerance", tolerated, document["max_drawdown_pct"]),
        ("min_sharpe_ratio", goals.min_sharpe_ratio, document["sharpe_ratio"]),
        ("min_win_rate", goals.min_win_rate, document["win_rate"]),
    )
    return [
        {"name": name, "target": goal, "actual": actual, "met": _is_met(name, goal, actual)}
        for name, goal, actual in rows
    ]


def _is_met(name: str, goal: Decimal, actual: object) -> bool | None:
    if not isinstance(actual, Decimal):
        return None
    if name == "max_drawdown_tolerance":
        return actual <= goal
    return actual >= goal
