"""Transfers, balances and flows in memory."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from application.ports.repositories import CashFlow, Page
from domain.portfolio.ledger import Balances, LedgerKey, Transfer, TransferKind
from infrastructure.persistence.memory.tables import BookTables


class MemoryLedgerBook:
    """`LedgerBook` in memory."""

    def __init__(self, tables: BookTables) -> None:
        self._tables = tables

    def balances(self, *holder_ids: str) -> Balances:
        rows = self._tables.balances.items()
        return Balances({key: amount for key, amount in rows if key.holder_id in holder_ids})

    def amounts(self, account_id: str) -> Mapping[LedgerKey, Decimal]:
        return self.amounts_of((account_id,))

    def money(self, account_id: str, currency: str) -> Mapping[LedgerKey, Decimal]:
        held = self.amounts(account_id).items()
        return {key: amount for key, amount in held if key.asset == currency}

    def last_seq(self) -> int:
        return len(self._tables.transfers)

    def amounts_of(self, account_ids: Sequence[str]) -> Mapping[LedgerKey, Decimal]:
        rows = self._tables.balances.items()
        return {key: amount for key, amount in rows if key.account_id in account_ids}

    def post(self, transfers: Sequence[Transfer], balances: Balances) -> None:
        if not transfers:
            return
        last = len(self._tables.transfers)
        for seq, transfer in enumerate(transfers, start=last + 1):
            self._tables.transfers.add(seq, transfer)
        for key, amount in balances.touched().items():
            self._tables.balances.put(key, amount)

    def transfers(self, account_id: str, page: Page) -> Sequence[tuple[str, Transfer]]:
        after = 0 if page.after is None else int(page.after)
        rows = [
            (str(seq), transfer)
            for seq, transfer in sorted(self._tables.transfers.items())
            if seq > after and transfer.source.account_id == account_id
        ]
        return rows[: page.limit]

    def add_flow(self, flow: CashFlow) -> None:
        self._tables.flows.add(flow.id, flow)

    def flows(self, account_id: str) -> Sequence[CashFlow]:
        mine = (f for f in self._tables.flows.values() if f.account_id == account_id)
        return sorted(mine, key=lambda flow: (flow.at, flow.id))

    def in_kind(self, position_id: str) -> Sequence[Transfer]:
        return [
            transfer
            for _, transfer in sorted(self._tables.transfers.items())
            if transfer.target.holder_id == position_id and transfer.kind is TransferKind.IN_KIND
        ]
