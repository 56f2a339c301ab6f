"""What a fill that was reported late adds to the equity of the instants since it was executed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.portfolio.book_entries import book_entries
from application.portfolio.views import told_price
from application.ports.prices import Prices
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.cost_basis import BookEntry, EntryKind, quantity_changes
from domain.portfolio.fill import Fill
from domain.portfolio.position import Position
from domain.shared.decimals import ZERO, cash
from domain.shared.side import Side

Told = tuple[datetime, Decimal]


@dataclass(frozen=True, slots=True)
class LateFill:
    """The fill, and what else was done and told of its instrument in the account.

    At an instant the account then held `q` with the fill, at the price `p` known then: equity gains
    the fill's cash and `q·p − (q ∓ qty)·p'`, where `p'` does not know the fill's price. No price
    from after the instant counts. Positions that closed since are left out.
    """

    fill: Fill
    instrument: str
    changes: Sequence[tuple[datetime, Decimal]]
    told: Sequence[Told]
    prices: Prices

    @classmethod
    def of(cls, fill: Fill, prices: Prices, work: UnitOfWork) -> "LateFill":
        """Read what the instrument's positions in the account went through."""
        position = work.positions.get(fill.position_id)
        of_all = work.positions.holding(position.instrument)
        sharing = [p for p in of_all if p.account_id == position.account_id and p.id != position.id]
        changes: list[tuple[datetime, Decimal]] = []
        told: list[Told] = []
        for one in (position, *sharing):
            entries = book_entries(one, work)
            changes += quantity_changes(entries)
            told += _told(one, [e for e in entries if e.tie_break[1] != fill.id])
        return cls(fill, position.instrument, changes, told, prices)

    def gain(self, at: datetime) -> Decimal | None:
        """Null where shares were held then whose price was unknown."""
        fill = self.fill
        notional = cash(fill.qty * fill.price)
        bought, paid = (fill.qty, notional) if fill.side is Side.BUY else (-fill.qty, -notional)
        held = sum((qty for changed_at, qty in self.changes if changed_at <= at), ZERO)
        before = self._price(at, self.told)
        after = self._price(at, [*self.told, (fill.executed_at, fill.price)])
        if after is None or (held != bought and before is None):
            return None
        unfilled = cash((held - bought) * (before or ZERO))
        return cash(held * after) - unfilled - paid - fill.fee

    def _price(self, at: datetime, told: Sequence[Told]) -> Decimal | None:
        newest = max((one for one in told if one[0] <= at), key=_instant, default=None)
        stored = self.prices.newest(self.instrument, at)
        if stored is None or (newest is not None and (stored.as_of or at) < newest[0]):
            return None if newest is None else newest[1]
        return stored.value


def _told(position: Position, entries: Sequence[BookEntry]) -> list[Told]:
    """Prices since the last split: those from before it count other shares."""
    fills = [(e.at, e.price) for e in entries if e.kind is EntryKind.FILL and e.price is not None]
    last_split = max((e.at for e in entries if e.kind is EntryKind.SPLIT), default=None)
    known = told_price(position)
    if known is not None and known[1] == "bar":
        fills.append((known[2], known[0]))
    return [one for one in fills if last_split is None or one[0] >= last_split]


def _instant(told: Told) -> datetime:
    return told[0]
