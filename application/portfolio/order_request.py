"""What a caller asks of an order: checked, never changed, and turned into the order's terms."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.portfolio.account import Account
from domain.portfolio.order import Intent, OrderTerms, OrderType, Origin, TimeInForce
from domain.portfolio.position import Position
from domain.risk.context import TradeFacts
from domain.shared.errors import FieldFault, Invalid
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What the caller asks for; prices and quantity are checked, never changed.

    A `client_order_id` of its own makes the same intent recognisable; it is used once, for ever.
    `trade` is what the order opens when its plan brings a stop; `commission_rate` None takes the
    plan's or the account's.
    """

    side: Side
    qty: Decimal
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till: datetime | None = None
    note: str | None = None
    is_close: bool = False
    origin: Origin = Origin.MANUAL
    evaluation_id: str | None = None
    proposal_id: str | None = None
    declared_price: Decimal | None = None
    confirm_duplicate: bool = False
    client_order_id: str | None = None
    commission_rate: Decimal | None = None
    trade: TradeFacts | None = None


def order_terms(position: Position, account: Account, request: OrderRequest) -> OrderTerms:
    """Terms of the order; the commission rate is the plan's where it has one."""
    intent = Intent.INCREASE if position.qty else Intent.OPEN
    if request.side is Side.SELL:
        intent = Intent.REDUCE
    rate = request.commission_rate
    if rate is None:
        plan = position.balancing_plan
        rate = account.costs.commission_rate if plan is None else plan.commission_rate
    return OrderTerms(
        side=request.side,
        qty=request.qty,
        type=request.type,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
        time_in_force=request.time_in_force,
        good_till=request.good_till,
        reduce_only=request.is_close,
        intent=Intent.CLOSE if request.is_close else intent,
        origin=request.origin,
        commission_rate=rate,
        note=request.note,
    )


def require_order_prices(request: OrderRequest) -> None:
    """Limit orders carry a limit price, stop orders a stop price, GTD its end, others none
    of it.
    """
    faults = []
    kind, lifetime = request.type, request.time_in_force
    for name, value, needed, by in (
        ("limit_price", request.limit_price, kind in _LIMIT_TYPES, kind.value),
        ("stop_price", request.stop_price, kind in _STOP_TYPES, kind.value),
        ("good_till", request.good_till, lifetime is TimeInForce.GTD, lifetime.value),
    ):
        if needed and value is None:
            faults.append(FieldFault(f"/{name}", "missing", f"required by {by}"))
        if not needed and value is not None:
            faults.append(FieldFault(f"/{name}", "not_used", f"not used by {by}"))
    if request.type is OrderType.TRAILING_STOP:
        fault = FieldFault("/order_type", "unsupported", "the manual venue takes no trailing stop")
        faults.append(fault)
    if faults:
        raise Invalid(
            "invalid_request", "The order's terms do not fit together.", errors=tuple(faults)
        )


def require_time_left(request: OrderRequest, now: datetime) -> None:
    """Invalid when a GTD order ends before it begins."""
    if request.good_till is not None and request.good_till <= now:
        fault = FieldFault("/good_till", "in_past", "later than now")
        raise Invalid("invalid_request", "good_till lies in the past.", errors=(fault,))


_LIMIT_TYPES = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_STOP_TYPES = (OrderType.STOP_MARKET, OrderType.STOP_LIMIT)
