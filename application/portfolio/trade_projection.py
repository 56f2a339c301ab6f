"""The trade history as a projection of the event log: an event of a trade is a row of it.

A row is an event whose type is an action in lower case and whose outputs name that action; an
event of such a type without it (the end or the split of a cell, say) is no step of a trade.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from domain.portfolio.trades import Trade
from domain.shared.events import LoggedEvent
from domain.shared.instants import from_rfc3339

TRADE_ACTIONS = (
    "POSITION_OPENED",
    "STOP_LOSS_EXECUTED",
    "PROFIT_TAKING_LEVEL_1",
    "PROFIT_TAKING_LEVEL_2",
    "PROFIT_TAKING_LEVEL_3",
    "REGIME_ADJUSTMENT",
    "EMERGENCY_PROTOCOL",
    "BREAKEVEN_STOP",
    "TRAILING_STOP_MOVED",
    "STOP_TIGHTENED",
    "TARGETS_TIGHTENED",
    "SPLIT_APPLIED",
    "LEVELS_ADJUSTED_FOR_DIVIDEND",
    "TIME_BASED_EXIT",
    "MANUAL_CLOSE",
    "POSITION_CLOSED",
)
CLOSED = "POSITION_CLOSED"
_ACTION_OF_TYPE = {action.lower(): action for action in TRADE_ACTIONS}

Outputs = Mapping[str, object]


def trade_outputs(event: LoggedEvent) -> Outputs | None:
    """The row's members, or None for an event that is no step of a trade."""
    action = _ACTION_OF_TYPE.get(event.type)
    if action is None:
        return None
    outputs = event.data.get("outputs")
    if not isinstance(outputs, Mapping) or outputs.get("action") != action:
        return None
    return outputs


def row_document(event: LoggedEvent, outputs: Outputs) -> dict[str, object]:
    """The published row: the event's outputs, its number, and the request that caused it."""
    return {**outputs, "seq": event.seq, "request_id": event.request_id}


def row_instant(event: LoggedEvent, outputs: Outputs) -> datetime:
    """When it happened in the market; the event's own instant where the row does not say."""
    return _instant(outputs.get("timestamp")) or event.occurred_at


def closed_trade(event: LoggedEvent, outputs: Outputs) -> Trade | None:
    """The trade that a closing row ends; None for every other row."""
    if outputs["action"] != CLOSED:
        return None
    risk = outputs.get("initial_risk")
    regime = outputs.get("regime_at_entry")
    closed_at = _instant(outputs.get("closed_at")) or row_instant(event, outputs)
    return Trade(
        position_id=event.aggregate_id,
        instrument=str(outputs["symbol"]),
        opened_at=_instant(outputs.get("opened_at")) or closed_at,
        closed_at=closed_at,
        entry_price=_exact(outputs["entry_price"]),
        initial_qty=_exact(outputs["quantity"]),
        realized_pnl=_exact(outputs["realized_pnl"]),
        fees=_exact(outputs["fees"]),
        initial_risk=None if risk is None else _exact(risk),
        regime_at_entry=None if regime is None else str(regime),
    )


def _exact(value: object) -> Decimal:
    return Decimal(str(value))


def _instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return from_rfc3339(value) if isinstance(value, str) else None
