"""Versions of the desktop configuration; append-only."""

from sqlalchemy import Column, Integer, Table, Text

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import Instant, JsonText

configuration_versions = Table(
    "configuration_versions",
    METADATA,
    Column("owner_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("file_layer", JsonText, nullable=False),
    Column("changes_layer", JsonText, nullable=False),
    Column("environment_layer", JsonText, nullable=False),
    Column("hash", Text, nullable=False),
    Column("diff", JsonText, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("at", Instant, nullable=False),
)
