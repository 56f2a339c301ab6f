"""The simulation account as tests drive it: over HTTP, with a clock set by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

import app.container
from app.main import create_app
from app.settings import Settings
from application.context import RequestContext
from application.ports.repositories import RegisteredInstrument
from application.ports.unit_of_work import Store
from application.processes.simulation_engine import SimulationEngine
from tests.support.hand_clock import HandClock
from tests.support.portfolio import exact

START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
BTC = "BTC-USDT-PERP"
D = Decimal
_KEYS = count(1)


class PaperAccount:
    """Requests under `/simulation`, with as little ceremony as a curl line."""

    def __init__(self, client: TestClient, clock: HandClock) -> None:
        self.client = client
        self.clock = clock
        self.prefix = "/api/v1/simulation"

    @property
    def store(self) -> Store:
        store: Store = self.client.app.state.container.get(Store)  # type: ignore[attr-defined]
        return store

    @property
    def engine(self) -> SimulationEngine:
        made: SimulationEngine = self.client.app.state.container.get(  # type: ignore[attr-defined]
            SimulationEngine
        )
        return made

    def post(self, path: str, body: object = None, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(self.prefix + path, json=body, headers=named)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(self.prefix + path, params=params)
        assert answer.status_code == 200, answer.text
        return exact(answer)

    def submit(self, side: str, quantity: Any, symbol: str = "BTC", **terms: Any) -> Response:
        body = {"symbol": symbol, "side": side, **terms}
        if quantity is not None:
            body["quantity"] = quantity
        return self.post("/orders", body, Idempotency_Key=f"sim-{next(_KEYS)}")

    def order(self, side: str, quantity: Any, **terms: Any) -> dict[str, Any]:
        """An accepted order, read back."""
        made = self.submit(side, quantity, **terms)
        assert made.status_code == 201, made.text
        return dict(exact(made))

    def close(self, symbol: str = "BTC", body: object = None) -> Response:
        return self.post(f"/positions/{symbol}/close", body, Idempotency_Key=f"sim-{next(_KEYS)}")

    def prices(self, symbol: str = "BTC", **known: Any) -> dict[str, Any]:
        answer = self.post("/prices", {"prices": [{"symbol": symbol, **known}]})
        assert answer.status_code == 200, answer.text
        return dict(exact(answer))

    def quote(self, price: Any, symbol: str = "BTC") -> dict[str, Any]:
        """Bid, ask, last and mark at one price."""
        return self.prices(symbol, bid=price, ask=price, last=price, mark=price)

    def start(self, source: str = "manual", **more: Any) -> dict[str, Any]:
        answer = self.post("/start", {"price_source": source, **more})
        assert answer.status_code == 200, answer.text
        return dict(exact(answer))

    def positions(self) -> dict[str, dict[str, Any]]:
        return {item["symbol"]: item for item in self.get("/positions")["items"]}

    def orders(self) -> list[dict[str, Any]]:
        return list(self.get("/orders", limit=500)["items"])

    def one_order(self, order_id: str) -> dict[str, Any]:
        return dict(self.get(f"/orders/{order_id}"))

    def costs(self, commission: str, slippage: str) -> None:
        """Change the account's costs, as its owner does."""
        accounts = self.client.get("/api/v1/accounts").json()["items"]
        mine = next(a for a in accounts if a["name"] == "simulation")
        changed = self.client.patch(
            f"/api/v1/accounts/{mine['id']}",
            json={"commission_rate": commission, "slippage": slippage},
            headers={"If-Match": f'"{mine["version"]}"'},
        )
        assert changed.status_code == 200, changed.text


@contextmanager
def paper_account(
    folder: Path, patch: pytest.MonkeyPatch, **settings: Any
) -> Iterator[PaperAccount]:
    """A service of its own whose simulation nobody else touches; its tick is out of the way."""
    clock = HandClock(settings.pop("at", START))
    patch.setattr(app.container, "SystemClock", lambda: clock)
    asked = {
        "auth": "off",
        "data_dir": folder,
        "session_tables": False,
        "simulation_tick_seconds": 3600,
        "rate_read_per_minute": 1_000_000,
        "rate_write_per_minute": 1_000_000,
        "rate_orders_per_minute": 1_000_000,
        **settings,
    }
    with TestClient(create_app(Settings(**asked)), base_url="http://127.0.0.1:8000") as client:
        yield PaperAccount(client, clock)


def with_tick(account: PaperAccount, tick_size: str, instrument: str = BTC) -> None:
    """Register the instrument with a tick size, as a venue's metadata does."""
    owner = account.client.get("/api/v1/auth/me").json()

    def register(work: Any) -> None:
        work.instruments.add(
            RegisteredInstrument(
                id=instrument,
                kind="perp",
                asset_class="crypto",
                quote="USDT",
                calendar="24/7",
                tick_size=D(tick_size),
                lot_step=D("0.00000001"),
                status="trading",
                updated_at=work.now,
            )
        )

    context = RequestContext(str(owner.get("owner_id", "")), "test", "req_test")
    account.store.command(register, context).result(10)
