"""Event log, delivery cursors, idempotent answers, instruments: what every capability stands on."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import ExactDecimal, Instant, JsonText

# SQLite gives rowid semantics only to INTEGER; PostgreSQL needs 64 bits for a log that never ends.
SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")

events = Table(
    "events",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("account_id", Text),
    Column("aggregate_type", Text, nullable=False),
    Column("aggregate_id", Text, nullable=False),
    Column("aggregate_seq", Integer, nullable=False),
    Column("data", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("aggregate_id", "aggregate_seq"),
)

event_cursors = Table(
    "event_cursors",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("seq", SEQUENCE, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

parked_events = Table(
    "parked_events",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("parked_at", Instant, nullable=False),
)

idempotent_answers = Table(
    "idempotent_answers",
    METADATA,
    Column("owner_id", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("signature", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_idempotent_answers_created_at", "created_at"),
)

instruments = Table(
    "instruments",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("asset_class", Text, nullable=False),
    Column("quote", Text, nullable=False),
    Column("calendar", Text, nullable=False),
    Column("tick_size", ExactDecimal),
    Column("lot_step", ExactDecimal),
    Column("status", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("details", JsonText),
)
