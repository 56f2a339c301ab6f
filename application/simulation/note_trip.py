"""Keeps the round trip of a position in step with its executions."""

from dataclasses import dataclass

from application.ports.unit_of_work import UnitOfWork
from application.simulation.simulation_ids import SimulationIds
from domain.portfolio.apply_fill import FillOutcome
from domain.portfolio.execution import Execution, ExecutionReason
from domain.portfolio.order import Intent
from domain.portfolio.position import Position
from domain.portfolio.round_trip import RoundTrip, TripFill
from domain.portfolio.stop_plan import StopPlan
from domain.shared.decimals import ZERO
from domain.shared.ids import Prefix


@dataclass(frozen=True, slots=True)
class Booked:
    """One booked execution, with the position before it and the order's stop, if it has one.

    `leverage` is the order's: a trip it begins has it.
    """

    run_id: str
    before: Position
    outcome: FillOutcome
    execution: Execution
    leverage: int
    stop: StopPlan | None


def note_trip(booked: Booked, ids: SimulationIds, work: UnitOfWork) -> None:
    """An execution against the position leaves the trip; what goes beyond begins the next."""
    trips, before, execution = work.simulation.trips, booked.before, booked.execution
    fill = TripFill(
        execution.qty, execution.price, execution.fee, execution.slippage, execution.executed_at
    )
    trip = trips.open_of(before.id)
    if trip is not None and before.qty * execution.side.sign < 0:
        closed = min(fill.qty, abs(before.qty))
        part, rest = fill.shared(closed)
        realized = booked.outcome.fill.realized_pnl or ZERO
        is_flat = closed == abs(before.qty)
        trips.put(trip.left(part, realized, exit_reason(booked), is_flat=is_flat))
        if rest.qty == 0:
            return
        fill, trip = rest, None
    trips.put((trip or _begun(booked, ids)).entered(fill, booked.stop))


def _begun(booked: Booked, ids: SimulationIds) -> RoundTrip:
    return RoundTrip(
        id=ids.new(Prefix.TRADE),
        run_id=booked.run_id,
        position_id=booked.before.id,
        instrument=booked.before.instrument,
        side=booked.execution.side,
        leverage=booked.leverage,
        opened_at=booked.execution.executed_at,
        stop_price=None if booked.stop is None else booked.stop.level,
    )


def exit_reason(booked: Booked) -> str:
    """Why a position was left: stop_loss, take_profit, trailing_stop, liquidation, manual_close,
    opposite_order.
    """
    reason, intent = booked.execution.reason, booked.outcome.order.terms.intent
    if reason is ExecutionReason.LIQUIDATION:
        return "liquidation"
    if reason is ExecutionReason.TRAILING_STOP:
        return "trailing_stop"
    if reason is ExecutionReason.STOP:
        return "stop_loss"
    if intent is Intent.PROTECT:
        return "take_profit"
    return "manual_close" if intent is Intent.CLOSE else "opposite_order"
