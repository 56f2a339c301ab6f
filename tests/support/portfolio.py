"""The book of record as tests drive it: over HTTP, and through the use cases on any store."""

import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from httpx import Response
from starlette.testclient import TestClient

from application.context import RequestContext
from application.portfolio.accounts import MAIN, NewAccount, OpenAccount
from application.portfolio.change_position import RetireCell
from application.portfolio.close_position import ClosePosition
from application.portfolio.create_cell import CreateCell
from application.portfolio.end_order import EndOrder
from application.portfolio.move_cash import MoveCash
from application.portfolio.record_fill import RecordFill
from application.portfolio.submit_order import SubmitOrder
from application.ports.unit_of_work import Store
from domain.portfolio.account import Account
from infrastructure.ids import UuidIds

OWNER = RequestContext("usr_first", "usr_first", "req_test")
STRANGER = RequestContext("usr_other", "usr_other", "req_test")
START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)

BOOK_TABLES = (
    "accounts", "positions", "orders", "fills", "transfers", "balances", "cash_flows",
    "evaluations", "dividends", "entitlements", "splits", "applied_splits", "instruments",
    "events", "idempotent_answers", "bar_answers",
)  # fmt: skip


class SteppingClock:
    """A clock that moves only when it is read (one millisecond) or told to."""

    def __init__(self, start: datetime = START, step: timedelta = timedelta(milliseconds=1)):
        self.instant = start
        self.step = step

    def now(self) -> datetime:
        self.instant += self.step
        return self.instant

    def advance(self, by: timedelta) -> None:
        self.instant += by


@dataclass(frozen=True)
class UseCases:
    """Every command of the book, wired as the container wires them."""

    ids: UuidIds = field(default_factory=UuidIds)

    def __post_init__(self) -> None:
        submit = SubmitOrder(self.ids)
        for name, made in (
            ("open_account", OpenAccount(self.ids)),
            ("create_cell", CreateCell(self.ids)),
            ("submit", submit),
            ("close", ClosePosition(submit)),
            ("fill", RecordFill(self.ids)),
            ("end", EndOrder(self.ids)),
            ("move", MoveCash(self.ids)),
            ("retire", RetireCell(self.ids)),
        ):
            object.__setattr__(self, name, made)

    open_account: OpenAccount = field(init=False)
    create_cell: CreateCell = field(init=False)
    submit: SubmitOrder = field(init=False)
    close: ClosePosition = field(init=False)
    fill: RecordFill = field(init=False)
    end: EndOrder = field(init=False)
    move: MoveCash = field(init=False)
    retire: RetireCell = field(init=False)


def main_account(store: Store, context: RequestContext = OWNER, new: NewAccount = MAIN) -> Account:
    """The owner's account, opened through the use case."""
    opening = OpenAccount(UuidIds())
    return store.command(lambda work: opening(new, work), context).result()


_KEYS = count(1)


class HttpBook:
    """The published requests, with as little ceremony as a curl line."""

    def __init__(self, client: TestClient, prefix: str = "/api/v1") -> None:
        self.client = client
        self.prefix = prefix

    def post(self, path: str, body: object = None, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(self.prefix + path, json=body, headers=named)

    def get(self, path: str, **params: Any) -> Response:
        return self.client.get(self.prefix + path, params=params)

    def key(self) -> str:
        return f"key-{next(_KEYS)}"

    def cell(self, ticker: str = "ZIM", qty: float = 0, cash: float = 10000, **more: Any) -> str:
        """Id of a new cell."""
        made = self.post("/positions", {"ticker": ticker, "qty": qty, "cash": cash, **more})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def submit(
        self, position_id: str, side: str, qty: float | str, key: str | None = None, **more: Any
    ) -> Response:
        body = {"side": side, "qty": qty, **more}
        headers = {"Idempotency-Key": key or self.key()}
        return self.client.post(
            f"{self.prefix}/positions/{position_id}/orders", json=body, headers=headers
        )

    def order(self, position_id: str, side: str, qty: float | str, **more: Any) -> str:
        """Id of an accepted order."""
        made = self.submit(position_id, side, qty, **more)
        assert made.status_code == 201, made.text
        return str(made.json()["order_id"])

    def fill(self, order_id: str, price: float | str, qty: float | str, **more: Any) -> Response:
        return self.post(f"/orders/{order_id}/fill", {"price": price, "filled_qty": qty, **more})

    def delete(self, position_id: str) -> Response:
        """Retire the position at the version it has now."""
        tag = self.get(f"/positions/{position_id}").headers["ETag"]
        path = f"{self.prefix}/positions/{position_id}"
        return self.client.delete(path, headers={"If-Match": tag})

    def keyed(self, path: str, body: object = None, key: str | None = None) -> Response:
        """A POST that needs a key, with one of its own unless given."""
        headers = {"Idempotency-Key": key or self.key()}
        return self.client.post(self.prefix + path, json=body, headers=headers)

    def event_types(self, position_id: str) -> list[str]:
        found = self.get(f"/positions/{position_id}/events").json()
        return [event["type"] for event in found["events"]]

    def position(self, position_id: str) -> dict[str, Any]:
        return dict(exact(self.get(f"/positions/{position_id}")))


def exact(response: Response) -> Any:
    """The body with its numbers as the exact decimals that were on the wire."""
    import json

    return json.loads(response.text, parse_float=Decimal, parse_int=Decimal)


def refusal(response: Response) -> tuple[int, str]:
    """Status and code of a problem answer."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    return response.status_code, str(body["code"])


def row_counts(data_dir: Path) -> dict[str, int]:
    """Rows per table of the book, read past the service."""
    connection = sqlite3.connect(f"file:{data_dir / 'ballast.db'}?mode=ro", uri=True)
    try:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in BOOK_TABLES
        }
    finally:
        connection.close()
