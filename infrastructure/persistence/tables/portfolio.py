"""The book of record: accounts, positions, orders, fills, ledger, evaluations, corporate
actions.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import ExactDecimal, Instant, JsonArrayText, JsonText

# Conditions of partial indexes. A query uses such an index only when it repeats the words.
IS_UNCLOSED = "status <> 'closed'"
IS_OPEN_ORDER = "status NOT IN ('filled','cancelled','expired','rejected')"
IS_AUTOMATIC_IN_FLIGHT = f"origin = 'plan' AND {IS_OPEN_ORDER}"
IS_OPEN_DAY_ORDER = f"time_in_force = 'day' AND {IS_OPEN_ORDER}"
IS_OPEN_GTD_ORDER = f"time_in_force = 'gtd' AND {IS_OPEN_ORDER}"
IS_OPEN_IMMEDIATE_ORDER = f"time_in_force IN ('ioc','fok') AND {IS_OPEN_ORDER}"
IS_UNSENT_ORDER = "status = 'pending_submit'"
IS_TRADE = "plan_kind IN ('regime_exit','bracket')"
IS_LIVE_TRADE = f"{IS_TRADE} AND status <> 'closed'"

accounts = Table(
    "accounts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("settlement", Text, nullable=False),
    Column("base_currency", Text, nullable=False),
    Column("starting_equity", ExactDecimal, nullable=False),
    Column("calendar", Text, nullable=False),
    Column("commission_rate", ExactDecimal, nullable=False),
    Column("slippage", ExactDecimal, nullable=False),
    Column("leverage_default", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("book", Text, nullable=False),
    UniqueConstraint("owner_id", "name"),
)

positions = Table(
    "positions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("calendar", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("is_cell", Boolean, nullable=False),
    Column("qty", ExactDecimal, nullable=False),
    Column("cost", ExactDecimal),
    Column("opening_price", ExactDecimal),
    Column("realized_pnl", ExactDecimal, nullable=False),
    Column("realized_known", Boolean, nullable=False),
    Column("fees_paid", ExactDecimal, nullable=False),
    Column("cash", ExactDecimal, nullable=False),
    Column("receivable", ExactDecimal, nullable=False),
    Column("dividends_received", ExactDecimal, nullable=False),
    Column("funding_paid", ExactDecimal, nullable=False),
    Column("anchor_price", ExactDecimal),
    Column("high_water", ExactDecimal),
    Column("low_water", ExactDecimal),
    Column("last_fill_price", ExactDecimal),
    Column("plan_kind", Text),
    Column("plan", Text),
    Column("status", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("entry_session", Date),
    Column("withholding_rate", ExactDecimal),
    Column("last_executed_at", Instant),
    Column("mark_price", ExactDecimal),
    Column("marked_at", Instant),
    Column("anchored_at", Instant),
    Column("version", Integer, nullable=False),
    Index(
        "ix_positions_instrument",
        "instrument",
        sqlite_where=text(IS_UNCLOSED),
        postgresql_where=text(IS_UNCLOSED),
    ),
    Index(
        "ix_positions_unclosed",
        "owner_id",
        sqlite_where=text(IS_UNCLOSED),
        postgresql_where=text(IS_UNCLOSED),
    ),
    Index(
        "uq_positions_one_live_trade",
        "account_id",
        "instrument",
        unique=True,
        sqlite_where=text(IS_LIVE_TRADE),
        postgresql_where=text(IS_LIVE_TRADE),
    ),
    Index(
        "ix_positions_trades",
        "account_id",
        "instrument",
        "id",
        sqlite_where=text(IS_TRADE),
        postgresql_where=text(IS_TRADE),
    ),
)

bar_answers = Table(
    "bar_answers",
    METADATA,
    Column("position_id", Text, ForeignKey("positions.id"), primary_key=True),
    Column("session", Date, primary_key=True),
    Column("signature", Text, primary_key=True),
    Column("answer", JsonText, nullable=False),
    sqlite_with_rowid=False,
)

orders = Table(
    "orders",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("client_order_id", Text, nullable=False, unique=True),
    Column("owner_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("position_id", Text, ForeignKey("positions.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("qty", ExactDecimal, nullable=False),
    Column("limit_price", ExactDecimal),
    Column("stop_price", ExactDecimal),
    Column("time_in_force", Text, nullable=False),
    Column("good_till", Instant),
    Column("reduce_only", Boolean, nullable=False),
    Column("intent", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("commission_rate", ExactDecimal, nullable=False),
    Column("note", Text),
    Column("status", Text, nullable=False),
    Column("filled_qty", ExactDecimal, nullable=False),
    Column("filled_notional", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("reserved", ExactDecimal),
    Column("reservation_price", ExactDecimal),
    Column("reason", Text),
    Column("rejected_by", Text),
    Column("checks", JsonArrayText, nullable=False),
    Column("evaluation_id", Text),
    Column("cancel_requested_at", Instant),
    Column("deferred_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_orders_position_id_created_at", "position_id", "created_at"),
    Index(
        "uq_orders_one_automatic_in_flight",
        "position_id",
        unique=True,
        sqlite_where=text(IS_AUTOMATIC_IN_FLIGHT),
        postgresql_where=text(IS_AUTOMATIC_IN_FLIGHT),
    ),
    # Orders good till cancelled, nearly all of them, cost these indexes nothing.
    Index(
        "ix_orders_day",
        "created_at",
        sqlite_where=text(IS_OPEN_DAY_ORDER),
        postgresql_where=text(IS_OPEN_DAY_ORDER),
    ),
    Index(
        "ix_orders_good_till",
        "good_till",
        sqlite_where=text(IS_OPEN_GTD_ORDER),
        postgresql_where=text(IS_OPEN_GTD_ORDER),
    ),
    Index(
        "ix_orders_immediate",
        "created_at",
        sqlite_where=text(IS_OPEN_IMMEDIATE_ORDER),
        postgresql_where=text(IS_OPEN_IMMEDIATE_ORDER),
    ),
    Index(
        "ix_orders_unsent",
        "created_at",
        sqlite_where=text(IS_UNSENT_ORDER),
        postgresql_where=text(IS_UNSENT_ORDER),
    ),
)

fills = Table(
    "fills",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("position_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("qty", ExactDecimal, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("fee", ExactDecimal, nullable=False),
    Column("fee_currency", Text, nullable=False),
    Column("executed_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("external_id", Text),
    Column("liquidity", Text, nullable=False),
    Column("realized_pnl", ExactDecimal),
    Column("anchor_before", ExactDecimal),
    UniqueConstraint("venue", "account_id", "external_id"),
    Index("ix_fills_position_id_id", "position_id", "id"),
)


evaluations = Table(
    "evaluations",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("position_id", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("order_id", Text),
    Column("row", JsonText, nullable=False),
    Index("ix_evaluations_position_id_id", "position_id", "id"),
)
