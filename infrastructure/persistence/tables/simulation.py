"""The simulation's book: the tables of the book of record under `sim_`, and what only it has.

Each run is a ledger account of its own, so an archived run stays readable to the last transfer.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, text

from domain.shared.ids import SIMULATION_PREFIX
from infrastructure.persistence.tables import ledger
from infrastructure.persistence.tables import portfolio as book
from infrastructure.persistence.tables.binding import bound
from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.types import ExactDecimal, Instant, JsonArrayText, JsonText

IS_CURRENT_RUN = "archived_at IS NULL"
IS_LIVE_POSITION = "status <> 'closed'"
IS_RESTING = "ended_at IS NULL"
IS_OPEN_TRIP = "closed_at IS NULL"
IS_WAITING = "status = 'pending'"

sim_runs = Table(
    "sim_runs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("initial_capital", ExactDecimal, nullable=False),
    Column("settings", JsonText, nullable=False),
    Column("price_source", Text, nullable=False),
    Column("symbols", JsonArrayText, nullable=False),
    Column("replay", JsonText),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("stopped_at", Instant),
    Column("last_tick_at", Instant),
    Column("archived_at", Instant),
    Column("volume_quote", ExactDecimal, nullable=False),
    Column("summary", JsonText),
    Column("version", Integer, nullable=False),
    Index(
        "uq_sim_runs_one_current",
        "owner_id",
        unique=True,
        sqlite_where=text(IS_CURRENT_RUN),
        postgresql_where=text(IS_CURRENT_RUN),
    ),
)

COPIES = bound(
    (
        book.positions,
        book.orders,
        book.fills,
        ledger.transfers,
        ledger.balances,
        ledger.cash_flows,
        book.evaluations,
    ),
    SIMULATION_PREFIX,
    {"accounts.id": "sim_runs.id"},
)

sim_positions = COPIES[book.positions]
sim_orders = COPIES[book.orders]
sim_fills = COPIES[book.fills]

# One net position per symbol, whoever races.
Index(
    "uq_sim_positions_one_net",
    sim_positions.c.account_id,
    sim_positions.c.instrument,
    unique=True,
    sqlite_where=text(IS_LIVE_POSITION),
    postgresql_where=text(IS_LIVE_POSITION),
)

sim_prices = Table(
    "sim_prices",
    METADATA,
    Column("run_id", Text, ForeignKey("sim_runs.id"), primary_key=True),
    Column("instrument", Text, primary_key=True),
    Column("bid", ExactDecimal),
    Column("ask", ExactDecimal),
    Column("last", ExactDecimal),
    Column("mark", ExactDecimal),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    Column("is_bar_close", Boolean, nullable=False),
)

sim_equity_points = Table(
    "sim_equity_points",
    METADATA,
    Column("run_id", Text, ForeignKey("sim_runs.id"), primary_key=True),
    Column("resolution", Text, primary_key=True),
    Column("bucket", Instant, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("equity", ExactDecimal, nullable=False),
    Column("cash", ExactDecimal, nullable=False),
    Column("unrealized_pnl", ExactDecimal, nullable=False),
    Column("realized_pnl", ExactDecimal, nullable=False),
    Index("ix_sim_equity_points_resolution_bucket", "resolution", "bucket"),
)

sim_tickets = Table(
    "sim_tickets",
    METADATA,
    Column("order_id", Text, ForeignKey("sim_orders.id"), primary_key=True),
    Column("run_id", Text, ForeignKey("sim_runs.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("terms", JsonText, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("open_qty", ExactDecimal, nullable=False),
    Column("filled_qty", ExactDecimal, nullable=False),
    Column("fill_count", Integer, nullable=False),
    Column("stop_price", ExactDecimal),
    Column("is_triggered", Boolean, nullable=False),
    Column("ended_at", Instant),
    Index("ix_sim_tickets_run_id_seq", "run_id", "seq"),
    Index(
        "ix_sim_tickets_resting",
        "run_id",
        "instrument",
        sqlite_where=text(IS_RESTING),
        postgresql_where=text(IS_RESTING),
    ),
)

sim_round_trips = Table(
    "sim_round_trips",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("sim_runs.id"), nullable=False),
    Column("position_id", Text, ForeignKey("sim_positions.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("leverage", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("entry_qty", ExactDecimal, nullable=False),
    Column("entry_notional", ExactDecimal, nullable=False),
    Column("exit_qty", ExactDecimal, nullable=False),
    Column("exit_notional", ExactDecimal, nullable=False),
    Column("realized_pnl", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("slippage", ExactDecimal, nullable=False),
    Column("funding", ExactDecimal, nullable=False),
    Column("stop_price", ExactDecimal),
    Column("risk", ExactDecimal),
    Column("closed_at", Instant),
    Column("exit_reason", Text),
    Column("version", Integer, nullable=False),
    Index("ix_sim_round_trips_run_id_id", "run_id", "id"),
    Index(
        "uq_sim_round_trips_one_open",
        "position_id",
        unique=True,
        sqlite_where=text(IS_OPEN_TRIP),
        postgresql_where=text(IS_OPEN_TRIP),
    ),
)

sim_confirmations = Table(
    "sim_confirmations",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("run_id", Text, ForeignKey("sim_runs.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("request", JsonText, nullable=False),
    Column("reference_price", ExactDecimal, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("order_id", Text),
    Column("reason", Text),
    Column("version", Integer, nullable=False),
    Index(
        "ix_sim_confirmations_waiting",
        "owner_id",
        "expires_at",
        sqlite_where=text(IS_WAITING),
        postgresql_where=text(IS_WAITING),
    ),
)
