"""The market's state per session, replaced values, changes of regime, regime settings."""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import types
from infrastructure.persistence.migrations.append_only import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_APPEND_ONLY = "market_state_revisions"


def upgrade() -> None:
    """Four tables; replaced values are append-only."""
    op.create_table(
        "market_state",
        sa.Column("session", sa.Date(), nullable=False),
        *_facts(),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("band", sa.Text(), nullable=True),
        sa.Column("primary_regime", sa.Text(), nullable=True),
        sa.Column("regime", sa.Text(), nullable=True),
        sa.Column("shifted_by", sa.Text(), nullable=True),
        sa.Column("confidence", types.ExactDecimal(), nullable=True),
        sa.Column("sessions_below", sa.Integer(), nullable=False),
        sa.Column("is_forced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_market_state")),
    )
    op.create_index("ix_market_state_visible_at", "market_state", ["visible_at"], unique=False)
    op.create_table(
        "market_state_revisions",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        *_facts(),
        sa.PrimaryKeyConstraint("session", "revision", name=op.f("pk_market_state_revisions")),
    )
    op.create_table(
        "regime_history",
        sa.Column("taxonomy", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("previous_label", sa.Text(), nullable=True),
        sa.Column("stress_level", sa.Integer(), nullable=False),
        sa.Column("confidence", types.ExactDecimal(), nullable=False),
        sa.Column("inputs", types.JsonText(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("shifted_by", sa.Text(), nullable=True),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("taxonomy", "scope", "as_of", name=op.f("pk_regime_history")),
    )
    op.create_table(
        "regime_settings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", types.JsonText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regime_settings")),
    )
    protect(_APPEND_ONLY)


def downgrade() -> None:
    """Drop them; the triggers go with their table."""
    op.drop_table("regime_settings")
    op.drop_table("regime_history")
    op.drop_table("market_state_revisions")
    op.drop_index("ix_market_state_visible_at", table_name="market_state")
    op.drop_table("market_state")


def _facts() -> list[sa.Column[object]]:
    return [
        sa.Column("numbers", types.JsonText(), nullable=False),
        sa.Column("sources", types.JsonText(), nullable=False),
        sa.Column("vix_source", sa.Text(), nullable=False),
        sa.Column("visible_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
    ]
