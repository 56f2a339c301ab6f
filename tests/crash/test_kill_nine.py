"""The service killed under load: what it acknowledged is there, nothing is there twice, the books add up.

32 clients submit orders, report their fills and deposit cash, each command under a key of its own,
until the process is killed at a random moment. Commands that got no answer are sent again with
their key, as a client would: they take effect then, or had already, but never twice.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.persistence.doctor import examine
from infrastructure.persistence.engine import open_database
from tests.support.databases import sqlite_address
from tests.support.server_process import ServerProcess

CLIENTS = 32
ROUNDS, ROUNDS_POSTGRESQL, ROUNDS_LONG = 4, 2, 20
LOAD_S = (0.05, 0.6)
STARTING_CASH = 1_000_000
TIMEOUT = httpx.Timeout(30.0)


@dataclass
class Command:
    """One keyed request and the answer it got, if it got one."""

    path: str
    body: dict[str, Any]
    key: str
    answer: dict[str, Any] | None = None

    async def send(self, client: httpx.AsyncClient) -> httpx.Response:
        return await client.post(self.path, json=self.body, headers={"Idempotency-Key": self.key})


@dataclass
class Trader:
    """One client with one position, and everything it ever asked for."""

    position_id: str
    keys: Iterator[int]
    commands: list[Command] = field(default_factory=list)

    async def trade(self, client: httpx.AsyncClient) -> None:
        """Order, fill, deposit, again and again; ends when the server is gone."""
        with suppress(httpx.TransportError):
            while True:
                order = await self.ask(
                    client, f"/positions/{self.position_id}/orders", side="BUY", qty=1
                )
                fill = f"/orders/{order['order_id']}/fill"
                await self.ask(client, fill, price=1, filled_qty=1, commission=0)
                await self.ask(client, f"/positions/{self.position_id}/deposits", amount=3)

    async def ask(self, client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
        command = Command(path, body, f"key-{next(self.keys)}")
        self.commands.append(command)
        answer = await command.send(client)
        assert answer.status_code in (200, 201), answer.text
        command.answer = answer.json()
        return command.answer

    def done(self, what: str) -> list[Command]:
        return [command for command in self.commands if command.path.endswith(what)]


class Scene:
    """A server, its traders, and what must hold after each kill."""

    def __init__(self, folder: Path, address: str, seed: int) -> None:
        self.server = ServerProcess(folder, address if address.startswith("postgresql") else "")
        self.address = address
        self.chance = random.Random(seed)
        self.traders: list[Trader] = []

    def run(self, rounds: int) -> None:
        try:
            self.server.start()
            asyncio.run(self.open_positions())
            for _ in range(rounds):
                asyncio.run(self.trade_until_killed())
                self.assert_sound()
                self.server.start()
                asyncio.run(self.assert_kept())
            self.server.stop()
        finally:
            self.server.kill()
        self.assert_sound()

    async def open_positions(self) -> None:
        keys = count(1)
        async with self.client() as client:
            for _ in range(CLIENTS):
                new = {"ticker": "ZIM", "cash": STARTING_CASH, "plan": {"max_orders_per_day": 1000}}
                made = await client.post("/positions", json=new)
                assert made.status_code == 201, made.text
                self.traders.append(Trader(made.json()["id"], keys))

    async def trade_until_killed(self) -> None:
        async with self.client() as client:
            trading = asyncio.gather(*(trader.trade(client) for trader in self.traders))
            await asyncio.sleep(self.chance.uniform(*LOAD_S))
            await asyncio.to_thread(self.server.kill)
            await trading

    async def assert_kept(self) -> None:
        async with self.client() as client:
            await asyncio.gather(*(self.assert_kept_for(t, client) for t in self.traders))

    async def assert_kept_for(self, trader: Trader, client: httpx.AsyncClient) -> None:
        for command in trader.commands:
            answer = await command.send(client)
            if command.answer is None:
                assert answer.status_code in (200, 201), answer.text
                command.answer = answer.json()
            else:
                assert (answer.status_code, answer.json()) == (200, command.answer)
                assert answer.headers["Idempotency-Replayed"] == "true"
        for submitted in trader.done("/orders"):
            assert submitted.answer is not None
            read = await client.get(f"/orders/{submitted.answer['order_id']}")
            assert read.status_code == 200, read.text
        await self.assert_once(trader, client)

    async def assert_once(self, trader: Trader, client: httpx.AsyncClient) -> None:
        """One effect per key: shares and cash are what the keys add up to, orders one per key."""
        bought, deposits = len(trader.done("/fill")), len(trader.done("/deposits"))
        position = (await client.get(f"/positions/{trader.position_id}")).json()
        assert position["qty"] == bought
        assert position["cash"] == STARTING_CASH - bought + 3 * deposits
        listed = {"limit": 1, "count": "exact"}
        orders = await client.get(f"/positions/{trader.position_id}/orders", params=listed)
        assert orders.json()["total"] == len(trader.done("/orders"))

    def assert_sound(self) -> None:
        """The books as they lie on disk, with no service running."""
        database = open_database(self.address)
        try:
            examination = examine(database)
        finally:
            database.close()
        assert examination.is_sound, [str(found) for found in examination.diagnoses]

    def client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=CLIENTS)
        return httpx.AsyncClient(
            base_url=f"{self.server.address}/api/v1", timeout=TIMEOUT, limits=limits
        )


def _play(folder: Path, address: str, rounds: int, seed: int) -> None:
    scene = Scene(folder, address, seed)
    scene.run(rounds)
    acknowledged = sum(len(trader.commands) for trader in scene.traders)
    assert acknowledged > CLIENTS, "the load never started"


@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_and_nothing_doubled_on_sqlite(tmp_path: Path) -> None:
    _play(tmp_path, sqlite_address(tmp_path), ROUNDS, seed=1)


@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_and_nothing_doubled_on_postgresql(
    tmp_path: Path, postgresql_address: str
) -> None:
    _play(tmp_path, postgresql_address, ROUNDS_POSTGRESQL, seed=2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_acknowledged_is_lost_and_nothing_doubled_for_long(tmp_path: Path) -> None:
    _play(tmp_path, sqlite_address(tmp_path), ROUNDS_LONG, seed=random.randrange(2**32))
