"""From trades to the desktop's names and units; every number comes from the use case."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from app.api.compat import trade_schemas as s
from app.api.idempotency import Presented
from app.api.problems import Problem
from application.portfolio.live_trades import LiveTrade
from application.portfolio.open_regime_position import OpenedTrade
from application.portfolio.trade_report import TradeReport
from application.portfolio.trade_rows import percent
from application.portfolio.trade_state import last_price
from domain.risk.desktop_configuration import DesktopConfiguration
from domain.shared.decimals import cash, divide, fraction

HUNDRED = Decimal(100)
Document = dict[str, object]
_SHOWN = frozenset(s.ActionOut.model_fields)


def opened(trade: OpenedTrade, configuration: DesktopConfiguration) -> Document:
    """In the shape of `OpenedOut`."""
    plan, size = trade.plan, trade.size
    execution = configuration.execution
    costs: object = "not_configured"
    if execution.is_configured:
        costs = {
            "commission_rate": execution.commission_rate,
            "slippage_bps": execution.slippage_bps,
        }
    return {
        "position_id": trade.position.instrument,
        "id": trade.position.id,
        "symbol": trade.position.instrument,
        "entry_price": plan.entry_price,
        "regime": plan.regime_at_entry.value,
        "stop_level": plan.stop.price,
        "stop_distance_pct": percent(divide(plan.stop.price, plan.entry_price) - 1),
        "profit_targets": [target.price for target in plan.targets],
        "expected_hold_days": plan.expected_hold_days,
        "regime_transition_detected": trade.market.regime_changed,
        "market_adjustments": plan.adjustments[0].text,
        "sizing": {
            "requested_pct": trade.requested * HUNDRED,
            "applied_pct": percent(size.applied_fraction),
            "shares": size.quantity,
            "notional": cash(size.notional),
            "risk_amount": cash(size.risk_money),
            "risk_pct": percent(size.risk_fraction),
            "binding": size.binding.value,
            "caps": [{"name": cap.name.value, "shares": cap.quantity} for cap in size.caps],
            "warnings": [warning.value for warning in size.warnings],
        },
        "entry_filter": None if trade.entry_filter is None else trade.entry_filter.value,
        "costs": costs,
        "warnings": list(trade.warnings),
    }


def refused(presented: Presented, shape: Callable[[Problem], Problem]) -> Presented:
    """A refusal by the gate in the shape and with the status of these paths."""
    assert isinstance(presented.body, Problem)
    problem = shape(presented.body)
    return Presented(problem.status, problem)


def updated(report: TradeReport) -> Document:
    """In the shape of `UpdatedOut`."""
    told = report.answer
    stop, actions = told["stop"], told["actions"]
    assert isinstance(stop, Mapping) and isinstance(actions, Sequence)
    return {
        "symbol": told["symbol"],
        "id": told["position_id"],
        "actions": [_action(row) for row in actions],
        "position_status": told["status"],
        "current_pnl": told["current_pnl"],
        "realized_pnl": told["realized_pnl"],
        "total_pnl": told["total_pnl"],
        "remaining_position": _percent(told["remaining_fraction"]),
        "days_held": told["days_held"],
        "stop_level": stop["price"],
        "max_profit": told["max_profit"],
        "max_loss": told["max_loss"],
        "final_pnl": told["final_pnl"],
        "current_pnl_pct": _percent(told["current_pnl"]),
        "realized_pnl_pct": _percent(told["realized_pnl"]),
        "final_pnl_pct": _percent(told["final_pnl"]),
        "pnl_amount": told["pnl_amount"],
        "session": told["session"],
        "replayed": report.replayed,
    }


def shown(trade: LiveTrade) -> Document:
    """In the shape of `DesktopPositionOut`."""
    position, plan, figures = trade.position, trade.plan, trade.figures
    current = figures.current_pnl
    return {
        "symbol": position.instrument,
        "entry_price": plan.entry_price,
        "entry_date": position.opened_at,
        "position_size": (plan.size_fraction or Decimal(0)) * HUNDRED,
        "regime_at_entry": plan.regime_at_entry.value,
        "vix_at_entry": plan.vix_at_entry,
        "stop_level": plan.stop.price,
        "profit_levels": [target.price for target in plan.targets],
        "remaining_position": percent(figures.remaining_fraction),
        "realized_pnl": fraction(figures.realized_pnl),
        "days_held": trade.days_held,
        "id": position.id,
        "quantity": position.qty,
        "current_price": last_price(position),
        "current_pnl": None if current is None else fraction(current),
        "current_regime": plan.current_regime.value,
        "expected_hold_days": plan.expected_hold_days,
        "max_profit": fraction(figures.max_profit),
        "max_loss": fraction(figures.max_loss),
    }


def _action(row: Mapping[str, object]) -> Document:
    """A row of the trade history under the names of an action; null members are left out."""
    named = {"ts": row["timestamp"], **row}
    return {name: value for name, value in named.items() if name in _SHOWN}


def _percent(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value)) * HUNDRED
