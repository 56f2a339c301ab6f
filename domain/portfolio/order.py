"""An order: immutable terms, and a state that only `lifecycle` moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.portfolio.lifecycle import OrderFact, OrderStatus, next_status
from domain.shared.decimals import ZERO, cash_part, divide
from domain.shared.side import Side

AVERAGE_PRICE_STEP = Decimal("1e-12")
# Venues without a world outside this service: what the book says of their orders is the truth.
VENUES_HELD_HERE = ("manual", "paper")


class OrderType(StrEnum):
    """How the price of an order is determined."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order may rest."""

    GTC = "gtc"
    DAY = "day"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class Intent(StrEnum):
    """What the order does to the position."""

    OPEN = "open"
    INCREASE = "increase"
    REDUCE = "reduce"
    CLOSE = "close"
    PROTECT = "protect"


class Origin(StrEnum):
    """Who decided."""

    MANUAL = "manual"
    PLAN = "plan"
    STRATEGY = "strategy"
    BREAKER = "breaker"


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What was asked for; never changed after submission."""

    side: Side
    qty: Decimal
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till: datetime | None = None
    reduce_only: bool = False
    intent: Intent = Intent.INCREASE
    origin: Origin = Origin.MANUAL
    commission_rate: Decimal = ZERO
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Terms, identity and state. `reserved` is what the ledger still holds for it (cash or shares);
    an order that waits for its session to open is `pending_submit` with `deferred_until`.
    """

    id: str
    client_order_id: str
    owner_id: str
    account_id: str
    position_id: str
    instrument: str
    venue: str
    terms: OrderTerms
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    filled_qty: Decimal = ZERO
    filled_notional: Decimal = ZERO
    fees: Decimal = ZERO
    reserved: Decimal | None = None
    reservation_price: Decimal | None = None
    reason: str | None = None
    rejected_by: str | None = None
    checks: Sequence[Mapping[str, object]] = field(default=(), hash=False)
    evaluation_id: str | None = None
    cancel_requested_at: datetime | None = None
    deferred_until: datetime | None = None
    version: int = 1

    @property
    def remaining_qty(self) -> Decimal:
        """Quantity that may still fill; 0 once the order is terminal."""
        return ZERO if self.status.is_terminal else self.terms.qty - self.filled_qty

    @property
    def avg_fill_price(self) -> Decimal | None:
        """Volume-weighted price of its fills, 12 decimals; null without fills."""
        if self.filled_qty == 0:
            return None
        return divide(self.filled_notional, self.filled_qty).quantize(AVERAGE_PRICE_STEP)

    def notional_of(self, qty: Decimal, price: Decimal) -> Decimal:
        """Ledger cash that the next execution moves, fees apart."""
        return cash_part(self.filled_notional, qty * price)

    def commission_of(self, qty: Decimal, price: Decimal) -> Decimal:
        """Rate · notional of the next execution, as part of the whole order's commission."""
        rate = self.terms.commission_rate
        return cash_part(self.filled_notional * rate, qty * price * rate)

    def moved(self, fact: OrderFact, at: datetime, *, reason: str | None = None) -> "Order":
        """The order after a fact without a quantity; Defect on an illegal move."""
        return replace(
            self,
            status=next_status(self.status, fact),
            updated_at=at,
            reason=reason or self.reason,
            version=self.version + 1,
        )

    def with_fill(self, qty: Decimal, price: Decimal, fee: Decimal, at: datetime) -> "Order":
        """The order after one execution; quantity may exceed the order only for venue reports."""
        filled = self.filled_qty + qty
        fact = OrderFact.FULL_FILL if filled >= self.terms.qty else OrderFact.PARTIAL_FILL
        return replace(
            self,
            status=next_status(self.status, fact),
            filled_qty=filled,
            filled_notional=self.filled_notional + qty * price,
            fees=self.fees + fee,
            updated_at=at,
            version=self.version + 1,
        )
