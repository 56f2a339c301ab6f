"""A read that cannot reach the database says so, so that callers wait instead of giving up."""

from pathlib import Path

import pytest

from application.context import SYSTEM
from domain.shared.errors import Unavailable
from infrastructure.clock import SystemClock
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore
from tests.support.databases import sqlite_address
from tests.support.server_process import free_port


def _gone(folder: Path, kind: str) -> str:
    if kind == "sqlite":
        return sqlite_address(folder / "no such folder")
    return f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_query_on_a_database_that_is_gone_is_unavailable(tmp_path: Path, kind: str) -> None:
    store = SqlStore(open_database(_gone(tmp_path, kind)), SystemClock())
    try:
        with pytest.raises(Unavailable) as raised:
            store.query(lambda work: work.users.founder(), SYSTEM)
        assert raised.value.code == "store_unavailable"
        assert raised.value.retry_after_s == 1
    finally:
        store.close()
