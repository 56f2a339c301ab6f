"""Rows of the trade history: what one step of a trade was, as its event's outputs hold it.

Fractions have 10 decimals, percentages 8, money 6. The shape is promised in
docs/reference/trade-events.md; nothing else may write these events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from application.portfolio.trade_state import net_state
from domain.plans.exit_actions import Exit, ExitCause, MoveStop, MoveTarget, StopCause
from domain.plans.exit_levels import TargetStatus
from domain.plans.plan import Note
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.plans.trade_figures import trade_figures
from domain.portfolio.fill import Fill
from domain.portfolio.position import Position, PositionStatus
from domain.risk.sizing import Size
from domain.shared.decimals import ZERO, cash, divide, fraction
from domain.shared.instants import rfc3339

Row = dict[str, object]
HUNDRED = Decimal(100)


def percent(share: Decimal) -> Decimal:
    """A fraction in percent: 0.0233333333 → 2.33333333."""
    return fraction(share) * HUNDRED


@dataclass(frozen=True, slots=True)
class ExecutedExit:
    """An exit that filled; `entry_fee` is the entry's commission on the shares it sold."""

    exit: Exit
    fill: Fill
    entry_fee: Decimal = ZERO

    @property
    def net_amount(self) -> Decimal:
        """P&L after the fee of the exit and its part of the entry fee."""
        return (self.fill.realized_pnl or ZERO) - self.fill.fee - self.entry_fee


@dataclass(frozen=True, slots=True)
class TradeMoment:
    """When a step happened: trading day, and the instant in the market."""

    session: date
    at: datetime


def opened_row(position: Position, size: Size, commission: Decimal, requested: Decimal) -> Row:
    """The entry; the position has been sized and filled."""
    plan = _plan(position)
    return {
        **_head("POSITION_OPENED", position, TradeMoment(plan.entry_session, position.opened_at)),
        "entry_price": plan.entry_price,
        "regime": plan.regime_at_entry.value,
        "vix": plan.vix_at_entry,
        "stop_level": plan.stop.price,
        "profit_targets": [target.price for target in plan.targets],
        "adjustments_applied": plan.adjustments[0].text or "none",
        "quantity": plan.initial_qty,
        "notional": cash(size.notional),
        "commission": commission,
        "risk_amount": cash(size.risk_money),
        "expected_hold_days": plan.hold_limit_sessions,
        "true_range": plan.true_range,
        "true_range_source": plan.true_range_source.value,
        "requested_pct": requested * HUNDRED,
        "applied_pct": percent(size.applied_fraction),
        "binding": size.binding.value,
    }


def exit_row(position: Position, executed: ExecutedExit, moment: TradeMoment) -> Row:
    """Quantity that left, and the trade right after it."""
    plan, exit_, fill = _plan(position), executed.exit, executed.fill
    pnl = divide(executed.net_amount, initial_notional(plan))
    row: Row = {
        **_head(exit_.kind, position, moment),
        "quantity": fill.qty,
        "price": fill.price,
        "fee": fill.fee,
        "position_closed": percent(exit_.closed_fraction),
        "remaining_position": percent(exit_.remaining_fraction),
        "pnl": fraction(pnl),
        "pnl_pct": percent(pnl),
        "pnl_amount": cash(executed.net_amount),
        "reason": exit_.reason,
        "remaining_quantity": exit_.remaining_qty,
        "stop_level": plan.stop.price,
        "profit_targets": _pending(plan),
        "position_status": "ACTIVE" if exit_.remaining_qty else "CLOSED",
        "order_id": fill.order_id,
        "fill_id": fill.id,
    }
    if exit_.level is not None:
        row["profit_pct"] = percent(divide(fill.price, plan.entry_price) - 1)
    return row


def stop_row(position: Position, move: MoveStop, moment: TradeMoment) -> Row:
    """A stop that rose, or one that was kept from widening."""
    row: Row = {
        **_head(move.kind, position, moment),
        "old_stop": move.old,
        "new_stop": move.new,
        **_standing(position),
    }
    if move.cause is StopCause.REGIME_ADJUSTMENT:
        row |= {
            "old_regime": None if move.old_regime is None else move.old_regime.value,
            "new_regime": None if move.new_regime is None else move.new_regime.value,
            "adjustment_reason": move.reason,
            "suppressed_widening": move.suppressed_widening,
        }
    else:
        row["reason"] = move.reason
    return row


def targets_row(position: Position, moves: Sequence[MoveTarget], moment: TradeMoment) -> Row:
    """Targets that a person brought nearer."""
    return {
        **_head("TARGETS_TIGHTENED", position, moment),
        "levels": [move.level for move in moves],
        "old_targets": [move.old for move in moves],
        "new_targets": [move.new for move in moves],
        "reason": "tightened by hand",
        **_standing(position),
    }


def split_row(position: Position, ratio: Decimal, moment: TradeMoment) -> Row:
    """The trade in new shares; `ratio` = new shares per old share."""
    plan = _plan(position)
    return {
        **_head("SPLIT_APPLIED", position, moment),
        "ratio": ratio,
        "entry_price": plan.entry_price,
        "initial_quantity": plan.initial_qty,
        **_standing(position),
    }


def dividend_row(before: RegimeExitPlan, after: Position, dps: Decimal, moment: TradeMoment) -> Row:
    """Stop and targets after an ex-date; `dps` gross, in today's shares."""
    return {
        **_head("LEVELS_ADJUSTED_FOR_DIVIDEND", after, moment),
        "dps": dps,
        "old_stop": before.stop.price,
        "new_stop": _plan(after).stop.price,
        "old_targets": _pending(before),
        "new_targets": _pending(_plan(after)),
        **_standing(after),
    }


def emergency_row(position: Position, note: Note, moment: TradeMoment) -> Row:
    """An emergency of the session."""
    head = _head("EMERGENCY_PROTOCOL", position, moment)
    return {**head, **note.data, **_standing(position)}


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A trade that ended; `sold` are all its exits' fills, `days_held` sessions after the entry."""

    position: Position
    sold: Sequence[Fill]
    days_held: int


def closed_row(trade: ClosedTrade, moment: TradeMoment) -> Row:
    """The whole trade on one line."""
    position, plan = trade.position, _plan(trade.position)
    sold_qty = sum((fill.qty for fill in trade.sold), ZERO)
    proceeds = sum((fill.qty * fill.price for fill in trade.sold), ZERO)
    basis = position.basis
    net = basis.realized_pnl - basis.fees_paid
    closed_by = plan.closed_by or ExitCause.MANUAL_CLOSE
    return {
        **_head("POSITION_CLOSED", position, moment),
        "entry_price": plan.entry_price,
        "exit_price": fraction(divide(proceeds, sold_qty)) if sold_qty else None,
        "total_return_pct": percent(divide(net, initial_notional(plan))),
        "days_held": trade.days_held,
        "reason": closed_by.value,
        "regime_at_entry": plan.regime_at_entry.value,
        "profit_levels_hit": sum(t.status is TargetStatus.FILLED for t in plan.targets),
        "stop_triggered": closed_by is ExitCause.STOP_LOSS,
        "max_profit_seen": percent(plan.max_profit),
        "max_loss_seen": percent(plan.max_loss),
        "quantity": plan.initial_qty,
        "realized_pnl": basis.realized_pnl,
        "fees": basis.fees_paid,
        "net_pnl": net,
        "initial_risk": plan.initial_risk,
        "opened_at": rfc3339(position.opened_at),
        "closed_at": rfc3339(moment.at),
        "vix_at_entry": plan.vix_at_entry,
    }


def initial_notional(plan: RegimeExitPlan) -> Decimal:
    """Initial quantity · entry price: what fractions of the initial position are of."""
    return (plan.initial_qty or ZERO) * plan.entry_price


def action_of(row: Mapping[str, object]) -> str:
    """Published name of the row's action."""
    return str(row["action"])


def _head(action: str, position: Position, moment: TradeMoment) -> Row:
    return {
        "timestamp": rfc3339(moment.at),
        "action": action,
        "symbol": position.instrument,
        "position_id": position.id,
        "account_id": position.account_id,
        "session": moment.session.isoformat(),
    }


def _standing(position: Position) -> Row:
    is_closed = position.status is PositionStatus.CLOSED
    figures = trade_figures(_plan(position), net_state(position))
    total, amount = figures.total_pnl, figures.pnl_amount
    return {
        "quantity": position.qty,
        "pnl_pct": None if total is None else percent(total),
        "pnl_amount": None if amount is None else cash(amount),
        "remaining_quantity": position.qty,
        "stop_level": _plan(position).stop.price,
        "profit_targets": _pending(_plan(position)),
        "position_status": "CLOSED" if is_closed else "ACTIVE",
    }


def _pending(plan: RegimeExitPlan) -> list[Decimal]:
    return [target.price for target in plan.pending_targets]


def _plan(position: Position) -> RegimeExitPlan:
    plan = position.exit_plan
    assert plan is not None
    return plan
