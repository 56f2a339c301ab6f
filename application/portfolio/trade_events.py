"""Appends the events of a trade: one per row of its history, alerts beside emergencies."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from application.portfolio.recording import position_event
from application.portfolio.trade_rows import (
    ClosedTrade,
    ExecutedExit,
    Row,
    TradeMoment,
    action_of,
    closed_row,
    emergency_row,
    exit_row,
    stop_row,
)
from application.ports.unit_of_work import UnitOfWork
from domain.plans.exit_actions import MoveStop
from domain.plans.plan import Action, Note, NoteCode
from domain.portfolio.position import Position
from domain.shared.decimals import plain
from domain.shared.events import NewEvent
from domain.shared.side import Side

STEP_EVENTS = {
    "STOP_LOSS_EXECUTED": "stop_loss_executed",
    "PROFIT_TAKING_LEVEL_1": "profit_taking_level_1",
    "PROFIT_TAKING_LEVEL_2": "profit_taking_level_2",
    "PROFIT_TAKING_LEVEL_3": "profit_taking_level_3",
    "TIME_BASED_EXIT": "time_based_exit",
    "MANUAL_CLOSE": "manual_close",
    "REGIME_ADJUSTMENT": "regime_adjustment",
    "EMERGENCY_PROTOCOL": "emergency_protocol",
    "BREAKEVEN_STOP": "breakeven_stop",
    "TRAILING_STOP_MOVED": "trailing_stop_moved",
    "STOP_TIGHTENED": "stop_tightened",
    "TARGETS_TIGHTENED": "targets_tightened",
}


def step_rows(
    position: Position,
    actions: Sequence[Action],
    executed: Mapping[int, ExecutedExit],
    moment: TradeMoment,
) -> list[Row]:
    """Rows of a decision's actions in their order; `executed` holds its exits by index.

    Moved targets have no row here: the row of what moved them shows where they stand.
    """
    rows = []
    for number, action in enumerate(actions):
        if number in executed:
            rows.append(exit_row(position, executed[number], moment))
        elif isinstance(action, MoveStop):
            rows.append(stop_row(position, action, moment))
        elif isinstance(action, Note) and action.code is NoteCode.EMERGENCY_PROTOCOL:
            rows.append(emergency_row(position, action, moment))
    return rows


def step_event(position: Position, row: Row, inputs: Row, work: UnitOfWork) -> NewEvent:
    """One step as an event; the type is that of its action."""
    kind = STEP_EVENTS[action_of(row)]
    return position_event(kind, position, work.now, _told(row), inputs=inputs, outputs=row)


def step_events(
    position: Position, rows: Sequence[Row], inputs: Row, work: UnitOfWork
) -> list[NewEvent]:
    """An event per row, and an alert per emergency."""
    events = []
    for row in rows:
        events.append(step_event(position, row, inputs, work))
        if action_of(row) == "EMERGENCY_PROTOCOL":
            message = f"{position.instrument}: {row['protocol']}, {row['trigger']}."
            about = {"code": str(row["protocol"]), "trigger": row["trigger"]}
            alert = position_event("alert_raised", position, work.now, message, inputs=about)
            events.append(alert)
    return events


def closed_event(
    position: Position, moment: TradeMoment, days_held: int, work: UnitOfWork
) -> NewEvent:
    """The last row of a trade whose plan and quantity have ended."""
    sold = [fill for fill in work.fills.of_position(position.id) if fill.side is Side.SELL]
    row = closed_row(ClosedTrade(position, sold, days_held), moment)
    result = _number(row, "total_return_pct")
    message = f"{position.instrument} closed by {row['reason']}: {result} %."
    return position_event("position_closed", position, work.now, message, outputs=row)


def _told(row: Row) -> str:
    """The step in a sentence."""
    symbol, action = row["symbol"], action_of(row)
    if "price" in row:
        return f"{symbol} {action}: {_number(row, 'quantity')} at {_number(row, 'price')}."
    if "old_stop" in row:
        return f"{symbol} {action}: {_number(row, 'old_stop')} → {_number(row, 'new_stop')}."
    if "new_targets" in row:
        return (
            f"{symbol} {action}: {_numbers(row, 'old_targets')} → {_numbers(row, 'new_targets')}."
        )
    return f"{symbol} {action}: {row.get('trigger', '')}."


def _number(row: Row, name: str) -> str:
    value = row[name]
    return plain(value) if isinstance(value, Decimal) else str(value)


def _numbers(row: Row, name: str) -> str:
    value = row[name]
    assert isinstance(value, list)
    return ", ".join(plain(number) for number in value)
