"""Average-cost accounting of a net margin position, long or short, as a fold like the cash one.

State (Q, K, R, F) of `CostBasis` with signed Q and K, so `avg = K/Q` on both sides. Same direction:
`K += ±qP`, the weighted average. Opposite: the closed share of K leaves and
`R += (P − avg)·closed·sign(Q)`; what goes beyond the position opens at P.
"""

from dataclasses import replace
from decimal import Decimal

from domain.portfolio.cost_basis import BookEntry, CostBasis, EntryKind, apply_entry
from domain.shared.decimals import ZERO, cash, divide
from domain.shared.errors import Defect
from domain.shared.side import Side


def traded(
    basis: CostBasis, side: Side, qty: Decimal, price: Decimal
) -> tuple[CostBasis, Decimal | None]:
    """Basis after an execution without its fee, and what it realised; null when it closed nothing.

    Defect `unknown_cost` when the cost of the position is not known: margin has no holdings in
    kind.
    """
    if basis.cost is None:
        raise Defect("unknown_cost", "A margin position always has a cost.")
    closed = min(qty, abs(basis.qty)) if basis.qty * side.sign < 0 else ZERO
    opened = qty - closed
    kept, realized = basis.cost, None
    if closed:
        share = basis.cost * closed
        leaving = basis.cost if closed == abs(basis.qty) else cash(divide(share, abs(basis.qty)))
        realized = -side.sign * cash(closed * price) - leaving
        kept -= leaving
    after = replace(
        basis,
        qty=basis.qty + side.sign * qty,
        cost=kept + side.sign * cash(opened * price),
        realized_pnl=basis.realized_pnl + (realized or ZERO),
    )
    return after, realized


def apply_margin_entry(basis: CostBasis, entry: BookEntry) -> tuple[CostBasis, Decimal | None]:
    """As `cost_basis.apply_entry` for margin settlement; `rebuild` takes it as its rule.

    Defect `unknown_cost` for an entry without a price.
    """
    if entry.kind is EntryKind.SPLIT:
        return apply_entry(basis, entry)
    if entry.price is None:
        raise Defect("unknown_cost", "A margin position has nothing in kind.")
    paid = replace(basis, fees_paid=basis.fees_paid + entry.fee)
    return traded(paid, entry.side, entry.qty, entry.price)
