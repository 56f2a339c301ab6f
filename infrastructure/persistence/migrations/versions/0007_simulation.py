"""The simulation's book: the book's tables once more under `sim_`, its runs, prices and equity."""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import types
from infrastructure.persistence.migrations.append_only import lift, protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("book", sa.Text(), nullable=False, server_default="main"))
    op.create_table(
        "sim_balances",
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("amount", types.ExactDecimal(), nullable=False),
        sa.PrimaryKeyConstraint("holder_id", "asset", "bucket", name=op.f("pk_sim_balances")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sim_balances_account_id", "sim_balances", ["account_id"], unique=False)
    op.create_table(
        "sim_evaluations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("row", types.JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_evaluations")),
    )
    op.create_index(
        "ix_sim_evaluations_position_id_id", "sim_evaluations", ["position_id", "id"], unique=False
    )
    op.create_table(
        "sim_transfers",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("amount", types.ExactDecimal(), nullable=False),
        sa.Column("from_holder", sa.Text(), nullable=False),
        sa.Column("from_bucket", sa.Text(), nullable=False),
        sa.Column("to_holder", sa.Text(), nullable=False),
        sa.Column("to_bucket", sa.Text(), nullable=False),
        sa.Column("cause_type", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_sim_transfers")),
    )
    op.create_index(
        "ix_sim_transfers_account_id_seq", "sim_transfers", ["account_id", "seq"], unique=False
    )
    op.create_index(
        "ix_sim_transfers_in_kind",
        "sim_transfers",
        ["to_holder"],
        unique=False,
        sqlite_where=sa.text("kind = 'in_kind'"),
        postgresql_where=sa.text("kind = 'in_kind'"),
    )
    op.create_table(
        "sim_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("initial_capital", types.ExactDecimal(), nullable=False),
        sa.Column("settings", types.JsonText(), nullable=False),
        sa.Column("price_source", sa.Text(), nullable=False),
        sa.Column("symbols", types.JsonArrayText(), nullable=False),
        sa.Column("replay", types.JsonText(), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("started_at", types.Instant(), nullable=True),
        sa.Column("stopped_at", types.Instant(), nullable=True),
        sa.Column("last_tick_at", types.Instant(), nullable=True),
        sa.Column("archived_at", types.Instant(), nullable=True),
        sa.Column("volume_quote", types.ExactDecimal(), nullable=False),
        sa.Column("summary", types.JsonText(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sim_runs_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_runs")),
    )
    op.create_index(
        "uq_sim_runs_one_current",
        "sim_runs",
        ["owner_id"],
        unique=True,
        sqlite_where=sa.text("archived_at IS NULL"),
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "sim_cash_flows",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("amount", types.ExactDecimal(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["sim_runs.id"], name=op.f("fk_sim_cash_flows_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_cash_flows")),
    )
    op.create_index(
        "ix_sim_cash_flows_account_id_at", "sim_cash_flows", ["account_id", "at"], unique=False
    )
    op.create_table(
        "sim_confirmations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("request", types.JsonText(), nullable=False),
        sa.Column("reference_price", types.ExactDecimal(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("decided_at", types.Instant(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sim_runs.id"], name=op.f("fk_sim_confirmations_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_confirmations")),
    )
    op.create_index(
        "ix_sim_confirmations_waiting",
        "sim_confirmations",
        ["owner_id", "expires_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "sim_equity_points",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.Column("bucket", types.Instant(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("equity", types.ExactDecimal(), nullable=False),
        sa.Column("cash", types.ExactDecimal(), nullable=False),
        sa.Column("unrealized_pnl", types.ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", types.ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sim_runs.id"], name=op.f("fk_sim_equity_points_run_id")
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "resolution", "bucket", name=op.f("pk_sim_equity_points")
        ),
    )
    op.create_index(
        "ix_sim_equity_points_resolution_bucket",
        "sim_equity_points",
        ["resolution", "bucket"],
        unique=False,
    )
    op.create_table(
        "sim_positions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("is_cell", sa.Boolean(), nullable=False),
        sa.Column("qty", types.ExactDecimal(), nullable=False),
        sa.Column("cost", types.ExactDecimal(), nullable=True),
        sa.Column("opening_price", types.ExactDecimal(), nullable=True),
        sa.Column("realized_pnl", types.ExactDecimal(), nullable=False),
        sa.Column("realized_known", sa.Boolean(), nullable=False),
        sa.Column("fees_paid", types.ExactDecimal(), nullable=False),
        sa.Column("cash", types.ExactDecimal(), nullable=False),
        sa.Column("receivable", types.ExactDecimal(), nullable=False),
        sa.Column("dividends_received", types.ExactDecimal(), nullable=False),
        sa.Column("funding_paid", types.ExactDecimal(), nullable=False),
        sa.Column("anchor_price", types.ExactDecimal(), nullable=True),
        sa.Column("high_water", types.ExactDecimal(), nullable=True),
        sa.Column("low_water", types.ExactDecimal(), nullable=True),
        sa.Column("last_fill_price", types.ExactDecimal(), nullable=True),
        sa.Column("plan_kind", sa.Text(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", types.Instant(), nullable=False),
        sa.Column("closed_at", types.Instant(), nullable=True),
        sa.Column("entry_session", sa.Date(), nullable=True),
        sa.Column("withholding_rate", types.ExactDecimal(), nullable=True),
        sa.Column("last_executed_at", types.Instant(), nullable=True),
        sa.Column("mark_price", types.ExactDecimal(), nullable=True),
        sa.Column("marked_at", types.Instant(), nullable=True),
        sa.Column("anchored_at", types.Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["sim_runs.id"], name=op.f("fk_sim_positions_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_positions")),
    )
    op.create_index(
        "ix_sim_positions_instrument",
        "sim_positions",
        ["instrument"],
        unique=False,
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index(
        "ix_sim_positions_trades",
        "sim_positions",
        ["account_id", "instrument", "id"],
        unique=False,
        sqlite_where=sa.text("plan_kind IN ('regime_exit','bracket')"),
        postgresql_where=sa.text("plan_kind IN ('regime_exit','bracket')"),
    )
    op.create_index(
        "ix_sim_positions_unclosed",
        "sim_positions",
        ["owner_id"],
        unique=False,
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index(
        "uq_sim_positions_one_live_trade",
        "sim_positions",
        ["account_id", "instrument"],
        unique=True,
        sqlite_where=sa.text("plan_kind IN ('regime_exit','bracket') AND status <> 'closed'"),
        postgresql_where=sa.text("plan_kind IN ('regime_exit','bracket') AND status <> 'closed'"),
    )
    op.create_index(
        "uq_sim_positions_one_net",
        "sim_positions",
        ["account_id", "instrument"],
        unique=True,
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_table(
        "sim_prices",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("bid", types.ExactDecimal(), nullable=True),
        sa.Column("ask", types.ExactDecimal(), nullable=True),
        sa.Column("last", types.ExactDecimal(), nullable=True),
        sa.Column("mark", types.ExactDecimal(), nullable=True),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("is_bar_close", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["sim_runs.id"], name=op.f("fk_sim_prices_run_id")),
        sa.PrimaryKeyConstraint("run_id", "instrument", name=op.f("pk_sim_prices")),
    )
    op.create_table(
        "sim_orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("qty", types.ExactDecimal(), nullable=False),
        sa.Column("limit_price", types.ExactDecimal(), nullable=True),
        sa.Column("stop_price", types.ExactDecimal(), nullable=True),
        sa.Column("time_in_force", sa.Text(), nullable=False),
        sa.Column("good_till", types.Instant(), nullable=True),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("commission_rate", types.ExactDecimal(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filled_qty", types.ExactDecimal(), nullable=False),
        sa.Column("filled_notional", types.ExactDecimal(), nullable=False),
        sa.Column("fees", types.ExactDecimal(), nullable=False),
        sa.Column("reserved", types.ExactDecimal(), nullable=True),
        sa.Column("reservation_price", types.ExactDecimal(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rejected_by", sa.Text(), nullable=True),
        sa.Column("checks", types.JsonArrayText(), nullable=False),
        sa.Column("evaluation_id", sa.Text(), nullable=True),
        sa.Column("cancel_requested_at", types.Instant(), nullable=True),
        sa.Column("deferred_until", types.Instant(), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position_id"], ["sim_positions.id"], name=op.f("fk_sim_orders_position_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_orders")),
        sa.UniqueConstraint("client_order_id", name=op.f("uq_sim_orders_client_order_id")),
    )
    op.create_index(
        "ix_sim_orders_day",
        "sim_orders",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text(
            "time_in_force = 'day' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "time_in_force = 'day' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.create_index(
        "ix_sim_orders_good_till",
        "sim_orders",
        ["good_till"],
        unique=False,
        sqlite_where=sa.text(
            "time_in_force = 'gtd' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "time_in_force = 'gtd' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.create_index(
        "ix_sim_orders_position_id_created_at",
        "sim_orders",
        ["position_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_sim_orders_unsent",
        "sim_orders",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending_submit'"),
        postgresql_where=sa.text("status = 'pending_submit'"),
    )
    op.create_index(
        "uq_sim_orders_one_automatic_in_flight",
        "sim_orders",
        ["position_id"],
        unique=True,
        sqlite_where=sa.text(
            "origin = 'plan' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "origin = 'plan' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.create_table(
        "sim_round_trips",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("opened_at", types.Instant(), nullable=False),
        sa.Column("entry_qty", types.ExactDecimal(), nullable=False),
        sa.Column("entry_notional", types.ExactDecimal(), nullable=False),
        sa.Column("exit_qty", types.ExactDecimal(), nullable=False),
        sa.Column("exit_notional", types.ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", types.ExactDecimal(), nullable=False),
        sa.Column("fees", types.ExactDecimal(), nullable=False),
        sa.Column("slippage", types.ExactDecimal(), nullable=False),
        sa.Column("funding", types.ExactDecimal(), nullable=False),
        sa.Column("stop_price", types.ExactDecimal(), nullable=True),
        sa.Column("risk", types.ExactDecimal(), nullable=True),
        sa.Column("closed_at", types.Instant(), nullable=True),
        sa.Column("exit_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position_id"], ["sim_positions.id"], name=op.f("fk_sim_round_trips_position_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sim_runs.id"], name=op.f("fk_sim_round_trips_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_round_trips")),
    )
    op.create_index(
        "ix_sim_round_trips_run_id_id", "sim_round_trips", ["run_id", "id"], unique=False
    )
    op.create_index(
        "uq_sim_round_trips_one_open",
        "sim_round_trips",
        ["position_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "sim_fills",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("qty", types.ExactDecimal(), nullable=False),
        sa.Column("price", types.ExactDecimal(), nullable=False),
        sa.Column("fee", types.ExactDecimal(), nullable=False),
        sa.Column("fee_currency", sa.Text(), nullable=False),
        sa.Column("executed_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("liquidity", sa.Text(), nullable=False),
        sa.Column("realized_pnl", types.ExactDecimal(), nullable=True),
        sa.Column("anchor_before", types.ExactDecimal(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sim_orders.id"], name=op.f("fk_sim_fills_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_fills")),
        sa.UniqueConstraint(
            "venue",
            "account_id",
            "external_id",
            name=op.f("uq_sim_fills_venue_account_id_external_id"),
        ),
    )
    op.create_index("ix_sim_fills_position_id_id", "sim_fills", ["position_id", "id"], unique=False)
    op.create_table(
        "sim_tickets",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("terms", types.JsonText(), nullable=False),
        sa.Column("accepted_at", types.Instant(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("open_qty", types.ExactDecimal(), nullable=False),
        sa.Column("filled_qty", types.ExactDecimal(), nullable=False),
        sa.Column("fill_count", sa.Integer(), nullable=False),
        sa.Column("stop_price", types.ExactDecimal(), nullable=True),
        sa.Column("is_triggered", sa.Boolean(), nullable=False),
        sa.Column("ended_at", types.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sim_orders.id"], name=op.f("fk_sim_tickets_order_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["sim_runs.id"], name=op.f("fk_sim_tickets_run_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_sim_tickets")),
    )
    op.create_index(
        "ix_sim_tickets_resting",
        "sim_tickets",
        ["run_id", "instrument"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_sim_tickets_run_id_seq", "sim_tickets", ["run_id", "seq"], unique=False)
    protect("sim_transfers")


def downgrade() -> None:
    lift("sim_transfers")
    op.drop_index("ix_sim_tickets_run_id_seq", table_name="sim_tickets")
    op.drop_index(
        "ix_sim_tickets_resting",
        table_name="sim_tickets",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("sim_tickets")
    op.drop_index("ix_sim_fills_position_id_id", table_name="sim_fills")
    op.drop_table("sim_fills")
    op.drop_index(
        "uq_sim_round_trips_one_open",
        table_name="sim_round_trips",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index("ix_sim_round_trips_run_id_id", table_name="sim_round_trips")
    op.drop_table("sim_round_trips")
    op.drop_index(
        "uq_sim_orders_one_automatic_in_flight",
        table_name="sim_orders",
        sqlite_where=sa.text(
            "origin = 'plan' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "origin = 'plan' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.drop_index(
        "ix_sim_orders_unsent",
        table_name="sim_orders",
        sqlite_where=sa.text("status = 'pending_submit'"),
        postgresql_where=sa.text("status = 'pending_submit'"),
    )
    op.drop_index("ix_sim_orders_position_id_created_at", table_name="sim_orders")
    op.drop_index(
        "ix_sim_orders_good_till",
        table_name="sim_orders",
        sqlite_where=sa.text(
            "time_in_force = 'gtd' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "time_in_force = 'gtd' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.drop_index(
        "ix_sim_orders_day",
        table_name="sim_orders",
        sqlite_where=sa.text(
            "time_in_force = 'day' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "time_in_force = 'day' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.drop_table("sim_orders")
    op.drop_table("sim_prices")
    op.drop_index(
        "uq_sim_positions_one_net",
        table_name="sim_positions",
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.drop_index(
        "uq_sim_positions_one_live_trade",
        table_name="sim_positions",
        sqlite_where=sa.text("plan_kind IN ('regime_exit','bracket') AND status <> 'closed'"),
        postgresql_where=sa.text("plan_kind IN ('regime_exit','bracket') AND status <> 'closed'"),
    )
    op.drop_index(
        "ix_sim_positions_unclosed",
        table_name="sim_positions",
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.drop_index(
        "ix_sim_positions_trades",
        table_name="sim_positions",
        sqlite_where=sa.text("plan_kind IN ('regime_exit','bracket')"),
        postgresql_where=sa.text("plan_kind IN ('regime_exit','bracket')"),
    )
    op.drop_index(
        "ix_sim_positions_instrument",
        table_name="sim_positions",
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.drop_table("sim_positions")
    op.drop_index("ix_sim_equity_points_resolution_bucket", table_name="sim_equity_points")
    op.drop_table("sim_equity_points")
    op.drop_index(
        "ix_sim_confirmations_waiting",
        table_name="sim_confirmations",
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_table("sim_confirmations")
    op.drop_index("ix_sim_cash_flows_account_id_at", table_name="sim_cash_flows")
    op.drop_table("sim_cash_flows")
    op.drop_index(
        "uq_sim_runs_one_current",
        table_name="sim_runs",
        sqlite_where=sa.text("archived_at IS NULL"),
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.drop_table("sim_runs")
    op.drop_index(
        "ix_sim_transfers_in_kind",
        table_name="sim_transfers",
        sqlite_where=sa.text("kind = 'in_kind'"),
        postgresql_where=sa.text("kind = 'in_kind'"),
    )
    op.drop_index("ix_sim_transfers_account_id_seq", table_name="sim_transfers")
    op.drop_table("sim_transfers")
    op.drop_index("ix_sim_evaluations_position_id_id", table_name="sim_evaluations")
    op.drop_table("sim_evaluations")
    op.drop_index("ix_sim_balances_account_id", table_name="sim_balances")
    op.drop_table("sim_balances")
    op.drop_column("accounts", "book")
