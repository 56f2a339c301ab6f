"""Orders of strategies wait for a person: confirmed, rejected, changed, extended, or too late."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from tests.support.portfolio import exact, refusal
from tests.support.simulation import BTC, PaperAccount, paper_account

D = Decimal


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    with paper_account(tmp_path, monkeypatch) as made:
        made.start()
        made.quote(100)
        yield made


def signal(account: PaperAccount, quantity: Any = 1, **terms: Any) -> Response:
    return account.submit("BUY", quantity, origin="strategy", **terms)


def waiting(account: PaperAccount) -> list[dict[str, Any]]:
    answer = account.client.get("/api/v1/orders/pending/confirmation")
    assert answer.status_code == 200, answer.text
    return list(exact(answer)["items"])


def answer(account: PaperAccount, name: str, what: str, body: object = None) -> Response:
    return account.client.post(f"/api/v1/orders/pending/{name}/{what}", json=body)


def test_a_signal_waits_and_is_submitted_when_confirmed(account: PaperAccount) -> None:
    queued = signal(account, stop_loss=95, take_profit=120)
    assert queued.status_code == 202, queued.text
    name = queued.json()["id"]
    assert [item["id"] for item in waiting(account)] == [name]
    assert account.positions() == {}
    done = answer(account, name, "confirm")
    assert (done.status_code, done.json()["status"]) == (200, "confirmed"), done.text
    order = account.one_order(done.json()["order_id"])
    assert (order["status"], order["origin"]) == ("filled", "strategy")
    assert account.positions()[BTC]["qty"] == 1
    assert waiting(account) == []
    assert refusal(answer(account, name, "confirm")) == (409, "confirmation_decided")


def test_a_persons_own_order_never_waits(account: PaperAccount) -> None:
    assert account.submit("BUY", 1).status_code == 201


def test_the_setting_turns_waiting_off(account: PaperAccount) -> None:
    changed = account.client.patch(
        "/api/v1/settings",
        json={"order_confirmation_required": False},
        headers={"If-Match": account.client.get("/api/v1/settings").headers["ETag"]},
    )
    assert changed.status_code == 200, changed.text
    assert signal(account).status_code == 201


def test_what_the_gate_refuses_does_not_wait(account: PaperAccount) -> None:
    assert refusal(signal(account, 10_000)) == (422, "risk_rejected")
    assert waiting(account) == []


def test_a_price_that_ran_away_stops_the_confirmation(account: PaperAccount) -> None:
    name = signal(account).json()["id"]
    account.quote("100.51")
    assert refusal(answer(account, name, "confirm")) == (409, "price_drifted")
    account.quote("100.5")
    assert answer(account, name, "confirm").status_code == 200


def test_the_gate_judges_again_at_the_confirmation(account: PaperAccount) -> None:
    name = signal(account, 60).json()["id"]
    account.quote(50, "ETH")
    account.order("BUY", 150, symbol="ETH")
    assert refusal(answer(account, name, "confirm")) == (422, "risk_rejected")
    assert waiting(account) == []


def test_a_second_signal_on_a_held_symbol_is_refused(account: PaperAccount) -> None:
    name = signal(account).json()["id"]
    account.order("BUY", 1)
    assert refusal(signal(account)) == (409, "position_exists")
    assert refusal(answer(account, name, "confirm")) == (409, "position_exists")


@pytest.mark.parametrize("held", ["BUY", "SELL"])
def test_a_signal_against_what_is_held_is_a_second_signal_too(
    account: PaperAccount, held: str
) -> None:
    account.order(held, 1)
    against = "SELL" if held == "BUY" else "BUY"
    for quantity in ("0.5", 1, 2):
        refused = account.submit(against, quantity, origin="strategy")
        assert refusal(refused) == (409, "position_exists")
    assert abs(account.positions()[BTC]["qty"]) == 1
    # Leaving is no signal.
    left = account.submit(against, 1, origin="strategy", reduce_only=True)
    assert left.status_code == 202
    assert answer(account, left.json()["id"], "confirm").status_code == 200
    assert account.positions() == {}


def test_rejecting_and_modifying(account: PaperAccount) -> None:
    first, second = (signal(account).json()["id"] for _ in range(2))
    gone = answer(account, first, "reject", {"reason": "news"})
    assert (gone.json()["status"], gone.json()["reason"]) == ("rejected", "news")
    assert refusal(answer(account, second, "modify", {"quantity": 10_000})) == (
        422, "risk_rejected",
    )  # fmt: skip
    changed = answer(account, second, "modify", {"quantity": 3, "stop_loss": 98})
    assert changed.status_code == 200, changed.text
    assert exact(changed)["request"]["qty"] == 3
    answer(account, second, "confirm")
    assert account.positions()[BTC]["qty"] == 3
    assert account.positions()[BTC]["is_protected"] is True


def test_after_its_time_it_is_gone(account: PaperAccount) -> None:
    short, long = (signal(account).json()["id"] for _ in range(2))
    account.clock.jump("2026-01-05T15:04:00Z")
    assert answer(account, long, "extend").status_code == 200
    account.clock.jump("2026-01-05T15:05:01Z")
    for what in ("confirm", "reject", "extend"):
        assert refusal(answer(account, short, what)) == (410, "confirmation_expired")
    assert refusal(answer(account, short, "modify", {"quantity": 1})) == (
        410, "confirmation_expired",
    )  # fmt: skip
    assert [item["id"] for item in waiting(account)] == [long]
    account.engine.turn()
    events = account.client.get("/api/v1/events", params={"types": "confirmation_expired"})
    assert events.status_code == 200
    unknown = answer(account, "sim_cfm_none", "confirm")
    assert refusal(unknown) == (404, "confirmation_not_found")


def test_a_full_queue_drops_nothing(account: PaperAccount) -> None:
    for _ in range(100):
        assert signal(account, 0.01).status_code == 202
    assert refusal(signal(account, 0.01)) == (429, "confirmation_queue_full")
    assert len(waiting(account)) == 100


def test_a_reset_leaves_nothing_waiting(account: PaperAccount) -> None:
    name = signal(account).json()["id"]
    account.post("/reset")
    assert waiting(account) == []
    assert refusal(answer(account, name, "confirm")) == (409, "confirmation_decided")
