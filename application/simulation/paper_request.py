"""What a caller asks for on paper, and whether its terms fit together."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.plans.bracket import is_stop_side, is_target_side
from domain.portfolio.order import OrderType, Origin, TimeInForce
from domain.shared.errors import FieldFault, Invalid
from domain.shared.side import Side

_LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_STOPS = (OrderType.STOP_MARKET, OrderType.STOP_LIMIT)


@dataclass(frozen=True, slots=True)
class PaperOrderRequest:
    """Quantity, or `risk_fraction` of equity with a stop to size by. Prices are never changed."""

    symbol: str
    side: Side
    type: OrderType = OrderType.MARKET
    qty: Decimal | None = None
    risk_fraction: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trail_fraction: Decimal | None = None
    reduce_only: bool = False
    leverage: int | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till: datetime | None = None
    is_close: bool = False
    origin: Origin = Origin.MANUAL
    note: str | None = None

    @property
    def has_bracket(self) -> bool:
        """True when its fills are followed by protective orders."""
        return self.stop_loss is not None or self.take_profit is not None


def require_fitting_terms(request: PaperOrderRequest, now: datetime) -> None:
    """Invalid `invalid_request` with a pointer per field that is missing or not used."""
    kind, lifetime = request.type, request.time_in_force
    sized = request.risk_fraction is not None
    wanted = (
        ("price", request.limit_price, kind in _LIMITS, kind.value),
        ("stop_price", request.stop_price, kind in _STOPS, kind.value),
        ("trail_fraction", request.trail_fraction, kind is OrderType.TRAILING_STOP, kind.value),
        ("good_till", request.good_till, lifetime is TimeInForce.GTD, lifetime.value),
        ("quantity", request.qty, not sized, "risk_fraction" if sized else "an order"),
    )
    faults = [
        FieldFault(f"/{name}", "missing", f"required by {by}")
        if needed
        else FieldFault(f"/{name}", "not_used", f"not used by {by}")
        for name, value, needed, by in wanted
        if needed is (value is None)
    ]
    if sized and request.stop_loss is None:
        faults.append(FieldFault("/stop_loss", "missing", "required by risk_fraction"))
    if request.reduce_only and request.has_bracket:
        faults.append(FieldFault("/reduce_only", "not_used", "a reducing order has no bracket"))
    if request.good_till is not None and request.good_till <= now:
        faults.append(FieldFault("/good_till", "in_past", "later than now"))
    if faults:
        raise Invalid(
            "invalid_request", "The order's terms do not fit together.", errors=tuple(faults)
        )


def require_bracket(request: PaperOrderRequest, entry: Decimal | None) -> None:
    """Long `stop < entry < target`, short reversed, else Invalid `invalid_bracket`."""
    if entry is None:
        return
    side, stop, target = request.side, request.stop_loss, request.take_profit
    faults = []
    if stop is not None and not is_stop_side(side, entry, stop):
        faults.append(FieldFault("/stop_loss", "invalid_bracket", "on the losing side of entry"))
    if target is not None and not is_target_side(side, entry, target):
        faults.append(FieldFault("/take_profit", "invalid_bracket", "on the winning side of entry"))
    if faults:
        raise Invalid(
            "invalid_bracket",
            "A long has its stop below and its target above the entry; a short the reverse.",
            errors=tuple(faults),
        )
