"""What every request meets at the door: ids, bounds, HEAD, 405, headers, counts, logs, the 500."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import orjson
import pytest
import structlog
from fastapi import APIRouter, FastAPI, UploadFile
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from app.api.problems import install_problem_handlers
from app.api.routing import root_router
from app.logging import CURRENT_REQUEST, Logs, configure_logging
from app.metrics import Metrics
from app.middleware import BODY_BYTES_MAX, UPLOAD_BYTES_MAX, RequestBoundary
from app.route_index import index_routes
from domain.shared.errors import NotFound
from tests.support.listening_service import listening


class Note(BaseModel):
    text: str


def _routers() -> APIRouter:
    things = root_router("things", "/things")

    @things.get("/{thing_id}")
    async def read(thing_id: str) -> Note:
        if thing_id == "none":
            raise NotFound("thing_not_found", "No thing none.")
        if thing_id == "broken":
            raise RuntimeError("password=hunter22")
        return Note(text=thing_id)

    @things.delete("/{thing_id}", status_code=204)
    async def drop(thing_id: str) -> None:
        structlog.get_logger("ballast.things").info("dropped", thing=thing_id)

    @things.post("")
    async def make(body: Note) -> Note:
        return body

    @things.post("/import")
    async def import_file(file: UploadFile) -> Note:
        return Note(text=str(len(await file.read())))

    @things.get("/{thing_id}/stream")
    async def stream(thing_id: str) -> Response:
        async def forever() -> AsyncIterator[bytes]:
            while True:
                yield b"data: x\n\n"
                await asyncio.sleep(0)

        return StreamingResponse(forever(), media_type="text/event-stream")

    @things.get("/{thing_id}/cached")
    async def cached(thing_id: str) -> Response:
        return Response(thing_id, headers={"Cache-Control": "max-age=5"})

    @things.get("/{thing_id}/half")
    async def half(thing_id: str) -> Response:
        async def breaks() -> AsyncIterator[bytes]:
            yield b"first"
            raise RuntimeError("halfway")

        return StreamingResponse(breaks())

    other = root_router("other", "/things")

    @other.patch("/{thing_id}")
    async def change(thing_id: str, body: Note) -> Note:
        return body

    api = APIRouter()
    api.include_router(things)
    api.include_router(other)
    return api


class Door:
    """The application behind its middleware, with what it logged and counted."""

    def __init__(self, *, indexed: bool) -> None:
        self.out = io.BytesIO()
        self.metrics = Metrics()
        self.logs: Logs = configure_logging("info", "json", self.out)
        app = FastAPI(redirect_slashes=False)
        install_problem_handlers(app)
        api = _routers()
        app.include_router(api, prefix="/api/v1")
        app.include_router(api, prefix="/v1", include_in_schema=False)
        app.add_middleware(
            RequestBoundary,
            times=self.metrics.requests,
            logs=self.logs,
            upload_templates=("/api/v1/things/import",),
        )
        if indexed:
            assert index_routes(app).size == 16
        self.app = app

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://testserver")

    def lines(self, event: str = "request") -> list[dict[str, Any]]:
        parsed = [orjson.loads(line) for line in self.out.getvalue().splitlines()]
        return [line for line in parsed if line["event"] == event]


@pytest.fixture(params=[True, False], ids=["indexed", "scanned"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    yield Door(indexed=request.param)
    structlog.reset_defaults()


async def test_an_answer_carries_security_headers_and_is_not_stored(door: Door) -> None:
    async with door.client() as client:
        answer = await client.get("/api/v1/things/a")
    assert answer.json() == {"text": "a"}
    headers = answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_a_route_may_choose_its_own_caching(door: Door) -> None:
    async with door.client() as client:
        answer = await client.get("/api/v1/things/a/cached")
    assert answer.headers.get_list("cache-control") == ["max-age=5"]


@pytest.mark.parametrize("sent", ["abc-1.2_3:4", "x" * 64])
async def test_a_safe_correlation_id_is_echoed_and_logged(door: Door, sent: str) -> None:
    async with door.client() as client:
        answer = await client.get("/api/v1/things/a", headers={"X-Correlation-ID": sent})
    assert answer.headers["x-correlation-id"] == sent
    assert door.lines()[0]["correlation_id"] == sent


@pytest.mark.parametrize(
    "sent", [None, "", "x" * 65, "a b", "a\tb", "blt_0123abcd_secretsecret", "é"]
)
async def test_any_other_correlation_id_is_replaced(door: Door, sent: str | None) -> None:
    headers = {} if sent is None else {"X-Correlation-ID": sent.encode()}
    async with door.client() as client:
        answer = await client.get("/api/v1/things/a", headers=headers)
    echoed = answer.headers["x-correlation-id"]
    assert echoed.startswith("req_") and len(echoed) == 36
    assert door.lines()[0]["request_id"] == echoed


async def test_requests_are_counted_and_logged_by_template(door: Door) -> None:
    async with door.client() as client:
        await client.get("/api/v1/things/a")
        await client.get("/v1/things/b")
        await client.get("/api/v1/things/none")
        await client.get("/nowhere/secret-path")
    rows = [(r["method"], r["template"], r["status"]) for r in door.lines()]
    assert rows == [
        ("GET", "/api/v1/things/{thing_id}", 200),
        ("GET", "/v1/things/{thing_id}", 200),
        ("GET", "/api/v1/things/{thing_id}", 404),
        ("GET", "unmatched", 404),
    ]
    text = door.metrics.text().decode()
    assert 'template="/api/v1/things/{thing_id}"' in text and "secret-path" not in text
    assert door.metrics.requests.total() == 4 and door.metrics.requests.in_flight == 0
    assert all(r["duration_ms"] >= 0 and r["timestamp"].endswith("Z") for r in door.lines())


async def test_a_record_made_inside_a_request_carries_its_id(door: Door) -> None:
    async with door.client() as client:
        answer = await client.delete("/api/v1/things/a")
    assert answer.status_code == 204
    (dropped,) = door.lines("dropped")
    assert dropped["request_id"] == answer.headers["x-correlation-id"]
    assert CURRENT_REQUEST.get() is None


async def test_head_answers_like_get_without_a_body(door: Door) -> None:
    async with door.client() as client:
        got = await client.get("/api/v1/things/abc")
        head = await client.head("/api/v1/things/abc")
        missing = await client.head("/api/v1/things/none")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"] != "0"
    assert missing.status_code == 404 and missing.content == b""
    assert door.lines()[1]["method"] == "HEAD"


async def test_head_of_an_endless_stream_ends(door: Door) -> None:
    async with door.client() as client, asyncio.timeout(10):
        head = await client.head("/api/v1/things/a/stream")
    assert head.status_code == 200 and head.content == b""
    assert door.lines("request_failed") == []
    assert door.metrics.requests.in_flight == 0


@pytest.mark.parametrize("path", ["/things/a", "/things/a/stream", "/things/none"])
def test_a_connection_lives_on_after_head(path: str) -> None:
    app = FastAPI()
    app.include_router(_routers())
    install_problem_handlers(app)
    logs = configure_logging("info", "json", io.BytesIO())
    app.add_middleware(RequestBoundary, times=Metrics().requests, logs=logs)
    asked = f"HEAD {path} HTTP/1.1\r\nHost: here\r\n\r\n"
    asked += "GET /things/b HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    with listening(app) as address:
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(asked.encode())
            answered = b"".join(iter(lambda: connection.recv(65536), b""))
    first, _, rest = answered.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 ")
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert rest.endswith(b'\r\n\r\n{"text":"b"}')


async def test_405_lists_the_methods_of_every_route_of_the_path(door: Door) -> None:
    async with door.client() as client:
        refused = await client.put("/api/v1/things/a")
        collection = await client.get("/v1/things")
    assert refused.status_code == 405
    assert refused.headers.get_list("allow") == ["DELETE, GET, HEAD, PATCH"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "method_not_allowed"
    assert collection.status_code == 405 and collection.headers["allow"] == "POST"


async def test_404_of_an_unknown_path_is_a_problem(door: Door) -> None:
    async with door.client() as client:
        answer = await client.get("/api/v1/nothing")
        slash = await client.get("/api/v1/things/a/")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (404, "route_not_found")
    assert problem["instance"] == answer.headers["x-correlation-id"]
    assert slash.status_code == 404


async def test_an_unexpected_exception_is_a_problem_that_tells_nothing(door: Door) -> None:
    async with door.client() as client:
        answer = await client.get("/api/v1/things/broken")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal_error")
    assert problem["instance"] == answer.headers["x-correlation-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"hunter22" not in answer.content and b"RuntimeError" not in answer.content
    (failed,) = door.lines("request_failed")
    assert failed["request_id"] == problem["instance"]
    assert "RuntimeError" in failed["exception"] and "hunter22" not in door.out.getvalue().decode()


async def test_an_answer_that_breaks_halfway_is_not_completed(door: Door) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> None:
        await asyncio.Event().wait()

    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/things/a/half", "raw_path": b"",
        "query_string": b"", "headers": [], "root_path": "", "http_version": "1.1",
        "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    with pytest.raises((RuntimeError, ExceptionGroup)):
        await door.app(scope, receive, send)
    assert [m["type"] for m in sent].count("http.response.start") == 1
    assert sent[-1].get("more_body", True)
    assert door.lines()[0]["status"] == 200 and len(door.lines("request_failed")) == 1


async def test_a_declared_body_beyond_the_bound_is_refused_unread(door: Door) -> None:
    async with door.client() as client:
        answer = await client.post(
            "/api/v1/things", content=b"x", headers={"Content-Length": str(BODY_BYTES_MAX + 1)}
        )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["context"] == {"bytes_max": BODY_BYTES_MAX}
    assert answer.headers["connection"] == "close"


async def _chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(0, total, 65_536):
        yield b" " * 65_536


async def test_a_streamed_body_is_refused_once_it_passes_the_bound(door: Door) -> None:
    async with door.client() as client:
        answer = await client.post(
            "/api/v1/things",
            content=_chunks(2 * BODY_BYTES_MAX),
            headers={"Content-Type": "application/json"},
        )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_an_upload_may_be_larger_but_not_endless(door: Door) -> None:
    size = 2 * BODY_BYTES_MAX
    async with door.client() as client:
        taken = await client.post(
            "/api/v1/things/import", files={"file": ("candles.csv", b"1" * size)}
        )
        refused = await client.post(
            "/api/v1/things/import",
            content=b"x",
            headers={"Content-Length": str(UPLOAD_BYTES_MAX + 1)},
        )
        elsewhere = await client.post("/api/v1/things", content=b"1" * size)
    assert (taken.status_code, taken.json()) == (200, {"text": str(size)})
    assert refused.status_code == elsewhere.status_code == 413


async def test_a_body_of_exactly_the_bound_passes(door: Door) -> None:
    frame = len(orjson.dumps({"text": ""}))
    body = orjson.dumps({"text": "a" * (BODY_BYTES_MAX - frame)})
    assert len(body) == BODY_BYTES_MAX
    async with door.client() as client:
        answer = await client.post(
            "/api/v1/things", content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 200


async def test_a_websocket_gets_its_ids_too() -> None:
    seen: dict[str, Any] = {}

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        current = CURRENT_REQUEST.get()
        assert current is not None
        seen.update(current)

    logs = configure_logging("info", "json", io.BytesIO())
    boundary = RequestBoundary(inner, Metrics().requests, logs)
    scope = {"type": "websocket", "path": "/ws", "headers": [(b"x-correlation-id", b"mine")]}
    await boundary(scope, _never, _never)
    assert seen["ballast_request_id"].startswith("req_")
    assert seen["ballast_correlation_id"] == "mine"
    structlog.reset_defaults()


async def _never(*_: Any) -> Any:
    raise AssertionError("not used")


async def test_a_client_that_leaves_is_logged_as_gone() -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    out, metrics = io.BytesIO(), Metrics()
    boundary = RequestBoundary(inner, metrics.requests, configure_logging("info", "json", out))
    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    with pytest.raises(asyncio.CancelledError):
        await boundary(scope, _never, _never)
    assert orjson.loads(out.getvalue())["status"] == 499
    assert metrics.requests.in_flight == 0
    structlog.reset_defaults()
