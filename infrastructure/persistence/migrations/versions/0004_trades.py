"""Trades: one live per instrument, the newest reported price, what each bar was answered."""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

IS_TRADE = "plan_kind IN ('regime_exit','bracket')"
IS_LIVE_TRADE = f"{IS_TRADE} AND status <> 'closed'"


def upgrade() -> None:
    op.add_column("positions", sa.Column("mark_price", types.ExactDecimal()))
    op.add_column("positions", sa.Column("marked_at", types.Instant()))
    op.create_index(
        "uq_positions_one_live_trade",
        "positions",
        ["account_id", "instrument"],
        unique=True,
        sqlite_where=sa.text(IS_LIVE_TRADE),
        postgresql_where=sa.text(IS_LIVE_TRADE),
    )
    op.create_index(
        "ix_positions_trades",
        "positions",
        ["account_id", "instrument", "id"],
        sqlite_where=sa.text(IS_TRADE),
        postgresql_where=sa.text(IS_TRADE),
    )
    op.create_table(
        "bar_answers",
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("answer", types.JsonText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position_id"], ["positions.id"], name=op.f("fk_bar_answers_position_id_positions")
        ),
        sa.PrimaryKeyConstraint("position_id", "session", "signature", name=op.f("pk_bar_answers")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("bar_answers")
    op.drop_index("ix_positions_trades", "positions")
    op.drop_index("uq_positions_one_live_trade", "positions")
    op.drop_column("positions", "marked_at")
    op.drop_column("positions", "mark_price")
