"""The ledger of the owner's accounts: transfers, balances, and the flows from outside."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from application.ports.repositories import CashFlow, Page
from domain.portfolio.ledger import Balances, LedgerKey, Transfer


class LedgerBook(Protocol):
    """Transfers and the balances they sum to."""

    def balances(self, *holder_ids: str) -> Balances:
        """Balances of the holders, ready to apply transfers to."""
        ...

    def amounts(self, account_id: str) -> Mapping[LedgerKey, Decimal]:
        """All balances of an account and of its cells."""
        ...

    def money(self, account_id: str, currency: str) -> Mapping[LedgerKey, Decimal]:
        """Balances of an account and of its cells in one currency: without the shares, of which
        there may be thousands.
        """
        ...

    def last_seq(self) -> int:
        """Seq of the newest transfer, 0 without one: while it stays, so does every balance."""
        ...

    def amounts_of(self, account_ids: Sequence[str]) -> Mapping[LedgerKey, Decimal]:
        """All balances of several accounts in one query."""
        ...

    def post(self, transfers: Sequence[Transfer], balances: Balances) -> None:
        """Append transfers that `balances` has applied, and store the touched balances."""
        ...

    def transfers(self, account_id: str, page: Page) -> Sequence[tuple[str, Transfer]]:
        """By seq; each with its key, which `page.after` takes."""
        ...

    def add_flow(self, flow: CashFlow) -> None: ...
    def flows(self, account_id: str) -> Sequence[CashFlow]:
        """External flows of an account and of its cells, by time."""
        ...

    def in_kind(self, position_id: str) -> Sequence[Transfer]:
        """Shares the position received from outside, oldest first."""
        ...
