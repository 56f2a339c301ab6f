"""The doctor counts what resting paper orders hold by the rule they were submitted under."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from infrastructure.persistence.doctor import examine
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.examination import Ailment, Examination
from tests.support.simulation import paper_account

D = Decimal


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long of ten, three sells of ten against it, the first of which only closes."""
    folder = tmp_path_factory.mktemp("paper")
    with pytest.MonkeyPatch.context() as patch, paper_account(folder, patch) as account:
        account.start()
        account.quote(100)
        account.order("BUY", 10)
        for _ in range(3):
            account.order("SELL", 10, order_type="limit", price=110)
        held = [order["reserved"] for order in account.orders() if order["status"] == "working"]
        assert sorted(held) == [0, D("1101.1"), D("1101.1")]
    return folder / "ballast.db"


def examined(file: Path) -> Examination:
    database = open_database(f"sqlite:///{file}")
    try:
        return examine(database)
    finally:
        database.close()


def test_orders_against_a_position_are_counted_together(traded: Path) -> None:
    examination = examined(traded)
    assert examination.is_sound, examination.diagnoses


def test_a_hold_that_does_not_fit_the_position_is_found(traded: Path) -> None:
    connection = sqlite3.connect(traded, isolation_level=None)
    # Both sides of the sum of holds are damaged alike: only the rule itself can tell.
    changed = connection.execute(
        "UPDATE sim_orders SET reservation_price = '90' WHERE status = 'working'"
    )
    assert changed.rowcount == 3
    connection.close()
    examination = examined(traded)
    found = [d for d in examination.diagnoses if d.code is Ailment.RESERVATION_MISMATCH]
    assert [d.subject.split(" of run")[0] for d in found] == [
        "margin of the orders in BTC-USDT-PERP"
    ]
