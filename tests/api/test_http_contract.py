"""What every answer owes a caller, on the real service: ids, budgets, methods, tags, problems."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from app.middleware import BODY_BYTES_MAX
from tests.conftest import serving, unhurried
from tests.support.portfolio import HttpBook, refusal

NARROW = 3


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[TestClient]:
    """A service whose budgets are used up after three calls."""
    budgets = {f"rate_{name}_per_minute": NARROW for name in ("read", "write", "orders")}
    with serving(unhurried(tmp_path).model_copy(update=budgets)) as client:
        yield client


def test_a_correlation_id_is_echoed_on_answers_and_on_problems(book: HttpBook) -> None:
    sent = {"X-Correlation-ID": "desk-7:42"}
    for path in ("/accounts", "/accounts/acc_unknown", "/nowhere"):
        answer = book.client.get(book.prefix + path, headers=sent)
        assert answer.headers["X-Correlation-ID"] == "desk-7:42"


def test_answers_say_what_is_left_of_the_budget(narrow: TestClient) -> None:
    left = []
    for _ in range(NARROW):
        answer = narrow.get("/api/v1/accounts")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == f'"read";q={NARROW};w=60'
        left.append(answer.headers["RateLimit"].split(";")[1])
    assert left == ["r=2", "r=1", "r=0"]


def test_a_spent_budget_is_429_with_the_seconds_to_wait(narrow: TestClient) -> None:
    for _ in range(NARROW):
        narrow.get("/api/v1/accounts")
    over = narrow.get("/api/v1/accounts")
    assert refusal(over) == (429, "rate_limited")
    assert 1 <= int(over.headers["Retry-After"]) <= 60
    assert over.headers["RateLimit"].startswith('"read";r=0;')
    assert over.json()["retryable"] is True
    assert over.json()["context"] == {"bucket": "read", "limit": NARROW}


def test_buckets_are_spent_apart_and_what_reduces_risk_is_never_held_up(narrow: TestClient) -> None:
    book = HttpBook(narrow)
    position = book.cell()
    orders = [book.submit(position, "BUY", 1).json()["order_id"] for _ in range(NARROW)]
    assert refusal(book.submit(position, "BUY", 1)) == (429, "rate_limited")
    for order in orders * 2:
        assert book.keyed(f"/orders/{order}/cancel").status_code == 200
    bar = {"symbol": "AAPL", "current_price_data": {"close": 1}, "market_data": {"vix": 18}}
    for _ in range(2 * NARROW):
        assert narrow.put("/positions/update", json=bar).status_code == 404


@pytest.mark.parametrize("path", ["/positions", "/accounts", "/orders", "/status/info"])
def test_head_answers_a_get_route_without_its_body(book: HttpBook, path: str) -> None:
    got, head = book.get(path), book.client.head(book.prefix + path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/positions", "GET, HEAD, POST"),
        ("POST", "/positions/pos_1", "DELETE, GET, HEAD, PATCH"),
        ("DELETE", "/orders/ord_1/fill", "POST"),
        ("POST", "/status/info", "GET, HEAD"),
    ],
)
def test_405_names_every_method_of_the_path(
    book: HttpBook, method: str, path: str, allowed: str
) -> None:
    answer = book.client.request(method, book.prefix + path)
    assert refusal(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


def test_a_body_beyond_the_bound_is_413(book: HttpBook) -> None:
    answer = book.client.post(
        f"{book.prefix}/positions",
        content=b" " * (BODY_BYTES_MAX + 1),
        headers={"Content-Type": "application/json"},
    )
    assert refusal(answer) == (413, "body_too_large")


@pytest.mark.parametrize("sent", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_a_body_that_is_no_json_is_415(book: HttpBook, sent: str) -> None:
    answer = book.client.post(
        f"{book.prefix}/positions", content=b'{"ticker":"ZIM"}', headers={"Content-Type": sent}
    )
    assert refusal(answer) == (415, "unsupported_media_type")


def test_a_foreign_host_is_421_and_a_foreign_origin_may_only_read(book: HttpBook) -> None:
    path = f"{book.prefix}/positions"
    hosted = book.client.get(path, headers={"Host": "ballast.example"})
    assert refusal(hosted) == (421, "misdirected_request")
    foreign = {"Origin": "https://ballast.example"}
    assert refusal(book.client.post(path, json={"ticker": "ZIM"}, headers=foreign)) == (
        403, "origin_refused",
    )  # fmt: skip
    assert book.client.get(path, headers=foreign).status_code == 200


@pytest.fixture(params=["position", "account", "me", "settings"])
def readable(request: pytest.FixtureRequest, book: HttpBook) -> str:
    paths = {"me": "/auth/me", "settings": "/settings"}
    if request.param == "position":
        return f"/positions/{book.cell(anchor_price=100)}"
    if request.param == "account":
        return f"/accounts/{book.get('/accounts').json()['items'][0]['id']}"
    return paths[request.param]


def _read(book: HttpBook, path: str, tag: str) -> httpx.Response:
    return book.client.get(book.prefix + path, headers={"If-None-Match": tag})


def test_a_read_that_changed_nothing_is_304_without_a_body(book: HttpBook, readable: str) -> None:
    first = book.get(readable)
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"9-0", {tag}', "*"):
        again = _read(book, readable, known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == tag
    for unknown in ('"0"', tag.strip('"'), ""):
        assert _read(book, readable, unknown).status_code == 200


def test_a_tag_ends_with_the_state_it_was_given_for(book: HttpBook) -> None:
    position = book.cell(anchor_price=100)
    path = f"/positions/{position}"
    tag = book.get(path).headers["ETag"]
    assert book.keyed(f"{path}/deposits", {"amount": 1}).status_code == 201
    changed = _read(book, path, tag)
    assert (changed.status_code, changed.json()["cash"]) == (200, 10001)
    account = f"/accounts/{changed.json()['account_id']}"
    tag = book.get(account).headers["ETag"]
    assert book.keyed(f"{account}/deposits", {"amount": 1}).status_code == 201
    assert _read(book, account, tag).status_code == 200, "cash changes without the version"


def test_the_tag_of_a_read_is_good_for_a_guarded_change(book: HttpBook) -> None:
    path = f"/positions/{book.cell(anchor_price=100)}"
    tag = book.get(path).headers["ETag"]
    change = {"plan": {"up_threshold": "0.05"}}
    done = book.client.patch(book.prefix + path, json=change, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    again = book.client.patch(book.prefix + path, json=change, headers={"If-Match": tag})
    assert refusal(again) == (412, "stale_version")


def test_logins_say_what_is_left_of_their_budget(tmp_path: Path) -> None:
    settings = unhurried(tmp_path).model_copy(update={"rate_auth_per_15_minutes": 2})
    nobody = {"username": "nobody", "password": "a guess that is wrong"}
    with serving(settings) as client:
        answers = [client.post("/api/v1/auth/login", data=nobody) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"auth";q=2;w=900'}
    left = [answer.headers["RateLimit"].split(";")[1] for answer in answers]
    assert left == ["r=1", "r=0", "r=0"]


def test_a_page_of_an_allowed_origin_may_send_and_read_what_the_contract_names(
    tmp_path: Path,
) -> None:
    page = "http://desk.example:3000"
    settings = unhurried(tmp_path).model_copy(update={"cors_origins": (page,)})
    sent = (
        "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id,"
        " prefer, x-correlation-id"
    )
    asks = {
        "Origin": page,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": sent,
    }
    with serving(settings) as client:
        assert client.options("/api/v1/settings", headers=asks).status_code == 200
        answer = client.get("/api/v1/settings", headers={"Origin": page})
    readable = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    own = {"etag", "ratelimit", "ratelimit-policy", "x-correlation-id"}
    assert own <= {name.lower() for name in answer.headers}
    assert own <= {name.lower() for name in readable}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"Origin": "https://elsewhere.example"}, "origin"),
        ({"Access-Control-Request-Method": "TRACE"}, "method"),
        ({"Access-Control-Request-Headers": "x-anything"}, "headers"),
    ],
)
def test_a_refused_preflight_is_a_problem(
    tmp_path: Path, asked: dict[str, str], named: str
) -> None:
    page = "http://desk.example:3000"
    settings = unhurried(tmp_path).model_copy(update={"cors_origins": (page,)})
    asks = {"Origin": page, "Access-Control-Request-Method": "PATCH", **asked}
    with serving(settings) as client:
        answer = client.options("/api/v1/settings", headers=asks)
    assert refusal(answer) == (400, "preflight_refused")
    assert answer.json()["detail"] == f"Disallowed CORS {named}."
    assert answer.headers["Vary"].startswith("Origin")
    assert answer.json()["instance"].startswith("req_")
