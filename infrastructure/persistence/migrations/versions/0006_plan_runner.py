"""The plan runner's switch is shared by all processes; an anchor knows when it was set."""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("positions", sa.Column("anchored_at", types.Instant(), nullable=True))
    op.create_table(
        "plan_runners",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("runs_until", types.Instant(), nullable=True),
        sa.Column("last_cycle_at", types.Instant(), nullable=True),
        sa.Column("evaluated", sa.Integer(), nullable=False),
        sa.Column("errors", types.JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_plan_runners")),
    )


def downgrade() -> None:
    op.drop_table("plan_runners")
    op.drop_column("positions", "anchored_at")
