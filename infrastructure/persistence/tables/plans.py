"""What all processes know together about the plan runner."""

from sqlalchemy import Boolean, Column, Integer, Table, Text

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import Instant, JsonText

plan_runners = Table(
    "plan_runners",
    METADATA,
    Column("owner_id", Text, primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("runs_until", Instant),
    Column("last_cycle_at", Instant),
    Column("evaluated", Integer, nullable=False),
    Column("errors", JsonText, nullable=False),
)
