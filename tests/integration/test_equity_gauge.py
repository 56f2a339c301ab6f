"""The equity of a scrape is that of each account's newest mark, and costs one keyed look each."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from app.metrics import Metrics
from application.ports.report_repositories import StoredNavMark
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Account
from domain.risk.nav import NavMark, UnitNav
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.observations import _EQUITY, StoreReadings
from infrastructure.persistence.store import SqlStore
from infrastructure.persistence.tables import METADATA
from tests.conftest import serving, unhurried
from tests.support.portfolio import OWNER, START, SteppingClock, main_account
from tests.support.scene import address_of

D = Decimal


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with address_of(request.param, tmp_path) as address:
        database = open_database(address)
        METADATA.create_all(database.writes)
        opened = SqlStore(database, SteppingClock())
        yield opened
        opened.close()


def _mark(store: SqlStore, account: Account, days: int, equity: str) -> None:
    at = START + timedelta(days=days)
    mark = StoredNavMark(account.id, NavMark(at, D(equity)), UnitNav(D(equity)), day=at.date())

    def put(work: UnitOfWork) -> None:
        work.nav_marks.put([mark])

    store.command(put, OWNER).result()


def test_the_newest_mark_of_each_account_is_shown(store: SqlStore) -> None:
    readings = StoreReadings(store.database)
    assert readings.equity_by_account() == {}
    account = main_account(store)
    assert readings.equity_by_account() == {account.id: 100_000.0}
    _mark(store, account, 3, "99500.25")
    _mark(store, account, 2, "1")
    assert readings.equity_by_account() == {account.id: 99500.25}
    metrics = Metrics()
    metrics.gauge("equity", "Equity.", readings.equity_by_account, label="account")
    assert f'ballast_equity{{account="{account.id}"}} 99500.25' in metrics.text().decode()


def test_the_marks_of_years_are_not_read(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'ballast.db'}")
    METADATA.create_all(database.writes)
    statement = str(_EQUITY.compile(database.writes, compile_kwargs={"literal_binds": True}))
    with database.writes.connect() as connection:
        plan = [str(row[3]) for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))]
    database.close()
    assert not [line for line in plan if line.startswith("SCAN nav_marks")], plan


def test_the_service_shows_it(tmp_path: Path) -> None:
    with serving(unhurried(tmp_path)) as client:
        account = client.get("/api/v1/accounts").json()["items"][0]["id"]
        assert f'ballast_equity{{account="{account}"}}' in client.get("/metrics").text
