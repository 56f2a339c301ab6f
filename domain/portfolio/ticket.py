"""What a venue is told of an order, and what it remembers of one that rests."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from domain.portfolio.order import OrderType, TimeInForce
from domain.shared.decimals import ZERO
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """Terms as a venue needs them; costs and leverage are copied from the account at submission.

    `expires_at` is the session close of a DAY order and the end of a GTD order, null otherwise.
    Orders of one `group_id` cancel each other. An order with a `parent_id` sleeps until its parent
    fills and then has the quantity the parent has filled; its own `qty` is the most it can get.
    """

    order_id: str
    client_order_id: str
    account_id: str
    instrument: str
    side: Side
    qty: Decimal
    tick_size: Decimal
    type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.GTC
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_fraction: Decimal | None = None
    expires_at: datetime | None = None
    reduce_only: bool = False
    group_id: str | None = None
    parent_id: str | None = None
    taker_rate: Decimal = ZERO
    maker_rate: Decimal = ZERO
    slippage: Decimal = ZERO
    leverage: int = 1


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An order that has not ended. Everything a venue must store to go on after a restart.

    `open_qty` may fill still (0 while a child sleeps). `stop_price` is the level in force: it moves
    with a trailing stop. A triggered order is a market or a limit order from then on. `fill_count`
    numbers its executions. `seq` is time priority among orders at one price.
    """

    ticket: OrderTicket
    accepted_at: datetime
    seq: int
    open_qty: Decimal
    filled_qty: Decimal = ZERO
    fill_count: int = 0
    stop_price: Decimal | None = None
    is_triggered: bool = False

    def filled(self, qty: Decimal) -> "RestingOrder":
        """After one execution of `qty`."""
        return replace(
            self,
            open_qty=self.open_qty - qty,
            filled_qty=self.filled_qty + qty,
            fill_count=self.fill_count + 1,
        )
