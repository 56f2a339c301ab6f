# ruff: noqa: PLR0915 - written by regenerate.py, a statement per table
"""The first schema."""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import types
from infrastructure.persistence.migrations.append_only import protect, unprotect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("settlement", sa.Text(), nullable=False),
        sa.Column("base_currency", sa.Text(), nullable=False),
        sa.Column("starting_equity", types.ExactDecimal(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("commission_rate", types.ExactDecimal(), nullable=False),
        sa.Column("slippage", types.ExactDecimal(), nullable=False),
        sa.Column("leverage_default", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_accounts_owner_id_name")),
    )
    op.create_table(
        "balances",
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("amount", types.ExactDecimal(), nullable=False),
        sa.PrimaryKeyConstraint("holder_id", "asset", "bucket", name=op.f("pk_balances")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_balances_account_id", "balances", ["account_id"], unique=False)
    op.create_table(
        "candle_series",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("adjustment", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("price_scale", sa.Integer(), nullable=False),
        sa.Column("bars", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("gap_count", sa.BigInteger(), nullable=False),
        sa.Column("first_open", types.Instant(), nullable=False),
        sa.Column("last_open", types.Instant(), nullable=False),
        sa.Column("last_close", types.Instant(), nullable=False),
        sa.Column("coverage", types.JsonText(), nullable=False),
        sa.Column("confirmed_empty", types.JsonText(), nullable=False),
        sa.Column("fetched_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("attribution", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("opens_reliable_from", sa.Date(), nullable=True),
        sa.Column("publication_delay_s", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candle_series")),
    )
    op.create_index("ix_candle_series_instrument", "candle_series", ["instrument"], unique=False)
    op.create_table(
        "dividends",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("ex_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("dps", types.ExactDecimal(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("pay_date", sa.Date(), nullable=True),
        sa.Column("withholding_rate", types.ExactDecimal(), nullable=True),
        sa.Column("announced_at", types.Instant(), nullable=False),
        sa.Column("cancelled_at", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dividends")),
    )
    op.create_index(
        "uq_dividends_live_natural_key",
        "dividends",
        ["owner_id", "instrument", "ex_date", "kind"],
        unique=True,
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("row", types.JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
    )
    op.create_index(
        "ix_evaluations_position_id_id", "evaluations", ["position_id", "id"], unique=False
    )
    op.create_table(
        "event_cursors",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", name=op.f("pk_event_cursors")),
    )
    op.create_table(
        "events",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("aggregate_type", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Text(), nullable=False),
        sa.Column("aggregate_seq", sa.Integer(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint(
            "aggregate_id", "aggregate_seq", name=op.f("uq_events_aggregate_id_aggregate_seq")
        ),
    )
    op.create_table(
        "idempotent_answers",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "scope", "key", name=op.f("pk_idempotent_answers")),
    )
    op.create_index(
        "ix_idempotent_answers_created_at", "idempotent_answers", ["created_at"], unique=False
    )
    op.create_table(
        "instruments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asset_class", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("tick_size", types.ExactDecimal(), nullable=True),
        sa.Column("lot_step", types.ExactDecimal(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("details", types.JsonText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instruments")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("spec", types.JsonText(), nullable=False),
        sa.Column("spec_hash", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("data_hash", sa.Text(), nullable=True),
        sa.Column("engine_version", sa.Text(), nullable=False),
        sa.Column("memory_mb_max", sa.Integer(), nullable=False),
        sa.Column("timeout_s", sa.Integer(), nullable=False),
        sa.Column("progress", types.JsonText(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("submitted_at", types.Instant(), nullable=False),
        sa.Column("started_at", types.Instant(), nullable=True),
        sa.Column("finished_at", types.Instant(), nullable=True),
        sa.Column("error", types.JsonText(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("result_url", sa.Text(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("beat_at", types.Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_owner_id_id", "jobs", ["owner_id", "id"], unique=False)
    op.create_index("ix_jobs_owner_id_spec_hash", "jobs", ["owner_id", "spec_hash"], unique=False)
    op.create_index("ix_jobs_state_id", "jobs", ["state", "id"], unique=False)
    op.create_table(
        "parked_events",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("parked_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "seq", name=op.f("pk_parked_events")),
    )
    op.create_table(
        "service_settings",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("document", types.JsonText(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_service_settings")),
    )
    op.create_table(
        "splits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("ratio", types.ExactDecimal(), nullable=False),
        sa.Column("ex_date", sa.Date(), nullable=False),
        sa.Column("announced_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_splits")),
        sa.UniqueConstraint(
            "owner_id", "instrument", "ex_date", name=op.f("uq_splits_owner_id_instrument_ex_date")
        ),
    )
    op.create_table(
        "transfers",
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
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_transfers")),
    )
    op.create_index("ix_transfers_account_id_seq", "transfers", ["account_id", "seq"], unique=False)
    op.create_index(
        "ix_transfers_in_kind",
        "transfers",
        ["to_holder"],
        unique=False,
        sqlite_where=sa.text("kind = 'in_kind'"),
        postgresql_where=sa.text("kind = 'in_kind'"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("last_login_at", types.Instant(), nullable=True),
        sa.Column("totp_salt", sa.Text(), nullable=True),
        sa.Column("totp_confirmed_at", types.Instant(), nullable=True),
        sa.Column(
            "totp_last_step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_index("ix_users_owner_id_id", "users", ["owner_id", "id"], unique=False)
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scopes", types.JsonText(), nullable=False),
        sa.Column("addresses", types.JsonText(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("last_used_at", types.Instant(), nullable=True),
        sa.Column("revoked_at", types.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
    )
    op.create_index("ix_api_tokens_user_id_id", "api_tokens", ["user_id", "id"], unique=False)
    op.create_table(
        "candle_partitions",
        sa.Column("series_id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("first_open", types.Instant(), nullable=False),
        sa.Column("last_open", types.Instant(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("written_at", types.Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["candle_series.id"], name=op.f("fk_candle_partitions_series_id")
        ),
        sa.PrimaryKeyConstraint("series_id", "year", name=op.f("pk_candle_partitions")),
    )
    op.create_table(
        "candle_revisions",
        sa.Column("series_id", sa.Text(), nullable=False),
        sa.Column("open_time", types.Instant(), nullable=False),
        sa.Column("fetched_at", types.Instant(), nullable=False),
        sa.Column("old_fetched_at", types.Instant(), nullable=False),
        sa.Column("old", types.JsonText(), nullable=False),
        sa.Column("new", types.JsonText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["candle_series.id"], name=op.f("fk_candle_revisions_series_id")
        ),
        sa.PrimaryKeyConstraint(
            "series_id", "open_time", "fetched_at", name=op.f("pk_candle_revisions")
        ),
    )
    op.create_table(
        "cash_flows",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("amount", types.ExactDecimal(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_cash_flows_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_flows")),
    )
    op.create_index("ix_cash_flows_account_id_at", "cash_flows", ["account_id", "at"], unique=False)
    op.create_table(
        "corporate_actions",
        sa.Column("series_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ex_date", sa.Date(), nullable=False),
        sa.Column("value", types.ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["candle_series.id"], name=op.f("fk_corporate_actions_series_id")
        ),
        sa.PrimaryKeyConstraint("series_id", "kind", "ex_date", name=op.f("pk_corporate_actions")),
    )
    op.create_table(
        "positions",
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
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_positions_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_positions")),
    )
    op.create_index(
        "ix_positions_instrument",
        "positions",
        ["instrument"],
        unique=False,
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("authenticated_at", types.Instant(), nullable=False),
        sa.Column("last_used_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("revoked_at", types.Instant(), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_index("ix_sessions_user_id_id", "sessions", ["user_id", "id"], unique=False)
    op.create_table(
        "applied_splits",
        sa.Column("split_id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("applied_at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position_id"], ["positions.id"], name=op.f("fk_applied_splits_position_id")
        ),
        sa.ForeignKeyConstraint(
            ["split_id"], ["splits.id"], name=op.f("fk_applied_splits_split_id")
        ),
        sa.PrimaryKeyConstraint("split_id", "position_id", name=op.f("pk_applied_splits")),
    )
    op.create_table(
        "entitlements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("dividend_id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("shares_at_record", types.ExactDecimal(), nullable=False),
        sa.Column("withholding_rate", types.ExactDecimal(), nullable=False),
        sa.Column("gross", types.ExactDecimal(), nullable=False),
        sa.Column("tax", types.ExactDecimal(), nullable=False),
        sa.Column("net", types.ExactDecimal(), nullable=False),
        sa.Column("anchor_before", types.ExactDecimal(), nullable=True),
        sa.Column("anchor_after", types.ExactDecimal(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("early_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dividend_id"], ["dividends.id"], name=op.f("fk_entitlements_dividend_id")
        ),
        sa.ForeignKeyConstraint(
            ["position_id"], ["positions.id"], name=op.f("fk_entitlements_position_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entitlements")),
        sa.UniqueConstraint(
            "position_id", "dividend_id", name=op.f("uq_entitlements_position_id_dividend_id")
        ),
    )
    op.create_index("ix_entitlements_dividend_id", "entitlements", ["dividend_id"], unique=False)
    op.create_table(
        "orders",
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
        sa.Column("checks", types.JsonText(), nullable=False),
        sa.Column("evaluation_id", sa.Text(), nullable=True),
        sa.Column("cancel_requested_at", types.Instant(), nullable=True),
        sa.Column("deferred_until", types.Instant(), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position_id"], ["positions.id"], name=op.f("fk_orders_position_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("client_order_id", name=op.f("uq_orders_client_order_id")),
    )
    op.create_index(
        "ix_orders_day",
        "orders",
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
        "ix_orders_good_till",
        "orders",
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
        "ix_orders_position_id_created_at", "orders", ["position_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_orders_unsent",
        "orders",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending_submit'"),
        postgresql_where=sa.text("status = 'pending_submit'"),
    )
    op.create_index(
        "uq_orders_one_automatic_in_flight",
        "orders",
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
        "refresh_tokens",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("issued_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("used_at", types.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_tokens")),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"], unique=False)
    op.create_table(
        "fills",
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
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fills_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fills")),
        sa.UniqueConstraint(
            "venue", "account_id", "external_id", name=op.f("uq_fills_venue_account_id_external_id")
        ),
    )
    op.create_index("ix_fills_position_id_id", "fills", ["position_id", "id"], unique=False)
    protect("events", "transfers")


def downgrade() -> None:
    unprotect("events", "transfers")
    op.drop_index("ix_fills_position_id_id", table_name="fills")
    op.drop_table("fills")
    op.drop_index("ix_refresh_tokens_session_id", table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(
        "uq_orders_one_automatic_in_flight",
        table_name="orders",
        sqlite_where=sa.text(
            "origin = 'plan' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "origin = 'plan' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.drop_index(
        "ix_orders_unsent",
        table_name="orders",
        sqlite_where=sa.text("status = 'pending_submit'"),
        postgresql_where=sa.text("status = 'pending_submit'"),
    )
    op.drop_index("ix_orders_position_id_created_at", table_name="orders")
    op.drop_index(
        "ix_orders_good_till",
        table_name="orders",
        sqlite_where=sa.text(
            "time_in_force = 'gtd' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "time_in_force = 'gtd' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.drop_index(
        "ix_orders_day",
        table_name="orders",
        sqlite_where=sa.text(
            "time_in_force = 'day' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
        postgresql_where=sa.text(
            "time_in_force = 'day' AND status NOT IN ('filled','cancelled','expired','rejected')"
        ),
    )
    op.drop_table("orders")
    op.drop_index("ix_entitlements_dividend_id", table_name="entitlements")
    op.drop_table("entitlements")
    op.drop_table("applied_splits")
    op.drop_index("ix_sessions_user_id_id", table_name="sessions")
    op.drop_index("ix_sessions_expires_at", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        "ix_positions_instrument",
        table_name="positions",
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.drop_table("positions")
    op.drop_table("corporate_actions")
    op.drop_index("ix_cash_flows_account_id_at", table_name="cash_flows")
    op.drop_table("cash_flows")
    op.drop_table("candle_revisions")
    op.drop_table("candle_partitions")
    op.drop_index("ix_api_tokens_user_id_id", table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_index("ix_users_owner_id_id", table_name="users")
    op.drop_table("users")
    op.drop_index(
        "ix_transfers_in_kind",
        table_name="transfers",
        sqlite_where=sa.text("kind = 'in_kind'"),
        postgresql_where=sa.text("kind = 'in_kind'"),
    )
    op.drop_index("ix_transfers_account_id_seq", table_name="transfers")
    op.drop_table("transfers")
    op.drop_table("splits")
    op.drop_table("service_settings")
    op.drop_table("parked_events")
    op.drop_index("ix_jobs_state_id", table_name="jobs")
    op.drop_index("ix_jobs_owner_id_spec_hash", table_name="jobs")
    op.drop_index("ix_jobs_owner_id_id", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("instruments")
    op.drop_index("ix_idempotent_answers_created_at", table_name="idempotent_answers")
    op.drop_table("idempotent_answers")
    op.drop_table("events")
    op.drop_table("event_cursors")
    op.drop_index("ix_evaluations_position_id_id", table_name="evaluations")
    op.drop_table("evaluations")
    op.drop_index(
        "uq_dividends_live_natural_key",
        table_name="dividends",
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.drop_table("dividends")
    op.drop_index("ix_candle_series_instrument", table_name="candle_series")
    op.drop_table("candle_series")
    op.drop_index("ix_balances_account_id", table_name="balances")
    op.drop_table("balances")
    op.drop_table("accounts")
