"""The plan runner over HTTP: off at first, on when told, honest about what it did."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.settings import Settings
from application.market.close_prices import ClosePrices
from application.ports.lease import Lease
from application.processes.plan_runner_switch import NAME
from domain.plans.plan import PriceView
from tests.conftest import serving, unhurried
from tests.support.plan_book import eventually
from tests.support.portfolio import HttpBook, refusal

RUNNER = "/plans/runner"
OPEN_ALL_DAY = {"kind": "balancing", "mode": "auto"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[HttpBook]:
    settings = unhurried(tmp_path).model_copy(update={"plan_interval_s": 1.0})
    with serving(settings) as client:
        yield HttpBook(client)


def state(book: HttpBook) -> str:
    return str(book.get(RUNNER).json()["state"])


def cycled(book: HttpBook) -> bool:
    return book.get(RUNNER).json()["last_cycle_at"] is not None


def test_the_runner_is_off_after_every_start_of_the_service(tmp_path: Path) -> None:
    settings = unhurried(tmp_path)
    for _ in range(2):
        with serving(settings) as client:
            book = HttpBook(client)
            assert book.get(RUNNER).json() == {
                "state": "stopped",
                "last_cycle_at": None,
                "evaluated": 0,
                "errors": [],
            }
            assert book.post(f"{RUNNER}/start").status_code == 200
            assert state(book) == "running"


def test_starting_and_stopping_are_idempotent_and_written_down_once(served: HttpBook) -> None:
    for action, wanted in (("start", "running"), ("start", "running"), ("stop", "stopped"),
                           ("stop", "stopped")):  # fmt: skip
        answer = served.post(f"{RUNNER}/{action}")
        assert (answer.status_code, answer.json()["state"]) == (200, wanted)
    events = served.get("/events", limit=500).json()["items"]
    switches = [e["type"] for e in events if e["type"].startswith("plan_runner_")]
    assert switches == ["plan_runner_started", "plan_runner_stopped"]


def test_a_running_runner_evaluates_cells_and_says_so(served: HttpBook) -> None:
    cell = served.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    paused = served.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    served.post(f"/positions/{paused}/pause")
    assert served.post(f"{RUNNER}/start").status_code == 200
    eventually(lambda: cycled(served))
    assert served.get(RUNNER).json()["evaluated"] == 1
    (row,) = served.get(f"/positions/{cell}/evaluations").json()["items"]
    assert (row["mode"], row["action"]) == ("paper", "HOLD")
    assert row["row"]["action"]["reason_code"] == "no_price"
    assert served.get(f"/positions/{paused}/evaluations").json()["items"] == []


def test_an_automatic_cell_gets_one_order_however_many_cycles_run(
    served: HttpBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newest(_self: ClosePrices, _instrument: str, now: datetime) -> PriceView:
        return PriceView(Decimal(97), "test", as_of=now)

    monkeypatch.setattr(ClosePrices, "newest", newest)
    coin = served.cell("BTC-USD", qty=50, cash=5000, anchor_price=100, plan=OPEN_ALL_DAY)
    served.post(f"{RUNNER}/start")
    eventually(lambda: len(orders(served, coin)) > 0)
    rows = f"/positions/{coin}/evaluations"
    eventually(lambda: len(served.get(rows).json()["items"]) >= 3)
    assert served.post(f"{RUNNER}/stop").json()["errors"] == []
    (order,) = orders(served, coin)
    assert (order["origin"], order["status"], order["side"]) == ("plan", "working", "BUY")
    first = served.get(rows).json()["items"][0]
    assert (first["id"], first["order_id"]) == (order["evaluation_id"], order["id"])


def orders(book: HttpBook, position_id: str) -> list[dict[str, object]]:
    return list(book.get(f"/positions/{position_id}/orders").json()["items"])


def test_while_another_process_holds_the_lease_the_switch_turns_all_the_same(
    served: HttpBook,
) -> None:
    app = served.client.app
    lease: Lease = app.state.container.get(Lease)  # type: ignore[attr-defined]
    grant = lease.acquire(NAME, "another process", 60)
    assert grant is not None
    assert served.post(f"{RUNNER}/start").json()["state"] == "standby"
    assert served.post(f"{RUNNER}/stop").json()["state"] == "stopped"
    lease.release(grant)
    assert served.post(f"{RUNNER}/start").json()["state"] == "running"


def test_health_names_every_process_of_the_book_and_finds_it_alive(served: HttpBook) -> None:
    checks = served.get("/status/health/detailed").json()["components"]
    for name in ("plan_runner", "order_sweeper", "dividend_calendar", "housekeeping"):
        assert checks[name]["status"] == "healthy", checks


def test_a_gtd_order_that_has_ended_already_is_refused(served: HttpBook) -> None:
    cell = served.cell("AAPL", qty=50, cash=5000)
    past = served.submit(cell, "BUY", 1, time_in_force="gtd", good_till="2020-01-01T00:00:00Z")
    assert refusal(past) == (422, "invalid_request")
    assert [fault["pointer"] for fault in past.json()["errors"]] == ["/good_till"]
    assert orders(served, cell) == []


def test_only_those_who_may_trade_turn_it_on(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, session_tables=False)
    with serving(settings) as client:
        assert isinstance(client, TestClient)
        for method, path in (("POST", "/start"), ("POST", "/stop"), ("GET", "")):
            answer = client.request(method, f"/api/v1{RUNNER}{path}")
            assert answer.status_code == 401
