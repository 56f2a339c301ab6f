"""The schema goes up, down and up again with rows, matches the tables, and protects history."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from domain.shared.errors import Unavailable
from infrastructure.persistence.doctor import examine
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.migrate import current, head, migrate, move_to
from infrastructure.persistence.migrations.regenerate import first_revision
from infrastructure.persistence.store import SqlStore
from infrastructure.persistence.tables import METADATA
from tests.support.scene import SteppingClock, address_of, trade_a_little


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with address_of(request.param, tmp_path) as own:
        yield own


def _fill(address: str) -> None:
    store = SqlStore(open_database(address), SteppingClock())
    trade_a_little(store)
    store.close()


def _tables(address: str) -> set[str]:
    engine = create_engine(address, poolclass=NullPool)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_the_schema_goes_up_down_and_up_again_with_rows(address: str, tmp_path: Path) -> None:
    database = open_database(address)
    migrate(database, tmp_path)
    _fill(address)
    move_to(address, "base")
    assert _tables(address) <= {"alembic_version"}
    migrate(database, tmp_path)
    _fill(address)
    assert examine(database).is_sound
    database.close()


def test_the_migrated_schema_is_the_one_the_tables_describe(address: str, tmp_path: Path) -> None:
    database = open_database(address)
    migrate(database, tmp_path)
    engine = create_engine(address, poolclass=NullPool)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()
    database.close()
    assert differences == [], (
        "tables changed: run python -m infrastructure.persistence.migrations.regenerate"
    )


@pytest.mark.parametrize("table", ["events", "transfers"])
@pytest.mark.parametrize("change", ["UPDATE {} SET seq = seq + 100", "DELETE FROM {}"])
def test_the_database_refuses_to_change_history(
    address: str, tmp_path: Path, table: str, change: str
) -> None:
    database = open_database(address)
    migrate(database, tmp_path)
    _fill(address)
    engine = create_engine(address, poolclass=NullPool)
    with (
        pytest.raises(DBAPIError, match=f"{table} is append-only"),
        engine.begin() as connection,
    ):
        connection.execute(text(change.format(table)))
    engine.dispose()
    database.close()


def test_a_second_migration_changes_nothing(address: str, tmp_path: Path) -> None:
    database = open_database(address)
    assert current(database) is None
    first = migrate(database, tmp_path)
    again = migrate(database, tmp_path)
    assert first.changed and first.after == current(database) == head()
    assert not again.changed and again.backup is None
    database.close()


def test_a_newer_schema_is_refused_and_left_alone(address: str, tmp_path: Path) -> None:
    database = open_database(address)
    migrate(database, tmp_path)
    engine = create_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable) as refused:
        migrate(database, tmp_path)
    assert refused.value.code == "schema_newer"
    assert current(database) == "9999"
    engine.dispose()
    database.close()


def test_a_database_with_tables_is_backed_up_before_it_is_migrated(tmp_path: Path) -> None:
    file = tmp_path / "ballast.db"
    with sqlite3.connect(file) as old:
        old.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        old.execute("CREATE TABLE keepsake (word TEXT)")
        old.execute("INSERT INTO keepsake VALUES ('kept')")
    old.close()
    database = open_database(f"sqlite:///{file}")
    backup = migrate(database, tmp_path).backup
    database.close()
    assert backup is not None and backup.parent == tmp_path / "backups"
    with sqlite3.connect(backup) as copy:
        assert copy.execute("SELECT word FROM keepsake").fetchall() == [("kept",)]
        assert copy.execute("SELECT * FROM alembic_version").fetchall() == []
    copy.close()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "ballast.db"
    with sqlite3.connect(file) as old:
        old.execute("CREATE TABLE transfers (in_the_way TEXT)")
    old.close()
    database = open_database(f"sqlite:///{file}")
    with pytest.raises(DBAPIError, match="already exists"):
        migrate(database, tmp_path)
    assert _tables(f"sqlite:///{file}") == {"transfers"}
    database.close()


def test_the_first_revision_is_what_the_generator_writes() -> None:
    assert compile(first_revision(), "0001", "exec")
    assert 'protect("events", "transfers", ' in first_revision()


def test_a_start_on_a_current_schema_does_not_import_alembic(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'ballast.db'}"
    database = open_database(address)
    migrate(database, tmp_path)
    database.close()
    script = (
        "import sys; from pathlib import Path\n"
        "from infrastructure.persistence.engine import open_database\n"
        "from infrastructure.persistence.migrate import migrate\n"
        f"assert not migrate(open_database({address!r}), Path({str(tmp_path)!r})).changed\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
