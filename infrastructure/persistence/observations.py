"""Small readings of the store for metrics and health: one keyed or counting query each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.exc import SQLAlchemyError

from domain.shared.errors import Unavailable
from infrastructure.persistence.engine import Database
from infrastructure.persistence.session import Row, SqlSession, StatementCache
from infrastructure.persistence.tables.jobs import jobs
from infrastructure.persistence.tables.platform import event_cursors, events
from infrastructure.persistence.tables.portfolio import accounts
from infrastructure.persistence.tables.reports import nav_marks

_ONE = select(literal(1).label("one"))
_HEAD = select(func.max(events.c.seq).label("head"))
_CURSORS = select(event_cursors.c.consumer, event_cursors.c.seq)
_JOB_STATES = select(jobs.c.state, func.count().label("n")).group_by(jobs.c.state)

# One look by the primary key per account, however many marks there are.
_EQUITY = select(
    accounts.c.id,
    select(nav_marks.c.equity_after)
    .where(nav_marks.c.account_id == accounts.c.id)
    .order_by(nav_marks.c.at.desc())
    .limit(1)
    .correlate(accounts)
    .scalar_subquery()
    .label("equity"),
)


@dataclass(frozen=True, slots=True)
class StoreReadings:
    """Reads on a pooled connection; Unavailable `store_unavailable` when the store fails."""

    database: Database

    def answers(self) -> bool:
        """True when a query comes back."""
        return bool(self._rows(_ONE))

    def consumer_lags(self) -> Mapping[str, float]:
        """Events each consumer has not yet taken."""
        head = int(self._rows(_HEAD)[0]["head"] or 0)
        return {row["consumer"]: float(head - row["seq"]) for row in self._rows(_CURSORS)}

    def job_states(self) -> Mapping[str, float]:
        """Jobs by state."""
        return {row["state"]: float(row["n"]) for row in self._rows(_JOB_STATES)}

    def equity_by_account(self) -> Mapping[str, float]:
        """Equity after each account's newest recorded mark and the flow it may stand before."""
        rows = self._rows(_EQUITY)
        return {row["id"]: float(row["equity"]) for row in rows if row["equity"] is not None}

    def _rows(self, statement: Select[Any]) -> list[Row]:
        engine = self.database.reads
        try:
            connection = engine.raw_connection()
            try:
                driver: Any = connection.driver_connection
                cursor = driver.cursor()
                rows = SqlSession(cursor, StatementCache(engine.dialect)).built(statement)
                cursor.close()
                connection.rollback()
            finally:
                connection.close()
        except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
            raise Unavailable(
                "store_unavailable", f"The store did not answer: {type(error).__name__}."
            ) from error
        return rows
