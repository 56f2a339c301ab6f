"""The doctor finds each kind of damage done to a copy of a sound store, and nothing in a sound one."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.persistence.backup import back_up_sqlite
from infrastructure.persistence.doctor import examine
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.examination import FINDINGS_MAX_PER_CODE, Ailment, Examination
from infrastructure.persistence.migrate import migrate
from infrastructure.persistence.store import SqlStore
from tests.support.databases import scratch_postgresql
from tests.support.scene import OWNER, SteppingClock, trade_a_little
from tests.support.trade_log import trade_events


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    database = open_database(f"sqlite:///{folder / 'live.db'}")
    migrate(database, folder)
    store = SqlStore(database, SteppingClock())
    trade_a_little(store)
    store.command(lambda w: w.events.append(trade_events(w.accounts.main().id)), OWNER).result()
    copy = folder / "copy.db"
    back_up_sqlite(folder / "live.db", copy)
    store.close()
    return copy


@pytest.fixture
def patient(sound: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    file = tmp_path / "patient.db"
    shutil.copy(sound, file)
    connection = sqlite3.connect(file, isolation_level=None)
    for table in ("events", "transfers"):
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER {table}_refuse_{verb}")
    yield connection
    connection.close()


def _examined(file: Path) -> Examination:
    database = open_database(f"sqlite:///{file}")
    try:
        return examine(database)
    finally:
        database.close()


def test_a_sound_store_has_no_findings(sound: Path) -> None:
    examination = _examined(sound)
    assert examination.is_sound and examination.diagnoses == []
    assert all(examination.looked_at[what] > 0 for what in ("events", "transfers", "fills"))


DAMAGE = [
    ("DELETE FROM events WHERE seq = 5", Ailment.EVENT_GAP),
    ("UPDATE events SET actor = 'usr_other' WHERE seq = 4", Ailment.EVENT_HASH),
    ("UPDATE events SET data = replace(data, '150', '151') WHERE seq = 2", Ailment.EVENT_HASH),
    (
        "UPDATE events SET aggregate_seq = aggregate_seq + 50 WHERE seq = 12",
        Ailment.EVENT_AGGREGATE_ORDER,
    ),
    ("DELETE FROM transfers WHERE seq = 3", Ailment.TRANSFER_GAP),
    ("UPDATE transfers SET amount = '-1' WHERE seq = 2", Ailment.TRANSFER_AMOUNT),
    (
        "UPDATE balances SET amount = '1' WHERE bucket = 'available' AND holder_id LIKE 'pos%'",
        Ailment.LEDGER_SUM,
    ),
    (
        "UPDATE transfers SET amount = '123' WHERE kind = 'deposit'",
        Ailment.BALANCE_MISMATCH,
    ),
    (
        "UPDATE balances SET amount = '-7' WHERE bucket = 'available' AND holder_id LIKE 'pos%'",
        Ailment.NEGATIVE_BALANCE,
    ),
    (
        "UPDATE orders SET reserved = '1.5' WHERE status = 'working' AND side = 'BUY'",
        Ailment.RESERVATION_MISMATCH,
    ),
    (
        "UPDATE orders SET status = 'cancelled' WHERE status = 'working' AND side = 'SELL'",
        Ailment.RESERVATION_MISMATCH,
    ),
    ("UPDATE orders SET filled_qty = '4' WHERE filled_qty = '4.5'", Ailment.ORDER_FILLS),
    ("UPDATE positions SET qty = '11'", Ailment.POSITION_QTY),
    ("UPDATE positions SET cost = '1700'", Ailment.POSITION_COST),
    ("UPDATE positions SET realized_pnl = '99'", Ailment.POSITION_REALIZED),
    ("UPDATE positions SET realized_known = 0", Ailment.POSITION_REALIZED),
    ("UPDATE positions SET fees_paid = '0'", Ailment.POSITION_FEES),
    ("UPDATE positions SET cash = '1'", Ailment.POSITION_CASH),
    ("UPDATE positions SET receivable = '3'", Ailment.POSITION_RECEIVABLE),
    ("UPDATE fills SET realized_pnl = '0.01' WHERE side = 'SELL'", Ailment.FILL_REALIZED),
    ("UPDATE fills SET order_id = 'ord_none' WHERE side = 'SELL'", Ailment.ORPHAN),
    ("UPDATE fills SET price = '1' WHERE side = 'BUY'", Ailment.POSITION_COST),
    ("DELETE FROM trade_rows WHERE action = 'POSITION_OPENED'", Ailment.TRADE_ROW),
    ("UPDATE trade_rows SET document = replace(document, '112', '113')", Ailment.TRADE_ROW),
    ("UPDATE trade_rows SET seq = seq + 9", Ailment.TRADE_ROW),
    ("UPDATE closed_trades SET realized_pnl = '9999'", Ailment.CLOSED_TRADE),
    ("DELETE FROM closed_trades", Ailment.CLOSED_TRADE),
    ("UPDATE nav_marks SET nav = '1.5'", Ailment.NAV_MARK),
    ("UPDATE nav_marks SET equity = '1', flow = '5' WHERE day IS NULL", Ailment.NAV_MARK),
]


@pytest.mark.parametrize(
    ("damage", "code"), DAMAGE, ids=[f"{c}-{i}" for i, (_, c) in enumerate(DAMAGE)]
)
def test_each_kind_of_damage_is_found(
    patient: sqlite3.Connection, tmp_path: Path, damage: str, code: Ailment
) -> None:
    assert patient.execute(damage).rowcount > 0, "the damage must touch a row"
    examination = _examined(tmp_path / "patient.db")
    assert not examination.is_sound
    assert code in examination.counts
    finding = next(d for d in examination.diagnoses if d.code is code)
    assert finding.subject and finding.expected != finding.found


def test_rewriting_one_event_breaks_the_chain_at_that_event(
    patient: sqlite3.Connection, tmp_path: Path
) -> None:
    patient.execute("UPDATE events SET hash = printf('%064d', 7) WHERE seq = 6")
    examination = _examined(tmp_path / "patient.db")
    subjects = [d.subject for d in examination.diagnoses if d.code is Ailment.EVENT_HASH]
    assert subjects == ["event 6", "event 7"]


def test_many_findings_of_a_kind_are_counted_and_the_first_are_shown(
    patient: sqlite3.Connection, tmp_path: Path
) -> None:
    examination = Examination()
    for number in range(50):
        examination.expect(Ailment.ORPHAN, str(number), "a", "b")
    assert examination.counts[Ailment.ORPHAN] == 50
    assert len(examination.diagnoses) == FINDINGS_MAX_PER_CODE


def test_postgresql_is_examined_alike(tmp_path: Path) -> None:
    with scratch_postgresql() as address:
        database = open_database(address)
        migrate(database, tmp_path)
        store = SqlStore(database, SteppingClock())
        trade_a_little(store)
        assert examine(database).is_sound
        connection = database.writes.raw_connection()
        connection.cursor().execute("UPDATE positions SET cash = 1")
        connection.commit()
        connection.close()
        assert Ailment.POSITION_CASH in examine(database).counts
        store.close()
