"""Dividends with what each position is entitled to, and splits."""

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import ExactDecimal, Instant

dividends = Table(
    "dividends",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("ex_date", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("dps", ExactDecimal, nullable=False),
    Column("currency", Text, nullable=False),
    Column("pay_date", Date),
    Column("withholding_rate", ExactDecimal),
    Column("announced_at", Instant, nullable=False),
    Column("cancelled_at", Instant),
    Index(
        "uq_dividends_live_natural_key",
        "owner_id",
        "instrument",
        "ex_date",
        "kind",
        unique=True,
        sqlite_where=text("cancelled_at IS NULL"),
        postgresql_where=text("cancelled_at IS NULL"),
    ),
)


entitlements = Table(
    "entitlements",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("dividend_id", Text, ForeignKey("dividends.id"), nullable=False),
    Column("position_id", Text, ForeignKey("positions.id"), nullable=False),
    Column("shares_at_record", ExactDecimal, nullable=False),
    Column("withholding_rate", ExactDecimal, nullable=False),
    Column("gross", ExactDecimal, nullable=False),
    Column("tax", ExactDecimal, nullable=False),
    Column("net", ExactDecimal, nullable=False),
    Column("anchor_before", ExactDecimal),
    Column("anchor_after", ExactDecimal),
    Column("status", Text, nullable=False),
    Column("paid_on", Date),
    Column("early_reason", Text),
    UniqueConstraint("position_id", "dividend_id"),
    Index("ix_entitlements_dividend_id", "dividend_id"),
)


splits = Table(
    "splits",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("ratio", ExactDecimal, nullable=False),
    Column("ex_date", Date, nullable=False),
    Column("announced_at", Instant, nullable=False),
    UniqueConstraint("owner_id", "instrument", "ex_date"),
)


applied_splits = Table(
    "applied_splits",
    METADATA,
    Column("split_id", Text, ForeignKey("splits.id"), primary_key=True),
    Column("position_id", Text, ForeignKey("positions.id"), primary_key=True),
    Column("applied_at", Instant, nullable=False),
)
