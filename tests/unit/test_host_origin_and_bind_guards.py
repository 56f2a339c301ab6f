"""A foreign Host gets 421, a foreign Origin may not change anything, unsafe binds are refused."""

from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.guards import BindFacts, HostAndOriginGuard, UnsafeBind, is_loopback, require_safe_bind

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SAFE = BindFacts(
    "0.0.0.0", True, bytes(range(32)), tls_cert_file="cert.pem", tls_key_file="key.pem"
)


async def _answer(request: Any) -> PlainTextResponse:
    return PlainTextResponse("through")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("through")
    await socket.close()


def _client(
    hosts: tuple[str, ...] = LOOPBACK, origins: tuple[str, ...] = ("https://desk.example",)
) -> TestClient:
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    routes = [Route("/", _answer, methods=methods), WebSocketRoute("/ws", _socket)]
    app = HostAndOriginGuard(Starlette(routes=routes), hosts=hosts, origins=origins)
    return TestClient(app, base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8000"]
)
def test_allowed_hosts_pass_on_any_port(host: str) -> None:
    assert _client().get("/", headers={"Host": host}).text == "through"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "", "127.0.0.1:x",
     "localhost@evil.example", "127.0.0.2"],
)  # fmt: skip
def test_foreign_hosts_get_421_as_a_problem(host: str) -> None:
    answer = _client().get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "misdirected_request"


def test_host_with_a_port_allows_only_that_port() -> None:
    client = _client(hosts=("risk.example:8443",))
    assert client.get("/", headers={"Host": "risk.example:8443"}).status_code == 200
    assert client.get("/", headers={"Host": "risk.example:80"}).status_code == 421
    assert client.get("/", headers={"Host": "risk.example"}).status_code == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:9000", "http://localhost:8000", "https://",
     "file://127.0.0.1:8000", "https://desk.example.evil.example", "http://desk.example", "http://["],
)  # fmt: skip
def test_foreign_origin_may_not_change_state(method: str, origin: str) -> None:
    answer = _client().request(method, "/", headers={"Origin": origin})
    assert answer.status_code == 403
    assert answer.json()["code"] == "origin_refused"


@pytest.mark.parametrize(
    "origin", ["https://desk.example", "HTTPS://DESK.example", "http://127.0.0.1:8000"]
)
def test_listed_origin_and_the_service_itself_may(origin: str) -> None:
    assert _client().post("/", headers={"Origin": origin}).text == "through"


def test_requests_without_origin_are_not_from_a_page_and_pass() -> None:
    assert _client().post("/").text == "through"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_left_to_the_browsers_own_rules(method: str) -> None:
    answer = _client().request(method, "/", headers={"Origin": "https://evil.example"})
    assert answer.status_code in (200, 204)


def test_default_port_is_the_same_origin() -> None:
    client = _client(hosts=("risk.example",))
    headers = {"Host": "risk.example", "Origin": "https://risk.example:443"}
    assert client.post("/", headers=headers).status_code == 200


def test_sockets_are_refused_before_they_are_accepted() -> None:
    client = _client()
    url = "ws://127.0.0.1:8000/ws"
    with client.websocket_connect(url, headers={"Origin": "https://desk.example"}) as socket:
        assert socket.receive_text() == "through"
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(url, headers=headers):
            pass


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("", False), ("192.168.1.2", False), ("risk.example", False)],
)  # fmt: skip
def test_loopback_is_recognised(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_complete_settings_may_bind_anywhere() -> None:
    require_safe_bind(SAFE)
    require_safe_bind(replace(SAFE, tls_cert_file=None, tls_key_file=None, behind_tls_proxy=True))


def test_loopback_needs_neither_tls_nor_authentication() -> None:
    require_safe_bind(BindFacts("127.0.0.1", False, bytes(range(32))))


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        (replace(SAFE, auth_on=False), ["BALLAST_AUTH=on"]),
        (replace(SAFE, tls_key_file=None), ["BALLAST_TLS_KEY_FILE"]),
        (replace(SAFE, secret=b"short"), ["BALLAST_SECRET", "needs at least 32"]),
        (replace(SAFE, secret=b"changeme" * 8), ["BALLAST_SECRET"]),
        (BindFacts("0.0.0.0", False, b""), ["BALLAST_SECRET", "BALLAST_AUTH", "BALLAST_TLS"]),
        (replace(SAFE, host="127.0.0.1", secret=b"x" * 40), ["BALLAST_SECRET"]),
        (
            BindFacts("127.0.0.1", False, bytes(range(32)), live_credential_stored=True),
            ["live credential"],
        ),
    ],
)
def test_refusal_names_everything_that_is_missing(facts: BindFacts, named: list[str]) -> None:
    with pytest.raises(UnsafeBind) as refused:
        require_safe_bind(facts)
    assert len(refused.value.missing) == max(1, len([n for n in named if "BALLAST" in n]))
    for text in named:
        assert text in str(refused.value)
    assert "changeme" not in str(refused.value)
