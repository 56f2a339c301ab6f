"""The bundled series at start: red until they are there, green once a later try succeeds."""

import threading
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.market_data_start import THREAD
from infrastructure.market_data.calendar_tables import FOLDER
from tests.conftest import serving, unhurried
from tests.support.plan_book import eventually

PATIENCE_S = 90.0


def reason(client: TestClient) -> str | None:
    """Why it is not ready; None when it is."""
    answer = client.get("/readyz")
    if answer.status_code == 200:
        return None
    return str(answer.json()["context"]["reasons"]["market_data"])


def wait_for(client: TestClient, wanted: str | None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (said := reason(client)) != wanted:
        assert time.monotonic() < deadline, said
        time.sleep(0.1)


@pytest.mark.timeout(200)
def test_a_load_that_failed_is_tried_again_until_it_succeeds(tmp_path: Path) -> None:
    settings = unhurried(tmp_path).model_copy(update={"session_tables": True})
    in_the_way = tmp_path / FOLDER
    in_the_way.write_text("a file where a folder belongs")
    with serving(settings) as client:
        assert client.get("/livez").status_code == 200
        wait_for(client, "Market data could not be loaded; the service goes on trying.")
        in_the_way.unlink()
        wait_for(client, None)
        series = client.get("/api/v1/data/series").json()["items"]
        assert {item["source"] for item in series} == {"bundled"}


@pytest.mark.timeout(60)
def test_a_service_that_stops_tries_no_more(tmp_path: Path) -> None:
    settings = unhurried(tmp_path).model_copy(update={"session_tables": True})
    (tmp_path / FOLDER).write_text("a file where a folder belongs")
    with serving(settings) as client:
        wait_for(client, "Market data could not be loaded; the service goes on trying.")
    eventually(lambda: THREAD not in {thread.name for thread in threading.enumerate()})


@pytest.mark.timeout(120)
def test_without_the_bundled_series_trades_have_their_sessions(tmp_path: Path) -> None:
    tables = {"session_tables": True, "bundled_data": False}
    settings = unhurried(tmp_path).model_copy(update=tables)
    body = {"symbol": "AAPL", "entry_price": 150, "market_data": {"vix": 18, "true_range": 2}}
    with serving(settings) as client:
        wait_for(client, None)
        assert client.get("/api/v1/data/series").json()["items"] == []
        opened = client.post("/positions/open", json=body)
        assert opened.status_code == 200, opened.text
