"""Ledger transfers, the balances they sum to, and flows from outside."""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    text,
)

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.tables.platform import SEQUENCE
from infrastructure.persistence.types import ExactDecimal, Instant

transfers = Table(
    "transfers",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("from_holder", Text, nullable=False),
    Column("from_bucket", Text, nullable=False),
    Column("to_holder", Text, nullable=False),
    Column("to_bucket", Text, nullable=False),
    Column("cause_type", Text, nullable=False),
    Column("cause_id", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Index("ix_transfers_account_id_seq", "account_id", "seq"),
    Index(
        "ix_transfers_in_kind",
        "to_holder",
        sqlite_where=text("kind = 'in_kind'"),
        postgresql_where=text("kind = 'in_kind'"),
    ),
)


balances = Table(
    "balances",
    METADATA,
    Column("holder_id", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("bucket", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Index("ix_balances_account_id", "account_id"),
    sqlite_with_rowid=False,
)


cash_flows = Table(
    "cash_flows",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("currency", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("note", Text),
    Index("ix_cash_flows_account_id_at", "account_id", "at"),
)
