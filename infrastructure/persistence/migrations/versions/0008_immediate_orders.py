"""Immediate orders that are still open are found without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_IS_OPEN_IMMEDIATE_ORDER = (
    "time_in_force IN ('ioc','fok') AND status NOT IN ('filled','cancelled','expired','rejected')"
)


_TABLES = ("orders", "sim_orders")


def upgrade() -> None:
    for table in _TABLES:
        op.create_index(
            f"ix_{table}_immediate",
            table,
            ["created_at"],
            sqlite_where=sa.text(_IS_OPEN_IMMEDIATE_ORDER),
            postgresql_where=sa.text(_IS_OPEN_IMMEDIATE_ORDER),
        )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_index(f"ix_{table}_immediate", table_name=table)
