"""Many desktops at once, on SQLite and PostgreSQL: one trade per symbol, one answer per bar."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from tests.api.test_orders_concurrency import callers, sound_ledger
from tests.conftest import unhurried
from tests.support.databases import scratch_postgresql
from tests.support.desktop import AAPL_OPEN
from tests.support.market import calendar_folder
from tests.support.portfolio import exact


@pytest.fixture(params=["sqlite", "postgresql"])
def desktop_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    shutil.copytree(calendar_folder() / "calendars", tmp_path / "calendars")
    if request.param == "sqlite":
        yield unhurried(tmp_path)
        return
    with scratch_postgresql() as address:
        yield unhurried(tmp_path).model_copy(update={"database_url": address})


async def test_one_symbol_under_fire(desktop_settings: Settings) -> None:
    async with callers(desktop_settings) as (client, _):
        opens = await asyncio.gather(
            *(client.post("/positions/open", json=AAPL_OPEN) for _ in range(50))
        )
        assert Counter(a.status_code for a in opens) == {200: 1, 400: 49}
        refusals = {a.json()["code"] for a in opens if a.status_code == 400}
        assert refusals == {"position_exists"}
        bar = {"symbol": "AAPL", "current_price_data": {"high": 169, "low": 149, "close": 168}}
        updates = await asyncio.gather(
            *(client.put("/positions/update", json=bar) for _ in range(20))
        )
        assert Counter(a.json()["replayed"] for a in updates) == {False: 1, True: 19}
        assert len({a.text.replace("true", "false") for a in updates}) == 1
        left = exact(await client.get("/positions/AAPL"))["quantity"]
        assert left == 133 - 33
        close = {"price": 170, "fraction": 1}
        closes = await asyncio.gather(
            *(client.post("/positions/AAPL/close", json=close) for _ in range(20))
        )
        assert Counter(a.status_code for a in closes) == {200: 1, 404: 19}
        account = exact(await client.get("/api/v1/accounts"))["items"][0]
        assert account["cash"] == 100_000 + 33 * 18 + 100 * 20
        await sound_ledger(client)


async def test_one_open_wins_on_both_paths_at_once(desktop_settings: Settings) -> None:
    plan = {"kind": "regime_exit", "entry_price": 150, "market_state": {"vix": 18}}
    async with callers(desktop_settings) as (client, _):
        answers = await asyncio.gather(
            *(client.post("/positions/open", json=AAPL_OPEN) for _ in range(10)),
            *(
                client.post("/api/v1/positions", json={"ticker": "aapl", "plan": plan})
                for _ in range(10)
            ),
        )
        won = [a.status_code for a in answers if a.status_code < 300]
        assert len(won) == 1
        assert Counter(a.json()["code"] for a in answers if a.status_code >= 300) == {
            "position_exists": 19
        }
        assert list((await client.get("/positions")).json()) == ["AAPL"]
