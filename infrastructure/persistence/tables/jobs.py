"""Jobs and the small results that are kept in their rows."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import Instant, JsonText

jobs = Table(
    "jobs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("spec", JsonText, nullable=False),
    Column("spec_hash", Text, nullable=False),
    Column("seed", BigInteger),
    Column("data_hash", Text),
    Column("engine_version", Text, nullable=False),
    Column("memory_mb_max", Integer, nullable=False),
    Column("timeout_s", Integer, nullable=False),
    Column("progress", JsonText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("submitted_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("error", JsonText),
    Column("result", Text),
    Column("result_url", Text),
    Column("worker", Text),
    Column("beat_at", Instant),
    Column("version", Integer, nullable=False),
    Index("ix_jobs_owner_id_id", "owner_id", "id"),
    Index("ix_jobs_state_id", "state", "id"),
    Index("ix_jobs_owner_id_spec_hash", "owner_id", "spec_hash"),
)
