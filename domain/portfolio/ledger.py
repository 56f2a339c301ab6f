"""Double-entry ledger: every transfer moves one amount of one asset from one bucket to another.

Because a transfer debits what it credits, the sum of one asset over all buckets is zero. Own
buckets
never go negative in a cash account; contra buckets (the outside world) mirror them with opposite
sign.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ZERO
from domain.shared.errors import Defect


class Bucket(StrEnum):
    """Where an amount lies: own buckets first, then the outside world."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    INVENTORY = "inventory"
    INVENTORY_RESERVED = "inventory_reserved"
    RECEIVABLE = "receivable"
    MARGIN = "margin"
    EXTERNAL = "external"
    MARKET = "market"
    FEES = "fees"
    TAX = "tax"
    ISSUER = "issuer"
    FUNDING = "funding"


OWN_BUCKETS = frozenset(
    {
        Bucket.AVAILABLE,
        Bucket.RESERVED,
        Bucket.INVENTORY,
        Bucket.INVENTORY_RESERVED,
        Bucket.RECEIVABLE,
        Bucket.MARGIN,
    }
)

# Free cash of a margin account may be below zero while unrealised profit carries its margin, and a
# short is a negative inventory.
SIGNED_ON_MARGIN = frozenset({Bucket.AVAILABLE, Bucket.INVENTORY})


class TransferKind(StrEnum):
    """Why the amount moved."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    CELL_FUNDING = "cell_funding"
    IN_KIND = "in_kind"
    RESERVATION = "reservation"
    TRADE_CASH = "trade_cash"
    TRADE_ASSET = "trade_asset"
    FEE = "fee"
    MARGIN = "margin"
    REALIZED_PNL = "realized_pnl"
    FUNDING = "funding"
    DIVIDEND = "dividend"
    DIVIDEND_TAX = "dividend_tax"
    SPLIT = "split"
    CORRECTION = "correction"


class Phase(StrEnum):
    """`pending` holds, `posted` is final, `voided` gives back what was held."""

    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """One ledger account: whose (an account, or a cell by its position id), of what, in which
    bucket.
    """

    account_id: str
    holder_id: str
    asset: str
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class Transfer:
    """An append-only row; `amount` > 0 moves from `source` to `target`."""

    id: str
    kind: TransferKind
    phase: Phase
    amount: Decimal
    source: LedgerKey
    target: LedgerKey
    cause_type: str
    cause_id: str
    occurred_at: datetime


class Balances:
    """Balances of the holders one command touches; refuses transfers that break an invariant."""

    def __init__(self, amounts: Mapping[LedgerKey, Decimal]) -> None:
        self._amounts = dict(amounts)
        self._touched: set[LedgerKey] = set()

    def amount(self, key: LedgerKey) -> Decimal:
        """Current amount; 0 for a bucket never used."""
        return self._amounts.get(key, ZERO)

    def apply(self, transfers: Iterable[Transfer], *, on_margin: bool = False) -> None:
        """Book transfers; Defect `ledger_invariant` when an own bucket would become negative that
        must not: `on_margin` names the account's settlement.
        """
        bound = OWN_BUCKETS - SIGNED_ON_MARGIN if on_margin else OWN_BUCKETS
        for transfer in transfers:
            if transfer.amount <= 0 or transfer.source.asset != transfer.target.asset:
                raise Defect(
                    "ledger_invariant",
                    f"Transfer {transfer.id} is not a positive move of one asset.",
                )
            for key, change in (
                (transfer.source, -transfer.amount),
                (transfer.target, transfer.amount),
            ):
                self._amounts[key] = self.amount(key) + change
                self._touched.add(key)
        for key in self._touched:
            if key.bucket in bound and self._amounts[key] < 0:
                raise Defect(
                    "ledger_invariant",
                    f"{key.bucket} of {key.holder_id} would be {self._amounts[key]} {key.asset}.",
                )

    def touched(self) -> dict[LedgerKey, Decimal]:
        """Balances that changed since they were loaded."""
        return {key: self._amounts[key] for key in self._touched}


def sums_by_asset(amounts: Mapping[LedgerKey, Decimal]) -> dict[str, Decimal]:
    """Sum over all buckets per asset: zero for every asset of a sound ledger."""
    sums: dict[str, Decimal] = {}
    for key, amount in amounts.items():
        sums[key.asset] = sums.get(key.asset, ZERO) + amount
    return sums
