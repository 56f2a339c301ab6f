"""Recorded NAV, and two projections of the event log: trade history and closed trades."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Table, Text

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.tables.platform import SEQUENCE
from infrastructure.persistence.types import ExactDecimal, Instant, JsonText

nav_marks = Table(
    "nav_marks",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("day", Date),
    Column("equity", ExactDecimal),
    Column("flow", ExactDecimal, nullable=False),
    Column("nav", ExactDecimal, nullable=False),
    Column("high_water_mark", ExactDecimal, nullable=False),
    Column("max_drawdown", ExactDecimal, nullable=False),
    Column("equity_after", ExactDecimal, nullable=False),
    Column("is_stale", Boolean, nullable=False),
    Column("pending", JsonText, nullable=False),
)

trade_rows = Table(
    "trade_rows",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),
    Column("account_id", Text, nullable=False),
    Column("position_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_trade_rows_account_id_seq", "account_id", "seq"),
    Index("ix_trade_rows_account_id_symbol_seq", "account_id", "symbol", "seq"),
)

closed_trades = Table(
    "closed_trades",
    METADATA,
    Column("position_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("seq", SEQUENCE, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant, nullable=False),
    Column("entry_price", ExactDecimal, nullable=False),
    Column("initial_qty", ExactDecimal, nullable=False),
    Column("realized_pnl", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("initial_risk", ExactDecimal),
    Column("regime_at_entry", Text),
    Index("ix_closed_trades_account_id_seq", "account_id", "seq"),
)
