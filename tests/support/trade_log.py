"""The life of one trade as events of the log, in the published shape."""

from datetime import timedelta
from decimal import Decimal

from domain.shared.events import NewEvent, explained
from domain.shared.instants import rfc3339
from tests.support.portfolio import START

D = Decimal
DAY = timedelta(days=1)

OPENED_ROW: dict[str, object] = {
    "timestamp": rfc3339(START),
    "action": "POSITION_OPENED",
    "symbol": "AAPL",
    "entry_price": D(100),
    "regime": "bull_normal",
    "vix": D("18.5"),
    "stop_level": D(92),
    "profit_targets": [D(112), D(125), D(140)],
    "adjustments_applied": "none",
    "quantity": D(200),
}
TARGET_ROW: dict[str, object] = {
    "timestamp": rfc3339(START + DAY),
    "action": "PROFIT_TAKING_LEVEL_1",
    "symbol": "AAPL",
    "quantity": D(50),
    "price": D(112),
    "fee": D("0.5"),
    "position_closed": D(25),
    "remaining_position": D(75),
    "position_status": "ACTIVE",
}
CLOSED_ROW: dict[str, object] = {
    "timestamp": rfc3339(START + 2 * DAY),
    "action": "POSITION_CLOSED",
    "symbol": "AAPL",
    "entry_price": D(100),
    "exit_price": D("102.92625"),
    "total_return_pct": D("2.92"),
    "days_held": 2,
    "reason": "time_exit",
    "regime_at_entry": "bull_normal",
    "profit_levels_hit": 1,
    "stop_triggered": False,
    "max_profit_seen": D(13),
    "max_loss_seen": D(-1),
    "quantity": D(200),
    "realized_pnl": D("585.25"),
    "fees": D("1.25"),
    "net_pnl": D(584),
    "initial_risk": D(1600),
    "opened_at": rfc3339(START),
    "closed_at": rfc3339(START + 2 * DAY),
}


def trade_events(
    account_id: str, symbol: str = "AAPL", position_id: str = "pos_1"
) -> list[NewEvent]:
    """Opened, one target taken, closed."""
    return [
        NewEvent(
            str(row["action"]).lower(),
            "position",
            position_id,
            account_id,
            explained("A step.", inputs={}, outputs={**row, "symbol": symbol}),
            START + number * DAY,
        )
        for number, row in enumerate((OPENED_ROW, TARGET_ROW, CLOSED_ROW))
    ]


def ended_cell(account_id: str) -> NewEvent:
    """The end of a balancing cell: an event of the same type that is no trade."""
    data = explained("Closed.", inputs={"cash": D(5)}, outputs={"status": "closed"})
    return NewEvent("position_closed", "position", "pos_cell", account_id, data, START)


def split_of_a_cell(account_id: str) -> NewEvent:
    """A split of something that is no trade, or of a trade before splits were steps of it."""
    data = explained("Split 2.", inputs={"ratio": D(2)}, outputs={"qty": D(20)})
    return NewEvent("split_applied", "position", "pos_cell", account_id, data, START)


MANUAL_ROW: dict[str, object] = {
    "timestamp": rfc3339(START + DAY),
    "action": "MANUAL_CLOSE",
    "symbol": "AAPL",
    "quantity": D(50),
    "price": D(101),
    "fee": D(0),
    "reason": "manual_close",
}
