"""What an examination of the store finds: typed rows, one per thing that is wrong."""

from dataclasses import dataclass, field
from enum import StrEnum

FINDINGS_MAX_PER_CODE = 20


class Ailment(StrEnum):
    """What can be wrong."""

    EVENT_GAP = "event_gap"
    EVENT_HASH = "event_hash"
    EVENT_AGGREGATE_ORDER = "event_aggregate_order"
    TRANSFER_GAP = "transfer_gap"
    TRANSFER_AMOUNT = "transfer_amount"
    LEDGER_SUM = "ledger_sum"
    BALANCE_MISMATCH = "balance_mismatch"
    NEGATIVE_BALANCE = "negative_balance"
    RESERVATION_MISMATCH = "reservation_mismatch"
    ORDER_FILLS = "order_fills"
    POSITION_QTY = "position_qty"
    POSITION_COST = "position_cost"
    POSITION_REALIZED = "position_realized"
    POSITION_FEES = "position_fees"
    POSITION_CASH = "position_cash"
    POSITION_RECEIVABLE = "position_receivable"
    FILL_REALIZED = "fill_realized"
    ROUND_TRIPS = "round_trips"
    ORPHAN = "orphan"
    TRADE_ROW = "trade_row"
    CLOSED_TRADE = "closed_trade"
    NAV_MARK = "nav_mark"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that is wrong: where, what should be there, what is there."""

    code: Ailment
    subject: str
    expected: str
    found: str


@dataclass(slots=True)
class Examination:
    """What was looked at and what is wrong; at most 20 rows per code are kept, all are counted."""

    looked_at: dict[str, int] = field(default_factory=dict)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    counts: dict[Ailment, int] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """True when nothing is wrong."""
        return not self.counts

    def looked(self, what: str, n: int) -> None:
        """Record how many were examined."""
        self.looked_at[what] = self.looked_at.get(what, 0) + n

    def expect(self, code: Ailment, subject: str, expected: object, found: object) -> None:
        """Record a diagnosis unless both are equal."""
        if expected == found:
            return
        self.counts[code] = self.counts.get(code, 0) + 1
        if self.counts[code] <= FINDINGS_MAX_PER_CODE:
            self.diagnoses.append(Diagnosis(code, subject, _shown(expected), _shown(found)))


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
