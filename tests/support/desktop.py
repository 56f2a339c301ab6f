"""The desktop contract over HTTP: a service of its own, a clock set by hand, published bodies."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

import app.container
from app.main import create_app
from tests.conftest import unhurried
from tests.support.hand_clock import HandClock
from tests.support.market import calendar_folder
from tests.support.portfolio import START, exact

AAPL_OPEN = {
    "symbol": "AAPL",
    "entry_price": 150.0,
    "market_data": {"vix": 18.5, "t2108": 45.0, "momentum_ratio": 1.2, "true_range": 2.5},
    "position_size": 100.0,
}
AAPL_UPDATE = {
    "symbol": "AAPL",
    "current_price_data": {"high": 155.0, "low": 148.0, "close": 153.5},
    "market_data": {"vix": 16.2, "t2108": 50.0, "momentum_ratio": 1.4},
}


class Desktop:
    """Requests at the root paths; answers are read with exact decimals."""

    def __init__(self, client: TestClient, clock: HandClock) -> None:
        self.client = client
        self.clock = clock

    def ask(self, method: str, path: str, body: object = None, *, expect: int = 200) -> Any:
        answer = self.client.request(method, path, json=body)
        assert answer.status_code == expect, answer.text
        return exact(answer) if answer.content else None

    def open(
        self, symbol: str = "AAPL", price: float = 100, vix: float = 18, **more: Any
    ) -> dict[str, Any]:
        market = {name: more.pop(name) for name in _MARKET if name in more}
        body = {
            "symbol": symbol,
            "entry_price": price,
            "market_data": {"vix": vix, **market},
            **more,
        }
        return dict(self.ask("POST", "/positions/open", body))

    def bar(self, close: float, symbol: str = "AAPL", **more: Any) -> dict[str, Any]:
        """Update with a bar; `vix` and its like go into the market's part."""
        market = {name: more.pop(name) for name in _MARKET if name in more}
        prices = {name: more.pop(name) for name in ("open", "high", "low") if name in more}
        body = {"symbol": symbol, "current_price_data": {"close": close, **prices}, **more}
        if market:
            body["market_data"] = market
        return dict(self.ask("PUT", "/positions/update", body))

    def events(self, position_id: str) -> list[dict[str, Any]]:
        found = self.client.get(f"/api/v1/positions/{position_id}/events", params={"limit": 500})
        return list(exact(found)["events"])

    def rows(self, position_id: str) -> list[dict[str, Any]]:
        """The trade's history: outputs of its events that are rows."""
        return [e["outputs"] for e in self.events(position_id) if "action" in e["outputs"]]

    def cash(self) -> Decimal:
        return Decimal(exact(self.client.get("/api/v1/accounts"))["items"][0]["cash"])


_MARKET = ("vix", "t2108", "momentum_ratio", "true_range")


@contextmanager
def desktop_service(
    folder: Path, patch: pytest.MonkeyPatch, config: object = None, clock: HandClock | None = None
) -> Iterator[Desktop]:
    """Start the service on the folder; `config` becomes its config.json."""
    clock = clock or HandClock(START)
    patch.setattr(app.container, "SystemClock", lambda: clock)
    folder.mkdir(exist_ok=True)
    if not (folder / "calendars").exists():
        shutil.copytree(calendar_folder() / "calendars", folder / "calendars")
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    with TestClient(
        create_app(unhurried(folder)),
        base_url="http://127.0.0.1:8000",
        raise_server_exceptions=False,
    ) as client:
        yield Desktop(client, clock)


def refused(answer: Response) -> tuple[int, str]:
    """Status and code of a refusal in the desktop's shape."""
    body = answer.json()
    assert {"detail", "error", "timestamp", "path", "type", "title", "instance"} <= body.keys()
    assert body["status"] == answer.status_code
    return answer.status_code, str(body["code"])
