"""A fill: one execution of an order, a fact that is booked once and never edited."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.portfolio.cost_basis import BookEntry, EntryKind
from domain.shared.side import Side


class Liquidity(StrEnum):
    """Whether the execution provided or took liquidity, when the venue says so."""

    MAKER = "maker"
    TAKER = "taker"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; unique on (venue, account, external id) where the venue gives one."""

    id: str
    order_id: str
    position_id: str
    account_id: str
    owner_id: str
    venue: str
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    executed_at: datetime
    recorded_at: datetime
    external_id: str | None = None
    liquidity: Liquidity = Liquidity.UNKNOWN
    realized_pnl: Decimal | None = None
    anchor_before: Decimal | None = None

    def same_terms(self, *, side: Side, qty: Decimal, price: Decimal, fee: Decimal) -> bool:
        """True when a repeated report tells the same execution."""
        return (self.side, self.qty, self.price, self.fee) == (side, qty, price, fee)

    def entry(self) -> BookEntry:
        """This fill as a change of the cost basis."""
        return BookEntry(
            kind=EntryKind.FILL,
            at=self.executed_at,
            tie_break=(self.external_id or "", self.id),
            qty=self.qty,
            price=self.price,
            side=self.side,
            fee=self.fee,
            order_id=self.order_id,
        )
