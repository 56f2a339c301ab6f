"""What a plan sees and what it may answer: views of a position and its market, actions, reasons.

Plans never import the position aggregate; they decide from these frozen values alone, so the same
inputs give the same answer live, on paper and in a backtest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.plans.exit_actions import Exit, MoveStop, MoveTarget
from domain.shared.decimals import QUANTITY_STEP, ZERO, divide
from domain.shared.side import Side

PRICE_AGE_MAX_S = Decimal(60)


class DecisionAction(StrEnum):
    """HOLD: no trigger. SKIP: trigger or breach, but blocked. BUY and SELL: a valid proposal."""

    HOLD = "HOLD"
    SKIP = "SKIP"
    BUY = "BUY"
    SELL = "SELL"


class ReasonCode(StrEnum):
    """Why a decision came out as it did."""

    THRESHOLD_CROSSED = "threshold_crossed"
    AUTO_GUARDRAIL_REBALANCE = "auto_guardrail_rebalance"
    WITHIN_THRESHOLDS = "within_thresholds"
    NO_PLAN = "no_plan"
    NO_PRICE = "no_price"
    STALE_PRICE = "stale_price"
    NO_ANCHOR = "no_anchor"
    ANCHOR_ANOMALY = "anchor_anomaly"
    SIGN_MISMATCH = "sign_mismatch"
    PENDING_ORDER = "pending_order"
    PAUSED = "paused"
    DAILY_CAP_REACHED = "daily_cap_reached"
    BELOW_MINIMUM = "below_minimum"
    MARKET_CLOSED = "market_closed"


class SessionPhase(StrEnum):
    """Phase of the instrument's trading day; a 24/7 instrument is always REGULAR."""

    PRE = "PRE"
    REGULAR = "REGULAR"
    POST = "POST"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class PriceView:
    """A price with where it came from; `age_s` is 0 for a price sent in the request."""

    value: Decimal
    source: str
    age_s: Decimal = ZERO
    as_of: datetime | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MarketView:
    """Price and session facts at `now`.

    `phase` null means the session is unknown, which blocks an automatic run. `session_close` is the
    close of the session in progress. `max_price_age_s` null means any age will do.
    """

    now: datetime
    price: PriceView | None = None
    phase: SessionPhase | None = None
    session_close: datetime | None = None
    orders_today: int = 0
    has_pending_order: bool = False
    is_automatic: bool = False
    max_price_age_s: Decimal | None = PRICE_AGE_MAX_S


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position as a plan sees it.

    `qty` and `cash` include what open orders hold: `reserved_qty` and `reserved_cash`.
    `receivable` is net dividends accrued and not yet paid. `qty_step` is the instrument's lot.
    """

    position_id: str
    instrument: str
    qty: Decimal
    cash: Decimal
    receivable: Decimal = ZERO
    reserved_cash: Decimal = ZERO
    reserved_qty: Decimal = ZERO
    anchor_price: Decimal | None = None
    avg_cost: Decimal | None = None
    is_paused: bool = False
    price_step: Decimal | None = None
    qty_step: Decimal = QUANTITY_STEP

    @property
    def effective_cash(self) -> Decimal:
        """Settled cash plus receivable: what sizing and allocation count."""
        return self.cash + self.receivable

    @property
    def free_cash(self) -> Decimal:
        """Settled cash minus reservations: what can be spent."""
        return self.cash - self.reserved_cash

    @property
    def free_qty(self) -> Decimal:
        """Quantity that no open sell order holds."""
        return self.qty - self.reserved_qty

    def equity_at(self, price: Decimal) -> Decimal:
        """`qty·price + cash + receivable`, exact."""
        return self.qty * price + self.effective_cash

    def stock_fraction_at(self, price: Decimal) -> Decimal | None:
        """Stock value / equity; null when equity is not above zero."""
        return stock_fraction(self.qty, self.effective_cash, price)


def stock_fraction(qty: Decimal, effective_cash: Decimal, price: Decimal) -> Decimal | None:
    """`qP / (qP + C)` in 50 digits; null when the equity is not above zero."""
    value = qty * price
    equity = value + effective_cash
    return divide(value, equity) if equity > 0 else None


class ClipStep(StrEnum):
    """Which limit changed a quantity."""

    MAX_TRADE = "max_trade"
    INVENTORY = "inventory"
    CASH = "cash"
    BAND = "band"
    QTY_STEP = "qty_step"
    MINIMUM = "minimum"


@dataclass(frozen=True, slots=True)
class Trim:
    """One change of a quantity; `limit` is the configured or available amount that caused it.

    `limit` is a fraction of equity for max_trade, shares for inventory and qty_step, money for
    cash, the band's bound for band, the smallest quantity for minimum. Quantities: 10 decimals.
    """

    step: ClipStep
    from_qty: Decimal
    to_qty: Decimal
    limit: Decimal


@dataclass(frozen=True, slots=True)
class Propose:
    """Trade `qty` > 0 on `side`."""

    side: Side
    qty: Decimal
    reason: ReasonCode
    trimming: tuple[Trim, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing to do, and why."""

    reason: ReasonCode


class NoteCode(StrEnum):
    """Facts worth an event beside the decision."""

    ANCHOR_ANOMALY = "anchor_anomaly"
    ORDER_REJECTED_MIN = "order_rejected_min"
    EMERGENCY_PROTOCOL = "emergency_protocol"


@dataclass(frozen=True, slots=True)
class Note:
    """A fact for the event log; `data` holds JSON values (Decimal for numbers)."""

    code: NoteCode
    data: Mapping[str, object] = field(hash=False)


Action = Propose | Hold | Note | Exit | MoveStop | MoveTarget
