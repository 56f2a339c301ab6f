"""A key is honoured where only a switch, a price or a user is sent: one effect, one answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.shared.canonical import signature
from tests.conftest import serving, unhurried
from tests.support.identity import IdentityService, identity_service
from tests.support.portfolio import HttpBook, refusal
from tests.support.simulation import PaperAccount, paper_account

ADA = {"username": "ada", "role": "trader", "password": "winter harbour bells"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[IdentityService]:
    with identity_service(tmp_path) as running:
        yield running


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        yield made


def test_a_user_is_created_once_and_the_generated_password_is_shown_once(
    service: IdentityService,
) -> None:
    owner, body = service.first.api_token, {"username": "ada", "role": "trader"}
    first = service.call("POST", "/users", owner, body, Idempotency_Key="k")
    again = service.call("POST", "/users", owner, body, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["ETag"] == '"1"' and first.json()["password"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json() | {"password": None}
    taken = service.call("POST", "/users", owner, body, Idempotency_Key="other")
    assert refusal(taken) == (409, "username_taken")


def test_the_same_key_with_another_password_is_refused(service: IdentityService) -> None:
    owner = service.first.api_token
    assert service.call("POST", "/users", owner, ADA, Idempotency_Key="k").status_code == 201
    other = ADA | {"password": "summer harbour bells"}
    changed = service.call("POST", "/users", owner, other, Idempotency_Key="k")
    assert refusal(changed) == (409, "idempotency_signature_mismatch")
    assert service.call("POST", "/users", owner, ADA, Idempotency_Key="k").status_code == 200
    assert service.login("ada", "winter harbour bells").status_code == 200


def test_what_is_stored_for_a_replay_holds_no_password_and_no_plain_hash_of_one(
    service: IdentityService, tmp_path: Path
) -> None:

    owner = service.first.api_token
    generated = service.call(
        "POST", "/users", owner, {"username": "bob", "role": "viewer"}, Idempotency_Key="a"
    ).json()["password"]
    service.call("POST", "/users", owner, ADA, Idempotency_Key="b")
    service.container.get(type(service.store)).close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ballast.db*"))
    for secret in (generated, ADA["password"], signature(ADA)):
        assert secret.encode() not in stored


def test_the_simulations_switch_and_prices_are_answered_once_per_key(
    account: PaperAccount,
) -> None:
    start = {"price_source": "manual"}
    assert account.post("/start", start, Idempotency_Key="on").status_code == 200
    again = account.post("/start", start, Idempotency_Key="on")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert refusal(account.post("/start", start)) == (409, "already_running")
    prices = {"prices": [{"symbol": "BTC", "bid": 100, "ask": 100, "mark": 100}]}
    given = account.post("/prices", prices, Idempotency_Key="p")
    replayed = account.post("/prices", prices, Idempotency_Key="p")
    assert replayed.json() == given.json() and given.json()["applied"] == 1
    assert account.post("/stop", Idempotency_Key="off").status_code == 200
    ended = account.post("/stop", Idempotency_Key="off")
    assert (ended.status_code, ended.headers["Idempotency-Replayed"]) == (200, "true")
    assert refusal(account.post("/stop")) == (409, "already_stopped")


def test_a_retry_does_not_turn_the_plan_runner_on_again(tmp_path: Path) -> None:
    with serving(unhurried(tmp_path)) as client:
        book = HttpBook(client)
        first = book.post("/plans/runner/start", Idempotency_Key="on")
        assert book.post("/plans/runner/stop", Idempotency_Key="off").json()["state"] == "stopped"
        again = book.post("/plans/runner/start", Idempotency_Key="on")
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
        assert again.json() == first.json()
        assert book.get("/plans/runner").json()["state"] == "stopped"
