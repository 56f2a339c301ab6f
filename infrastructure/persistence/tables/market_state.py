"""The market's state per session, its replaced values, the regime's changes, their settings."""

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import ExactDecimal, Instant, JsonText

market_state = Table(
    "market_state",
    METADATA,
    Column("session", Date, primary_key=True),
    Column("numbers", JsonText, nullable=False),
    Column("sources", JsonText, nullable=False),
    Column("vix_source", Text, nullable=False),
    Column("visible_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("band", Text),
    Column("primary_regime", Text),
    Column("regime", Text),
    Column("shifted_by", Text),
    Column("confidence", ExactDecimal),
    Column("sessions_below", Integer, nullable=False),
    Column("is_forced", Boolean, nullable=False),
    Index("ix_market_state_visible_at", "visible_at"),
)

market_state_revisions = Table(
    "market_state_revisions",
    METADATA,
    Column("session", Date, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("numbers", JsonText, nullable=False),
    Column("sources", JsonText, nullable=False),
    Column("vix_source", Text, nullable=False),
    Column("visible_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
)

regime_history = Table(
    "regime_history",
    METADATA,
    Column("taxonomy", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("as_of", Date, primary_key=True),
    Column("label", Text, nullable=False),
    Column("previous_label", Text),
    Column("stress_level", Integer, nullable=False),
    Column("confidence", ExactDecimal, nullable=False),
    Column("inputs", JsonText, nullable=False),
    Column("profile", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("shifted_by", Text),
    Column("is_announced", Boolean, nullable=False),
)

regime_settings = Table(
    "regime_settings",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("document", JsonText, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
