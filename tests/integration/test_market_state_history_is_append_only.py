"""Replaced numbers of the market's state stay as they were, whoever connects."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from application.context import SYSTEM
from domain.market.market_sources import StateSource, VixSource
from domain.market.market_state import MarketStateRow
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.migrate import migrate
from infrastructure.persistence.store import SqlStore
from tests.support.hand_clock import HandClock
from tests.support.scene import address_of

SEEN = datetime(2024, 3, 11, 21, tzinfo=UTC)


def revision(number: int) -> MarketStateRow:
    values, sources = {"vix": Decimal(17 + number)}, {"vix": StateSource.MANUAL}
    return MarketStateRow(
        date(2024, 3, 11), values, sources, VixSource.VIX, SEEN, SEEN, revision=number
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "change", ["UPDATE market_state_revisions SET numbers = '{}'", "DELETE FROM market_state_revisions"]
)  # fmt: skip
def test_a_replaced_row_cannot_be_changed(kind: str, change: str, tmp_path: Path) -> None:
    with address_of(kind, tmp_path) as address:
        database = open_database(address)
        migrate(database, tmp_path)
        store = SqlStore(database, HandClock(SEEN))
        for number in (1, 2):
            store.command(
                lambda work, n=number: work.market_state.put([revision(n)]), SYSTEM
            ).result()
        store.close()
        engine = create_engine(address, poolclass=NullPool)
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(change))
        engine.dispose()
