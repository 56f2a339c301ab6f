"""Average-cost accounting as a fold over book entries, exact because it carries the cost, not its
quotient.

State (Q, K, R, F): signed quantity, total cost of the holding (null when inventory arrived without
a
price), realised P&L before fees, fees paid. BUY q at P: K += qP. SELL q: the share K·q/Q leaves the
holding (all of K when flat) and R += qP − that share, which is the published R += (P − avg)·q.
A split by r: Q = Q·r toward zero on the book's 8 decimals, K unchanged; a holding that falls below
one step is gone, and its cost is realised as a loss.
Money terms are rounded to ledger cash (6 decimals, half-even) before they are added, those of one
order so that they sum to its rounded whole, as the ledger does it. So
`cash + Q·mark = flows + R + (Q·mark − K) − F` holds to the last digit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from domain.shared.decimals import ZERO, cash, cash_part, divide, quantity_to_step
from domain.shared.errors import Conflict
from domain.shared.side import Side

AVERAGE_COST_STEP = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class CostBasis:
    """What a holding cost and what it has realised so far."""

    qty: Decimal = ZERO
    cost: Decimal | None = ZERO
    realized_pnl: Decimal = ZERO
    realized_known: bool = True
    fees_paid: Decimal = ZERO

    @property
    def avg_cost(self) -> Decimal | None:
        """Weighted average entry price, fees excluded, 12 decimals; null when flat or unknown."""
        if self.qty == 0 or self.cost is None:
            return None
        return divide(self.cost, self.qty).quantize(AVERAGE_COST_STEP, rounding=ROUND_HALF_EVEN)


class EntryKind(StrEnum):
    """What can change a cost basis."""

    IN_KIND = "in_kind"
    FILL = "fill"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class BookEntry:
    """One change of a holding. `qty` is the quantity of a fill or transfer and the ratio of a
    split; `amount` is qty · price in ledger cash, when it is known as part of an order.
    """

    kind: EntryKind
    at: datetime
    tie_break: tuple[str, str]
    qty: Decimal
    price: Decimal | None = None
    side: Side = Side.BUY
    fee: Decimal = ZERO
    order_id: str = ""
    amount: Decimal | None = None

    @property
    def worth(self) -> Decimal | None:
        """qty · price in ledger cash; null without a price."""
        if self.amount is not None or self.price is None:
            return self.amount
        return cash(self.qty * self.price)

    @property
    def order(self) -> tuple[datetime, int, tuple[str, str]]:
        """Time order; at one instant splits come first, and shares arrive before they are sold."""
        return self.at, _AT_ONE_INSTANT[self.kind], self.tie_break


_AT_ONE_INSTANT = {EntryKind.SPLIT: 0, EntryKind.IN_KIND: 1, EntryKind.FILL: 2}


def apply_entry(basis: CostBasis, entry: BookEntry) -> tuple[CostBasis, Decimal | None]:
    """Basis after the entry, and the P&L the entry realised (null: nothing sold, or cost unknown).

    Raises Conflict `insufficient_quantity` when more is sold than was held at that time.
    """
    if entry.kind is EntryKind.SPLIT:
        return _split(basis, entry.qty)
    if entry.kind is EntryKind.IN_KIND:
        return _received(basis, entry), None
    basis = replace(basis, fees_paid=basis.fees_paid + entry.fee)
    if entry.side is Side.BUY:
        return _received(basis, entry), None
    return _sold(basis, entry)


def _received(basis: CostBasis, entry: BookEntry) -> CostBasis:
    paid = entry.worth
    known = None if basis.cost is None or paid is None else basis.cost + paid
    held_before = basis.qty > 0
    cost = known if held_before else paid
    return replace(basis, qty=basis.qty + entry.qty, cost=cost)


def _sold(basis: CostBasis, entry: BookEntry) -> tuple[CostBasis, Decimal | None]:
    remaining = basis.qty - entry.qty
    if remaining < 0:
        raise Conflict(
            "insufficient_quantity",
            "Fewer shares were held at the time of the execution than it sells.",
            context={"held": basis.qty, "needed": entry.qty},
        )
    proceeds = entry.worth
    if basis.cost is None or proceeds is None:
        cost = ZERO if remaining == 0 else None
        return replace(basis, qty=remaining, cost=cost, realized_known=False), None
    leaving = basis.cost if remaining == 0 else cash(divide(basis.cost * entry.qty, basis.qty))
    realized = proceeds - leaving
    after = replace(
        basis,
        qty=remaining,
        cost=basis.cost - leaving,
        realized_pnl=basis.realized_pnl + realized,
    )
    return after, realized


def quantity_changes(entries: Iterable[BookEntry]) -> list[tuple[datetime, Decimal]]:
    """What each entry added to the holding, in time order; a split adds what it multiplied in."""
    basis = CostBasis()
    changes = []
    for entry in sorted(set(entries), key=lambda e: e.order):
        after, _ = apply_entry(basis, entry)
        changes.append((entry.at, after.qty - basis.qty))
        basis = after
    return changes


def _split(basis: CostBasis, ratio: Decimal) -> tuple[CostBasis, Decimal | None]:
    qty = quantity_to_step(basis.qty * ratio)
    if qty or not basis.qty:
        return replace(basis, qty=qty), None
    if basis.cost is None:
        return replace(basis, qty=ZERO, cost=ZERO, realized_known=False), None
    lost = replace(basis, qty=ZERO, cost=ZERO, realized_pnl=basis.realized_pnl - basis.cost)
    return lost, -basis.cost


def rebuild(
    entries: Iterable[BookEntry],
    apply: Callable[[CostBasis, BookEntry], tuple[CostBasis, Decimal | None]] = apply_entry,
) -> tuple[CostBasis, dict[tuple[str, str], Decimal | None]]:
    """Fold entries in their time order, ties by (external id, id); also each entry's realised P&L.

    The order of delivery does not matter: shuffled or repeated reports give the same state. A split
    comes before executions of its own instant: they already count new shares.
    """
    basis = CostBasis()
    realized: dict[tuple[str, str], Decimal | None] = {}
    notional_by_order: dict[str, Decimal] = {}
    for entry in sorted(set(entries), key=lambda e: e.order):
        basis, gained = apply(basis, _as_part(entry, notional_by_order))
        realized[entry.tie_break] = gained
    return basis, realized


def _as_part(entry: BookEntry, notional_by_order: dict[str, Decimal]) -> BookEntry:
    if not entry.order_id or entry.price is None:
        return entry
    before = notional_by_order.get(entry.order_id, ZERO)
    notional = entry.qty * entry.price
    notional_by_order[entry.order_id] = before + notional
    return replace(entry, amount=cash_part(before, notional))
