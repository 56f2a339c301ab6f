"""The event log over HTTP: pages that can be polled, and a stream that can be resumed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.support.listening_service import listening

TIMEOUT = httpx.Timeout(30.0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        auth="off", data_dir=tmp_path, session_tables=False, rate_write_per_minute=1_000_000
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as started:
        yield started


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    with listening(create_app(settings)) as base:
        yield base


def cell(client: httpx.Client, ticker: str = "ZIM") -> str:
    answer = client.post("/api/v1/positions", json={"ticker": ticker, "cash": 10000})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def page(client: httpx.Client, **query: object) -> Any:
    answer = client.get("/api/v1/events", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()


class Stream:
    """Server-sent events of one connection, parsed."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def next(self, count: int) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        fields: dict[str, str] = {}
        while len(found) < count:
            line = next(self._lines)
            if not line:
                if "data" in fields:
                    found.append(fields)
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
        return found


@contextmanager
def streaming(
    address: str, headers: dict[str, str] | None = None, query: str = ""
) -> Iterator[Stream]:
    url = f"{address}/api/v1/events/stream{query}"
    with httpx.Client(timeout=TIMEOUT) as http, http.stream("GET", url, headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-store"
        yield Stream(reply)


def test_pages_follow_each_other_by_sequence_number_to_the_end(client: TestClient) -> None:
    for ticker in ("ZIM", "AAPL", "MSFT"):
        cell(client, ticker)
    whole = page(client)
    assert whole["has_more"] is False
    seqs = [event["seq"] for event in whole["items"]]
    assert seqs == sorted(set(seqs))
    walked, after, more = [], 0, True
    while more:
        part = page(client, after_seq=after, limit=2)
        walked += part["items"]
        after, more = part["after_seq"], part["has_more"]
    assert walked == whole["items"]
    assert page(client, after_seq=after) == {"items": [], "after_seq": after, "has_more": False}
    cell(client, "NVDA")
    assert page(client, after_seq=after)["items"][0]["type"] == "position_created"


def test_a_page_links_to_the_next_one(client: TestClient) -> None:
    cell(client)
    cell(client, "AAPL")
    answer = client.get("/api/v1/events", params={"type": "position_created", "limit": 1})
    target = answer.links["next"]["url"]
    (following,) = client.get(target).json()["items"]
    assert (following["type"], following["seq"] > answer.json()["after_seq"]) == (
        "position_created",
        True,
    )


def test_events_are_filtered_by_type_and_by_what_they_are_about(client: TestClient) -> None:
    position_id = cell(client)
    cell(client, "AAPL")
    client.post(f"/api/v1/positions/{position_id}/pause")
    kinds = page(client, type=["position_created", "position_paused"])["items"]
    assert [event["type"] for event in kinds] == [
        "position_created",
        "position_created",
        "position_paused",
    ]
    own = page(client, aggregate_id=position_id)["items"]
    assert [(e["aggregate_seq"], e["type"]) for e in own] == [
        (1, "position_created"),
        (2, "position_paused"),
    ]
    assert own[0]["data"]["inputs"]["ticker"] == "ZIM"
    assert len(own[0]["hash"]) == 64


@pytest.mark.parametrize(
    "query", ["after_seq=-1", "after_seq=x", "limit=0", "limit=501", "type=DROP%20TABLE"]
)
def test_bad_questions_are_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/events?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "99999999999999999999", "٣"])
def test_a_last_event_id_that_is_no_event_is_refused(client: TestClient, last: str) -> None:
    answer = client.get("/api/v1/events/stream", headers={"Last-Event-ID": last.encode()})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_last_event_id")


def test_the_stream_carries_each_event_as_it_happens_and_resumes_after_a_break(
    address: str,
) -> None:
    with httpx.Client(base_url=address, timeout=TIMEOUT) as client:
        with streaming(address) as stream:
            first_id = cell(client)
            (first,) = stream.next(1)
        assert first["event"] == "position_created"
        told = json.loads(first["data"])
        assert (told["aggregate_id"], str(told["seq"])) == (first_id, first["id"])
        missed = [cell(client, "AAPL"), cell(client, "MSFT")]
        with streaming(address, {"Last-Event-ID": first["id"]}) as stream:
            again = stream.next(2)
            live = cell(client, "NVDA")
            again += stream.next(1)
        assert [json.loads(e["data"])["aggregate_id"] for e in again] == [*missed, live]
        stored = page(client, after_seq=int(first["id"]))["items"]
        assert [json.loads(e["data"]) for e in again] == stored


def test_the_stream_can_begin_anywhere_in_the_log(address: str) -> None:
    with httpx.Client(base_url=address, timeout=TIMEOUT) as client:
        cell(client)
        stored = page(client)["items"]
        with streaming(address, query="?after_seq=0") as stream:
            events = stream.next(len(stored))
    assert [int(event["id"]) for event in events] == [event["seq"] for event in stored]
