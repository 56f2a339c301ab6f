"""Many callers at once, on SQLite and PostgreSQL: one effect per key, no share sold twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from application.context import SYSTEM
from application.ports.unit_of_work import Store
from domain.shared.canonical import canonical_json
from infrastructure.persistence.event_log import GENESIS, link
from tests.conftest import unhurried
from tests.support.databases import scratch_postgresql
from tests.support.portfolio import exact

API = "/api/v1"


@pytest.fixture(params=["sqlite", "postgresql"])
def concurrent_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        yield unhurried(tmp_path)
        return
    with scratch_postgresql() as address:
        yield unhurried(tmp_path).model_copy(update={"database_url": address})


@asynccontextmanager
async def callers(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Store]]:
    """The real application in this event loop, and the store behind it."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client,
    ):
        yield client, app.state.container.get(Store)


async def post(
    client: httpx.AsyncClient, path: str, body: object = None, key: str | None = None
) -> httpx.Response:
    headers = {"Idempotency-Key": key or uuid4().hex}
    return await client.post(API + path, json=body, headers=headers)


async def cell(client: httpx.AsyncClient, **terms: Any) -> str:
    body = {"ticker": "ZIM", "cash": 10000, "plan": None, **terms}
    made = await client.post(f"{API}/positions", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def position(client: httpx.AsyncClient, position_id: str) -> dict[str, Any]:
    return dict(exact(await client.get(f"{API}/positions/{position_id}")))


async def sound_ledger(client: httpx.AsyncClient) -> None:
    for account in (await client.get(f"{API}/accounts")).json()["items"]:
        found = exact(await client.get(f"{API}/accounts/{account['id']}/balances"))
        assert set(found["sums"].values()) <= {Decimal(0)}
        for balance in found["balances"]:
            outside = balance["bucket"] in ("external", "market", "fees", "tax", "issuer")
            assert outside or balance["amount"] >= 0


async def whole_chain(store: Store) -> None:
    """Gapless and linked from the first event to the last, whoever wrote them."""
    rows = await asyncio.to_thread(
        store.query, lambda work: work.events.all_after(0, 10_000), SYSTEM
    )
    assert [event.seq for event in rows] == list(range(1, len(rows) + 1))
    previous = GENESIS
    for event in rows:
        assert event.hash == link(previous, event, canonical_json(event.data))
        previous = event.hash


async def test_a_hundred_identical_submits_make_one_order(concurrent_settings: Settings) -> None:
    async with callers(concurrent_settings) as (client, _):
        position_id = await cell(client)
        body = {"side": "BUY", "qty": 1.5}
        answers = await asyncio.gather(
            *(post(client, f"/positions/{position_id}/orders", body, "k1") for _ in range(100))
        )
        assert Counter(a.status_code for a in answers) == {201: 1, 200: 99}
        assert len({a.content for a in answers}) == 1
        listed = await client.get(
            f"{API}/positions/{position_id}/orders", params={"count": "exact"}
        )
        assert listed.json()["total"] == 1
        events = (await client.get(f"{API}/positions/{position_id}/events")).json()["events"]
        assert [e["type"] for e in events] == ["position_created", "order_submitted"]


async def test_one_key_with_two_bodies_has_one_winner(concurrent_settings: Settings) -> None:
    async with callers(concurrent_settings) as (client, _):
        position_id = await cell(client)
        answers = await asyncio.gather(
            *(
                post(client, f"/positions/{position_id}/deposits", {"amount": 1 + n % 2}, "k1")
                for n in range(40)
            )
        )
        assert Counter(a.status_code for a in answers) == {201: 1, 200: 19, 409: 20}
        winner = next(a for a in answers if a.status_code == 201).json()["cash"]
        assert (await position(client, position_id))["cash"] == winner
        assert winner in (10001, 10002)


async def test_two_sells_of_everything_have_one_winner(concurrent_settings: Settings) -> None:
    async with callers(concurrent_settings) as (client, _):
        position_id = await cell(client, qty=10, cash=0)
        body = {"side": "SELL", "qty": 10}
        answers = await asyncio.gather(
            *(post(client, f"/positions/{position_id}/orders", body) for _ in range(10))
        )
        assert Counter(a.status_code for a in answers) == {201: 1, 422: 9}
        await sound_ledger(client)


async def test_parallel_fills_never_overfill(concurrent_settings: Settings) -> None:
    async with callers(concurrent_settings) as (client, _):
        position_id = await cell(client)
        made = await post(client, f"/positions/{position_id}/orders", {"side": "BUY", "qty": 10})
        order_id = made.json()["order_id"]
        body = {"price": 20, "filled_qty": 3, "commission": 0}
        answers = await asyncio.gather(
            *(client.post(f"{API}/orders/{order_id}/fill", json=body) for _ in range(20))
        )
        assert Counter(a.status_code for a in answers) == {200: 3, 409: 17}
        assert {a.json()["code"] for a in answers if a.status_code == 409} == {"overfill"}
        order = exact(await client.get(f"{API}/orders/{order_id}"))
        assert (order["filled_qty"], order["status"]) == (9, "partially_filled")
        after = await position(client, position_id)
        assert (after["qty"], after["cash"]) == (9, 10000 - 180)


async def test_one_external_id_reported_in_parallel_is_one_fill(
    concurrent_settings: Settings,
) -> None:
    async with callers(concurrent_settings) as (client, _):
        position_id = await cell(client)
        made = await post(client, f"/positions/{position_id}/orders", {"side": "BUY", "qty": 10})
        path = f"{API}/orders/{made.json()['order_id']}/fill"
        body = {"price": 20, "filled_qty": 3, "external_id": "x-1"}
        answers = await asyncio.gather(*(client.post(path, json=body) for _ in range(20)))
        assert Counter(a.status_code for a in answers) == {200: 20}
        assert Counter(a.json()["replayed"] for a in answers) == {False: 1, True: 19}
        assert (await position(client, position_id))["qty"] == 3


async def test_two_hundred_mixed_commands_leave_a_sound_book(
    concurrent_settings: Settings,
) -> None:
    async with callers(concurrent_settings) as (client, store):
        cells = [await cell(client, qty=20, cash=2000, anchor_price=50) for _ in range(4)]

        async def trade(number: int) -> list[int]:
            position_id = cells[number % len(cells)]
            side = ("BUY", "SELL")[number % 2]
            made = await post(
                client, f"/positions/{position_id}/orders", {"side": side, "qty": 1 + number % 7}
            )
            if made.status_code != 201:
                return [made.status_code]
            order_id = made.json()["order_id"]
            after = await asyncio.gather(
                client.post(
                    f"{API}/orders/{order_id}/fill", json={"price": 48 + number % 5, "qty": 1}
                ),
                post(client, f"/orders/{order_id}/cancel"),
                post(client, f"/positions/{position_id}/deposits", {"amount": 3}),
                post(client, f"/positions/{position_id}/withdrawals", {"amount": 2}),
            )
            return [made.status_code, *(a.status_code for a in after)]

        rounds = await asyncio.gather(*(trade(number) for number in range(50)))
        statuses = Counter(status for codes in rounds for status in codes)
        assert set(statuses) <= {200, 201, 409, 422}
        assert statuses[200] + statuses[201] > 100
        await sound_ledger(client)
        await whole_chain(store)
        for position_id in cells:
            orders = exact(await client.get(f"{API}/positions/{position_id}/orders"))["items"]
            fills = exact(await client.get(f"{API}/positions/{position_id}/fills"))["items"]
            for order in orders:
                booked = sum(f["qty"] for f in fills if f["order_id"] == order["id"])
                assert order["filled_qty"] == booked <= order["qty"]
            signed = sum(f["qty"] * (1 if f["side"] == "BUY" else -1) for f in fills)
            assert (await position(client, position_id))["qty"] == 20 + signed
