"""What a trade looks like after a step: the answer that is stored, and shown again on a replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from application.portfolio.trade_rows import Row, TradeMoment
from application.portfolio.trade_state import last_price, net_state
from domain.plans.trade_figures import TradeFigures, trade_figures
from domain.portfolio.position import Position, PositionStatus
from domain.shared.decimals import cash, fraction
from domain.shared.instants import rfc3339


@dataclass(frozen=True, slots=True)
class TradeReport:
    """`answer` holds JSON values; fractions, percent only in rows that say so."""

    position: Position
    answer: Mapping[str, object]
    replayed: bool = False


def report_of(
    position: Position,
    rows: Sequence[Row],
    days_held: int,
    moment: TradeMoment,
) -> TradeReport:
    """The state after a step, with the rows of what happened in it."""
    answer = {
        **trade_document(position, days_held),
        "session": moment.session.isoformat(),
        "as_of": rfc3339(moment.at),
        "actions": list(rows),
    }
    return TradeReport(position, answer)


def trade_document(position: Position, days_held: int) -> Row:
    """A trade in figures, at its newest reported price."""
    plan = position.exit_plan
    assert plan is not None
    figures = trade_figures(plan, net_state(position))
    return {
        "position_id": position.id,
        "symbol": position.instrument,
        "status": "CLOSED" if position.status is PositionStatus.CLOSED else "ACTIVE",
        "days_held": days_held,
        "qty": position.qty,
        "price": last_price(position),
        "stop": {"price": plan.stop.price, "kind": plan.stop.kind.value},
        "targets": [
            {"level": t.level, "price": t.price, "status": t.status.value} for t in plan.targets
        ],
        "regime": plan.current_regime.value,
        **_figures(figures),
    }


def _figures(figures: TradeFigures) -> Row:
    return {
        "current_pnl": _fraction(figures.current_pnl),
        "realized_pnl": fraction(figures.realized_pnl),
        "total_pnl": _fraction(figures.total_pnl),
        "final_pnl": _fraction(figures.final_pnl),
        "remaining_fraction": fraction(figures.remaining_fraction),
        "pnl_amount": None if figures.pnl_amount is None else cash(figures.pnl_amount),
        "max_profit": fraction(figures.max_profit),
        "max_loss": fraction(figures.max_loss),
    }


def _fraction(value: Decimal | None) -> Decimal | None:
    return None if value is None else fraction(value)
