"""A bracket: an entry, and from its fills on a stop and perhaps a target, of which one cancels the
other. Rules only; orders are made from them elsewhere.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ZERO, divide
from domain.shared.errors import FieldFault, Invalid
from domain.shared.side import Side


class EntryType(StrEnum):
    """How a bracket is entered."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"


@dataclass(frozen=True, slots=True)
class BracketEntry:
    """Type and price; a market entry has none."""

    type: EntryType = EntryType.MARKET
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BracketPlan:
    """`side` BUY enters long. `trailing_fraction` lets the stop trail the best price since entry,
    a fraction of it; `max_hold_bars` ends the trade after so many closed bars.
    """

    side: Side
    entry: BracketEntry
    stop: Decimal
    take_profit: Decimal | None = None
    trailing_fraction: Decimal | None = None
    max_hold_bars: int | None = None
    signal_id: str | None = None
    stop_order_id: str | None = None
    target_order_id: str | None = None

    @property
    def exit_side(self) -> Side:
        """Side of both children."""
        return Side.SELL if self.side is Side.BUY else Side.BUY


def is_stop_side(side: Side, entry: Decimal, stop: Decimal) -> bool:
    """A stop lies below a long's entry and above a short's."""
    return side.sign * stop < side.sign * entry


def is_target_side(side: Side, entry: Decimal, target: Decimal) -> bool:
    """A target lies above a long's entry and below a short's."""
    return side.sign * target > side.sign * entry


def require_bracket(plan: BracketPlan, reference_price: Decimal) -> None:
    """Long `stop < entry < take_profit`, short reversed; a market entry counts at the reference.

    Raises Invalid `invalid_bracket` with every fault.
    """
    entry, sign = _entry_price(plan, reference_price), plan.side.sign
    target, trail = plan.take_profit, plan.trailing_fraction
    is_market = plan.entry.type is EntryType.MARKET
    faults = []
    if is_market != (plan.entry.price is None):
        faults.append(("entry/price", "given unless the entry is a market order"))
    prices = [p for p in (plan.entry.price, plan.stop, target) if p is not None]
    if any(not price.is_finite() or price <= 0 for price in prices):
        faults.append(("stop", "all prices are finite and above zero"))
    elif not is_stop_side(plan.side, entry, plan.stop):
        faults.append(("stop", f"{'below' if sign > 0 else 'above'} the entry"))
    elif target is not None and not is_target_side(plan.side, entry, target):
        faults.append(("take_profit", f"{'above' if sign > 0 else 'below'} the entry"))
    if trail is not None and not 0 < trail < 1:
        faults.append(("trailing_fraction", "a fraction between 0 and 1"))
    if plan.max_hold_bars is not None and plan.max_hold_bars < 1:
        faults.append(("max_hold_bars", "1 or more"))
    if faults:
        errors = tuple(FieldFault(f"/{name}", "invalid_bracket", why) for name, why in faults)
        raise Invalid(
            "invalid_bracket", "Stop, entry and target do not make a bracket.", errors=errors
        )


def reward_risk(plan: BracketPlan, reference_price: Decimal) -> Decimal | None:
    """`|take_profit − entry| / |entry − stop|`; null without a target."""
    if plan.take_profit is None:
        return None
    entry = _entry_price(plan, reference_price)
    return divide(abs(plan.take_profit - entry), abs(entry - plan.stop))


def after_entry_fill(open_qty: Decimal, entry_fill_qty: Decimal) -> Decimal:
    """A child grows by what its entry has filled."""
    return open_qty + entry_fill_qty


def after_sibling_fill(open_qty: Decimal, sibling_fill_qty: Decimal) -> Decimal:
    """One child's execution takes the same quantity from the other; 0 cancels it."""
    return max(ZERO, open_qty - sibling_fill_qty)


def within_position(open_qty: Decimal, closable_qty: Decimal) -> Decimal:
    """A reduce-only order never exceeds what it can close; 0 cancels it."""
    return min(open_qty, closable_qty)


def is_hold_over(plan: BracketPlan, bars_held: int) -> bool:
    """True once the trade has lived its bars: it is closed at market then."""
    return plan.max_hold_bars is not None and bars_held >= plan.max_hold_bars


def _entry_price(plan: BracketPlan, reference_price: Decimal) -> Decimal:
    return reference_price if plan.entry.price is None else plan.entry.price
