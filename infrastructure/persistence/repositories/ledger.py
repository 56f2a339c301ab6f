"""Transfers and balances on SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal

from sqlalchemy import bindparam, func, select

from application.context import RequestContext
from application.ports.repositories import CashFlow, Page
from domain.portfolio.ledger import Balances, Bucket, LedgerKey, Phase, Transfer, TransferKind
from infrastructure.persistence.book_session import BookSession
from infrastructure.persistence.session import Row
from infrastructure.persistence.tables.ledger import balances as balances_table
from infrastructure.persistence.tables.ledger import cash_flows, transfers
from infrastructure.persistence.upsert import upsert

_HELD = "balances"
_HOLDER = select(balances_table).where(balances_table.c.holder_id == bindparam("holder_id"))
_ACCOUNT = select(balances_table).where(balances_table.c.account_id == bindparam("account_id"))
_MONEY = _ACCOUNT.where(balances_table.c.asset == bindparam("currency"))
_SEQ = "transfer_seq"
_LAST_SEQ = select(func.max(transfers.c.seq).label("last"))
_IN_KIND = (
    select(transfers)
    .where(
        transfers.c.to_holder == bindparam("holder"), transfers.c.kind == TransferKind.IN_KIND.value
    )
    .order_by(transfers.c.seq)
)
_ADD_FLOW = cash_flows.insert()
_FLOWS = (
    select(cash_flows)
    .where(cash_flows.c.account_id == bindparam("account_id"))
    .order_by(cash_flows.c.at, cash_flows.c.id)
)
_INSERT = transfers.insert()


_UPSERT = upsert(balances_table, changed=("amount",))


class SqlLedgerBook:
    """`LedgerBook` on SQL."""

    def __init__(self, session: BookSession, context: RequestContext) -> None:
        self._session = session
        self._context = context

    def balances(self, *holder_ids: str) -> Balances:
        amounts: dict[LedgerKey, Decimal] = {}
        for holder_id in holder_ids:
            amounts.update(self._held(holder_id))
        return Balances(amounts)

    def _held(self, holder_id: str) -> Mapping[LedgerKey, Decimal]:
        known: dict[LedgerKey, Decimal] | None = self._session.recall(_HELD, holder_id)
        if known is None:
            rows = self._session.all(_HOLDER, holder_id=holder_id)
            known = {_key(row): row["amount"] for row in rows}
            self._session.remember(_HELD, holder_id, known)
        return known

    def amounts(self, account_id: str) -> Mapping[LedgerKey, Decimal]:
        rows = self._session.all(_ACCOUNT, account_id=account_id)
        return {_key(row): row["amount"] for row in rows}

    def money(self, account_id: str, currency: str) -> Mapping[LedgerKey, Decimal]:
        rows = self._session.all(_MONEY, account_id=account_id, currency=currency)
        return {_key(row): row["amount"] for row in rows}

    def last_seq(self) -> int:
        last: int | None = self._session.recall(_SEQ, "last")
        if last is None:
            last = (self._session.one(_LAST_SEQ) or {}).get("last") or 0
            self._session.remember(_SEQ, "last", last)
        return last

    def amounts_of(self, account_ids: Sequence[str]) -> Mapping[LedgerKey, Decimal]:
        query = select(balances_table).where(balances_table.c.account_id.in_(account_ids))
        return {_key(row): row["amount"] for row in self._session.built(query)}

    def post(self, new: Sequence[Transfer], balances: Balances) -> None:
        if not new:
            return
        last = self.last_seq()
        self._session.remember(_SEQ, "last", last + len(new))
        self._session.run_many(_INSERT, [_row(t, last + i + 1) for i, t in enumerate(new)])
        touched = balances.touched()
        rows = [
            {
                "holder_id": key.holder_id,
                "asset": key.asset,
                "bucket": key.bucket,
                "account_id": key.account_id,
                "amount": amount,
            }
            for key, amount in touched.items()
        ]
        self._session.run_many(_UPSERT[self._session.dialect_name], rows)
        for key, amount in touched.items():
            held: dict[LedgerKey, Decimal] | None = self._session.recall(_HELD, key.holder_id)
            if held is not None:
                held[key] = amount

    def transfers(self, account_id: str, page: Page) -> Sequence[tuple[str, Transfer]]:
        query = select(transfers).where(transfers.c.account_id == account_id)
        if page.after is not None:
            query = query.where(transfers.c.seq > int(page.after))
        rows = self._session.built(query.order_by(transfers.c.seq).limit(page.limit))
        return [(str(row["seq"]), _transfer(row)) for row in rows]

    def add_flow(self, flow: CashFlow) -> None:
        self._session.run(_ADD_FLOW, **{f.name: getattr(flow, f.name) for f in fields(CashFlow)})

    def flows(self, account_id: str) -> Sequence[CashFlow]:
        return [CashFlow(**row) for row in self._session.all(_FLOWS, account_id=account_id)]

    def in_kind(self, position_id: str) -> Sequence[Transfer]:
        rows = self._session.all(_IN_KIND, holder=position_id)
        return [_transfer(row) for row in rows]


def _key(row: Row) -> LedgerKey:
    return LedgerKey(row["account_id"], row["holder_id"], row["asset"], Bucket(row["bucket"]))


def _row(transfer: Transfer, seq: int) -> Row:
    return {
        "id": transfer.id,
        "seq": seq,
        "account_id": transfer.source.account_id,
        "kind": transfer.kind,
        "phase": transfer.phase,
        "asset": transfer.source.asset,
        "amount": transfer.amount,
        "from_holder": transfer.source.holder_id,
        "from_bucket": transfer.source.bucket,
        "to_holder": transfer.target.holder_id,
        "to_bucket": transfer.target.bucket,
        "cause_type": transfer.cause_type,
        "cause_id": transfer.cause_id,
        "occurred_at": transfer.occurred_at,
    }


def _transfer(row: Row) -> Transfer:
    account_id, asset = row["account_id"], row["asset"]
    return Transfer(
        id=row["id"],
        kind=TransferKind(row["kind"]),
        phase=Phase(row["phase"]),
        amount=row["amount"],
        source=LedgerKey(account_id, row["from_holder"], asset, Bucket(row["from_bucket"])),
        target=LedgerKey(account_id, row["to_holder"], asset, Bucket(row["to_bucket"])),
        cause_type=row["cause_type"],
        cause_id=row["cause_id"],
        occurred_at=row["occurred_at"],
    )
