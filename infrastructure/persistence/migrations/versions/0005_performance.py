"""Recorded NAV, trade history, closed trades."""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nav_marks",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("equity", types.ExactDecimal(), nullable=True),
        sa.Column("flow", types.ExactDecimal(), nullable=False),
        sa.Column("nav", types.ExactDecimal(), nullable=False),
        sa.Column("high_water_mark", types.ExactDecimal(), nullable=False),
        sa.Column("max_drawdown", types.ExactDecimal(), nullable=False),
        sa.Column("equity_after", types.ExactDecimal(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("pending", types.JsonText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_nav_marks_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "at", name=op.f("pk_nav_marks")),
    )
    op.create_table(
        "trade_rows",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_trade_rows")),
    )
    op.create_index("ix_trade_rows_account_id_seq", "trade_rows", ["account_id", "seq"])
    op.create_index(
        "ix_trade_rows_account_id_symbol_seq", "trade_rows", ["account_id", "symbol", "seq"]
    )
    op.create_table(
        "closed_trades",
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("opened_at", types.Instant(), nullable=False),
        sa.Column("closed_at", types.Instant(), nullable=False),
        sa.Column("entry_price", types.ExactDecimal(), nullable=False),
        sa.Column("initial_qty", types.ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", types.ExactDecimal(), nullable=False),
        sa.Column("fees", types.ExactDecimal(), nullable=False),
        sa.Column("initial_risk", types.ExactDecimal(), nullable=True),
        sa.Column("regime_at_entry", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position_id", name=op.f("pk_closed_trades")),
    )
    op.create_index("ix_closed_trades_account_id_seq", "closed_trades", ["account_id", "seq"])
    op.create_index(
        "ix_positions_unclosed",
        "positions",
        ["owner_id"],
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )


def downgrade() -> None:
    op.drop_index("ix_positions_unclosed", table_name="positions")
    op.drop_table("closed_trades")
    op.drop_table("trade_rows")
    op.drop_table("nav_marks")
