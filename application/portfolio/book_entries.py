"""What changed a holding, in full."""

from collections.abc import Sequence

from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.cost_basis import BookEntry, EntryKind
from domain.portfolio.position import Position


def book_entries(position: Position, work: UnitOfWork) -> Sequence[BookEntry]:
    """Everything that ever changed the holding: shares received in kind, splits, fills."""
    entries = [fill.entry() for fill in work.fills.of_position(position.id)]
    entries += [
        BookEntry(EntryKind.SPLIT, applied.at, ("", applied.split_id), applied.ratio)
        for applied in work.splits.applied_to_position(position.id)
    ]
    entries += [
        BookEntry(EntryKind.IN_KIND, t.occurred_at, ("", t.id), t.amount, position.opening_price)
        for t in work.ledger.in_kind(position.id)
    ]
    return entries
