"""Inventory of candle series: the rows themselves live in files."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import ExactDecimal, Instant, JsonText

candle_series = Table(
    "candle_series",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("interval", Text, nullable=False),
    Column("adjustment", Text, nullable=False),
    Column("calendar", Text, nullable=False),
    Column("price_scale", Integer, nullable=False),
    Column("bars", BigInteger, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("gap_count", BigInteger, nullable=False),
    Column("first_open", Instant, nullable=False),
    Column("last_open", Instant, nullable=False),
    Column("last_close", Instant, nullable=False),
    Column("coverage", JsonText, nullable=False),
    Column("confirmed_empty", JsonText, nullable=False),
    Column("fetched_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("attribution", Text),
    Column("note", Text),
    Column("opens_reliable_from", Date),
    Column("publication_delay_s", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_candle_series_instrument", "instrument"),
)

candle_partitions = Table(
    "candle_partitions",
    METADATA,
    Column("series_id", Text, ForeignKey("candle_series.id"), primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("path", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("first_open", Instant, nullable=False),
    Column("last_open", Instant, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content_sha256", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
)

candle_revisions = Table(
    "candle_revisions",
    METADATA,
    Column("series_id", Text, ForeignKey("candle_series.id"), primary_key=True),
    Column("open_time", Instant, primary_key=True),
    Column("fetched_at", Instant, primary_key=True),
    Column("old_fetched_at", Instant, nullable=False),
    Column("old", JsonText, nullable=False),
    Column("new", JsonText, nullable=False),
)

corporate_actions = Table(
    "corporate_actions",
    METADATA,
    Column("series_id", Text, ForeignKey("candle_series.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("ex_date", Date, primary_key=True),
    Column("value", ExactDecimal, nullable=False),
)
