"""From trades to canonical answers: plain documents in the shape of their schemas."""

from functools import lru_cache

from application.portfolio.open_regime_position import OpenedTrade
from application.portfolio.trade_report import TradeReport
from domain.plans.price_bar import PriceBar
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.shared.decimals import cash, fraction

Document = dict[str, object]


@lru_cache(maxsize=1024)
def exit_plan_document(plan: RegimeExitPlan) -> Document:
    """A trade's plan, in the shape of `RegimeExitPlanOut`."""
    return {
        "kind": "regime_exit",
        "profile": plan.profile.value,
        "entry_price": plan.entry_price,
        "initial_qty": plan.initial_qty,
        "size_fraction": plan.size_fraction,
        "initial_risk": plan.initial_risk,
        "regime_at_entry": plan.regime_at_entry.value,
        "current_regime": plan.current_regime.value,
        "vix_at_entry": plan.vix_at_entry,
        "true_range": plan.true_range,
        "true_range_source": plan.true_range_source.value,
        "stop": {
            "price": plan.stop.price,
            "kind": plan.stop.kind.value,
            "active_from": plan.stop.active_from,
        },
        "targets": [
            {
                "level": target.level,
                "price": target.price,
                "cumulative_fraction": target.cumulative_fraction,
                "status": target.status.value,
            }
            for target in plan.targets
        ],
        "expected_hold_days": plan.expected_hold_days,
        "time_exit_sessions": plan.time_exit_sessions,
        "trailing": plan.trailing,
        "high_water": plan.high_water,
        "adjustments": [
            {
                "session": adjustment.session,
                "stop_factor": fraction(adjustment.stop_factor),
                "profit_factor": fraction(adjustment.profit_factor),
                "urgency": adjustment.urgency,
                "reason": adjustment.reason,
            }
            for adjustment in plan.adjustments
        ],
        "last_bar": None if plan.last_bar is None else _bar(plan.last_bar),
        "closed_by": None if plan.closed_by is None else plan.closed_by.value,
    }


def opening_document(opened: OpenedTrade) -> Document:
    """Size and warnings of an opening, in the shape of `OpeningOut`."""
    size = opened.size
    return {
        "requested_fraction": opened.requested,
        "applied_fraction": fraction(size.applied_fraction),
        "quantity": size.quantity,
        "notional": cash(size.notional),
        "risk_money": cash(size.risk_money),
        "risk_fraction": fraction(size.risk_fraction),
        "binding": size.binding.value,
        "caps": [{"name": cap.name.value, "quantity": cap.quantity} for cap in size.caps],
        "regime_transition_detected": opened.market.regime_changed,
        "market_adjustments": opened.plan.adjustments[0].text,
        "entry_filter": None if opened.entry_filter is None else opened.entry_filter.value,
        "warnings": [*opened.warnings, *(warning.value for warning in size.warnings)],
    }


def report_document(report: TradeReport) -> Document:
    """A trade after a step, in the shape of `TradeReportOut`."""
    return {**report.answer, "replayed": report.replayed}


def _bar(bar: PriceBar) -> Document:
    return {
        "session": bar.session,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "is_final": bar.is_final,
    }
