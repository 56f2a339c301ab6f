"""Everything the gate may look at, as one frozen value: no clock, no I/O, no position aggregate."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from domain.plans.balancing_plan import BalancingPlan
from domain.risk.sizing import SizingLimits
from domain.risk.verdict import DataQuality
from domain.shared.decimals import ONE, ZERO
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """The order as it would be sent. `needs_cash` is its whole reservation, null without a
    price.
    """

    side: Side
    qty: Decimal
    needs_cash: Decimal | None
    commission_rate: Decimal
    is_close: bool = False
    is_automatic: bool = False
    reduce_only: bool = False
    confirm_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class PositionFacts:
    """The position as the checks need it; free amounts exclude what open orders hold."""

    qty: Decimal
    effective_cash: Decimal
    free_cash: Decimal
    free_qty: Decimal
    open_buys_qty: Decimal
    open_sells_qty: Decimal
    is_cell: bool
    plan: BalancingPlan | None


@dataclass(frozen=True, slots=True)
class Reference:
    """Price the figures use, and how good it is."""

    value: Decimal | None
    quality: DataQuality
    source: str | None


@dataclass(frozen=True, slots=True)
class Counters:
    """Counts the repositories made inside the same transaction."""

    orders_today: int = 0
    unresolved_orders: int = 0
    client_order_id_exists: bool = False
    similar_order_age_s: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Effective limits that bind this order; null means no limit."""

    max_order_quantity: Decimal | None = None
    duplicate_window_s: Decimal = Decimal(5)
    duplicate_policy: str = "warn"


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """Trading rules of the instrument."""

    lot_step: Decimal


@dataclass(frozen=True, slots=True)
class TradeFacts:
    """What an order opens when its plan brings a stop with it, in the size function's terms.

    `held_qty`: held in the instrument outside cells already; `cluster_risk`: loss at the stops of
    the positions that move with it. Distances are fractions of the entry.
    """

    equity: Decimal
    entry: Decimal
    stop: Decimal
    per_share_risk: Decimal
    limits: SizingLimits
    held_qty: Decimal = ZERO
    cluster_risk: Decimal = ZERO
    stop_distance_min: Decimal = ZERO
    stop_distance_max: Decimal = ONE
    price_step: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class GateContext:
    """One order, its position, its account, at one instant."""

    order: OrderDraft
    position: PositionFacts
    instrument: InstrumentFacts
    reference: Reference
    trading_state: str
    now: datetime
    counters: Counters = field(default_factory=Counters)
    limits: Limits = field(default_factory=Limits)
    trade: TradeFacts | None = None

    @property
    def is_reducing(self) -> bool:
        """Opposite to the position and, with all open orders on its side, not beyond it."""
        if self.order.reduce_only:
            return True
        held = self.position.qty
        if self.order.side is Side.SELL:
            return held > ZERO and self.order.qty + self.position.open_sells_qty <= held
        return held < ZERO and self.order.qty + self.position.open_buys_qty <= -held
