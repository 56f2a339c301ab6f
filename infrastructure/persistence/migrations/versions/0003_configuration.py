"""Versions of the desktop configuration."""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import types
from infrastructure.persistence.migrations.append_only import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "configuration_versions",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file_layer", types.JsonText(), nullable=False),
        sa.Column("changes_layer", types.JsonText(), nullable=False),
        sa.Column("environment_layer", types.JsonText(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("diff", types.JsonText(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "version", name=op.f("pk_configuration_versions")),
    )
    protect("configuration_versions")


def downgrade() -> None:
    # Its triggers go with the table; the function they call serves other tables too.
    op.drop_table("configuration_versions")
