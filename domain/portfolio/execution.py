"""What a venue reports: executions and what happened to orders. Plain facts, booked elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.portfolio.fill import Liquidity
from domain.portfolio.lifecycle import OrderFact
from domain.shared.side import Side


class ExecutionReason(StrEnum):
    """Which rule executed the order."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    TRAILING_STOP = "trailing_stop"
    LIQUIDATION = "LIQUIDATION"


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution. `external_id` is the same whenever the same events are replayed.

    `fee` and `slippage` are money with 6 decimals; slippage is already contained in the price: what
    the price is worse than the touch, times quantity. A liquidation has no order: `order_id` null.
    """

    external_id: str
    order_id: str | None
    account_id: str
    instrument: str
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    slippage: Decimal
    liquidity: Liquidity
    reason: ExecutionReason
    executed_at: datetime
    trigger_price: Decimal | None = None


class ReportKind(StrEnum):
    """What happened to an order besides executions."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TRIGGERED = "triggered"
    LEVEL_MOVED = "level_moved"
    RESIZED = "resized"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def fact(self) -> OrderFact | None:
        """The fact it is for the order's lifecycle; null when its state does not change."""
        return _FACTS.get(self)


_FACTS = {
    ReportKind.ACCEPTED: OrderFact.ACCEPTED,
    ReportKind.REJECTED: OrderFact.REFUSED,
    ReportKind.CANCELLED: OrderFact.CANCEL_CONFIRMED,
    ReportKind.EXPIRED: OrderFact.EXPIRED,
}


class ReportReason(StrEnum):
    """Why a venue refused, cut or ended an order."""

    NO_PRICE = "no_price"
    PRICE_STALE = "price_stale"
    INVALID_ORDER = "invalid_order"
    REDUCE_ONLY = "reduce_only"
    OCO = "oco"
    PARENT_FILLED = "parent_filled"
    PARENT_ENDED = "parent_ended"
    REQUESTED = "requested"
    IOC_NOT_FILLED = "ioc_not_filled"
    FOK_NOT_FILLED = "fok_not_filled"
    DAY_ENDED = "day_ended"
    GOOD_TILL_PASSED = "good_till_passed"
    BUYING_POWER = "buying_power"


@dataclass(frozen=True, slots=True)
class OrderReport:
    """One fact about one order. `open_qty` is what may fill afterwards, `stop_price` the level in
    force afterwards.
    """

    order_id: str
    kind: ReportKind
    at: datetime
    open_qty: Decimal
    stop_price: Decimal | None = None
    reason: ReportReason | None = None


News = Execution | OrderReport
