"""What the gate of a margin account looks at."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.shared.decimals import ZERO
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class MarginLimits:
    """Limits of the account. Risks are fractions of equity."""

    max_positions: int
    risk_per_trade: Decimal
    min_reward_risk: Decimal
    require_stop_loss: bool


@dataclass(frozen=True, slots=True)
class MarginOrder:
    """The order as it would be sent. `entry` is the price it is expected to fill at; null without a
    price. `needed_at_once` is margin, fees and losses against the mark of an order that fills at
    once, zero for one that rests. `loss_per_unit` is R: what one unit loses, costs included, when
    the stop fills; null without entry or stop.
    """

    side: Side
    qty: Decimal
    entry: Decimal | None
    margin_needed: Decimal
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    reduce_only: bool = False
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    needed_at_once: Decimal = ZERO
    loss_per_unit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MarginContext:
    """One order and the account at one instant.

    `open_symbols` counts instruments with a position or an order that would open one;
    `price_problem` is why no order may be matched now. `claimed_qty` is what resting orders on the
    order's side may take of the position before it. `available` and `equity` are null while a held
    position has no price.
    """

    order: MarginOrder
    position_qty: Decimal
    is_symbol_open: bool
    open_symbols: int
    available: Decimal | None
    equity: Decimal | None
    lot_step: Decimal
    limits: MarginLimits
    price_problem: str | None
    trading_state: str
    now: datetime
    claimed_qty: Decimal = ZERO
    tick_size: Decimal | None = None

    @property
    def is_reducing(self) -> bool:
        """Reduce-only, or against the position and not beyond what other orders leave of it."""
        against = self.position_qty * self.order.side.sign < 0
        left = abs(self.position_qty) - self.claimed_qty
        return self.order.reduce_only or (against and self.order.qty <= left)

    @property
    def unjudgeable(self) -> str | None:
        """Why no new risk can be judged; null when it can, or when the order has no price that
        `stale_data` would take.
        """
        if self.price_problem is not None:
            return None
        if self.available is None or self.equity is None:
            return "unpriced_position"
        if self.equity <= 0:
            return "no_equity"
        return "no_price" if self.order.entry is None else None
