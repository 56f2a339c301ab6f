"""Orders on paper over HTTP: what is accepted, refused, matched, protected, cancelled and closed."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from infrastructure.persistence.doctor import examine
from infrastructure.persistence.engine import Database
from tests.support.portfolio import exact, refusal
from tests.support.simulation import BTC, PaperAccount, paper_account

D = Decimal


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperAccount]:
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch, paper_account(folder, patch) as made:
        yield made


@pytest.fixture
def account(shared: PaperAccount) -> Iterator[PaperAccount]:
    """A fresh run; at its end the books are examined."""
    assert shared.post("/reset").status_code == 200
    shared.start()
    yield shared
    database = shared.client.app.state.container.get(Database)  # type: ignore[attr-defined]
    examination = examine(database)
    assert examination.is_sound, examination.diagnoses


def failed(answer: Any) -> dict[str, dict[str, Any]]:
    assert refusal(answer) == (422, "risk_rejected"), answer.text
    checks = exact(answer)["context"]["checks"]
    return {check["code"]: check for check in checks if check["status"] == "failed"}


def test_a_stopped_simulation_accepts_nothing(account: PaperAccount) -> None:
    assert account.post("/stop").status_code == 200
    assert refusal(account.submit("BUY", 1)) == (409, "simulation_stopped")
    given = account.post("/prices", {"prices": [{"symbol": "BTC", "last": 1}]})
    assert refusal(given) == (409, "simulation_stopped")
    assert account.orders() == []


def test_an_order_needs_a_key_and_replays_under_it(account: PaperAccount) -> None:
    account.quote(100)
    body = {"symbol": "BTC", "side": "buy", "quantity": 1}
    assert refusal(account.post("/orders", body)) == (400, "missing_idempotency_key")
    first = account.post("/orders", body, Idempotency_Key="one")
    again = account.post("/orders", {**body, "quantity": 1.0}, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = account.post("/orders", {**body, "quantity": 2}, Idempotency_Key="one")
    assert refusal(other) == (409, "idempotency_signature_mismatch")
    assert len(account.orders()) == 1


def test_ids_of_the_simulation_say_so(account: PaperAccount) -> None:
    account.quote(100)
    order = account.order("BUY", 1, stop_loss=95, take_profit=120)
    ids = [order["id"], order["client_order_id"], order["position_id"], order["run_id"]]
    assert all(name.startswith("sim_") for name in [*ids, *order["children"]])
    assert order["account_id"].startswith("acc_")


def test_a_stale_price_matches_nothing(account: PaperAccount) -> None:
    account.quote(100)
    account.clock.jump("2026-01-05T18:00:00Z")
    found = failed(account.submit("BUY", 1))
    assert found["stale_data"]["reason"] == "price_stale"
    account.clock.jump("2026-01-05T18:00:01Z")


def test_every_check_is_listed_and_the_refused_order_is_kept(account: PaperAccount) -> None:
    account.quote(100)
    refused = account.submit("BUY", 1000, stop_loss=50, take_profit=110)
    assert set(failed(refused)) == {"buying_power", "risk_per_trade", "reward_risk"}
    context = exact(refused)["context"]
    assert len(context["checks"]) == 8
    kept = account.one_order(context["order_id"])
    assert (kept["status"], kept["rejected_by"], kept["accepted"]) == ("rejected", "gate", False)
    assert len(kept["checks"]) == 8
    assert account.get("/status")["stats"]["rejected"] == 1
    assert account.get("/portfolio")["available"] == 10000


def test_at_most_five_symbols_are_held(account: PaperAccount) -> None:
    for symbol in ("BTC", "ETH", "SOL", "XRP", "ADA"):
        account.quote(10, symbol)
        account.order("BUY", 1, symbol=symbol)
    account.quote(10, "DOGE")
    assert set(failed(account.submit("BUY", 1, symbol="DOGE"))) == {"open_positions"}
    account.order("BUY", 1, symbol="BTC")
    account.order("SELL", 2, symbol="BTC")
    account.order("BUY", 1, symbol="DOGE")
    assert set(account.positions()) == {
        f"{name}-USDT-PERP" for name in ("ETH", "SOL", "XRP", "ADA", "DOGE")
    }


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"order_type": "limit"}, "/price"),
        ({"order_type": "stop"}, "/stop_price"),
        ({"order_type": "stop_limit", "price": 1}, "/stop_price"),
        ({"order_type": "trailing_stop"}, "/trail_fraction"),
        ({"price": 1}, "/price"),
        ({"trail_fraction": 0.1}, "/trail_fraction"),
        ({"time_in_force": "gtd"}, "/good_till"),
        ({"risk_fraction": 0.01}, "/quantity"),
        ({"reduce_only": True, "stop_loss": 90}, "/reduce_only"),
        ({"leverage": 126}, "/leverage"),
        ({"quantity": None}, "/quantity"),
    ],
)
def test_terms_that_do_not_fit_are_refused(
    account: PaperAccount, terms: dict[str, Any], pointer: str
) -> None:
    account.quote(100)
    body = {"symbol": "BTC", "side": "BUY", "quantity": 1, **terms}
    refused = account.post("/orders", body, Idempotency_Key=f"bad-{pointer}-{len(terms)}")
    assert refusal(refused) == (422, "invalid_request")
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    assert account.orders() == []


@pytest.mark.parametrize(
    ("side", "stop", "target"),
    [("BUY", 101, 120), ("BUY", 95, 99), ("SELL", 99, 80), ("SELL", 105, 101)],
)
def test_a_bracket_lies_around_its_entry(
    account: PaperAccount, side: str, stop: int, target: int
) -> None:
    account.quote(100)
    refused = account.submit(side, 1, stop_loss=stop, take_profit=target)
    assert refusal(refused) == (422, "invalid_bracket")


def test_another_currency_is_refused(account: PaperAccount) -> None:
    refused = account.submit("BUY", 1, symbol="USD-JPY")
    assert refusal(refused) == (422, "currency_mismatch")


def test_a_limit_order_rests_holds_margin_and_fills_at_its_price(account: PaperAccount) -> None:
    account.quote(100)
    order = account.order("BUY", 2, order_type="limit", price=95)
    assert order["status"] == "working"
    seen = account.get("/portfolio")
    assert seen["order_margin"] == D("190.19")
    assert seen["available"] == D("9809.81")
    account.quote(94)
    filled = account.one_order(order["id"])
    assert (filled["status"], filled["avg_fill_price"]) == ("filled", 95)
    seen = account.get("/portfolio")
    assert (seen["order_margin"], seen["used_margin"]) == (0, 190)
    assert account.get("/status")["open_orders_count"] == 0


def test_cancelling_gives_the_margin_back(account: PaperAccount) -> None:
    account.quote(100)
    order = account.order("BUY", 2, order_type="limit", price=95)
    path = f"/api/v1/simulation/orders/{order['id']}"
    gone = account.client.delete(path).json()
    assert (gone["cancelled"], gone["status"]) == (True, "cancelled")
    assert account.client.delete(path).json()["cancelled"] is False
    assert account.get("/portfolio")["available"] == 10000
    unknown = account.client.delete("/api/v1/simulation/orders/sim_ord_none")
    assert refusal(unknown) == (404, "order_not_found")


def test_a_bracket_wakes_with_its_entry_and_one_side_cancels_the_other(
    account: PaperAccount,
) -> None:
    account.quote(100)
    order = account.order("BUY", 1, stop_loss=95, take_profit=120)
    stop, target = (account.one_order(child) for child in order["children"])
    assert (stop["order_type"], stop["stop_price"], stop["intent"]) == (
        "stop_market",
        95,
        "protect",
    )
    assert (target["order_type"], target["limit_price"]) == ("limit", 120)
    assert stop["group_id"] == target["group_id"] is not None
    assert stop["parent_id"] == target["parent_id"] == order["id"]
    assert account.positions()[BTC]["is_protected"] is True
    account.quote(121)
    assert account.one_order(target["id"])["status"] == "filled"
    ended = account.one_order(stop["id"])
    assert (ended["status"], ended["reason"]) == ("cancelled", "oco")
    trade = account.get("/trades")["items"][0]
    assert trade["exit_reason"] == "take_profit"
    assert trade["risk"] == D("5.2145")
    assert trade["r_multiple"] == (trade["net_pnl"] / trade["risk"]).quantize(D("1e-10"))


def test_closing_the_position_cancels_what_protected_it(account: PaperAccount) -> None:
    account.quote(100)
    order = account.order("BUY", 1, stop_loss=95, take_profit=120)
    half = account.close(body={"fraction": 0.5})
    assert half.status_code == 201, half.text
    assert account.positions()[BTC]["qty"] == D("0.5")
    assert account.close().status_code == 201
    assert account.positions() == {}
    assert {account.one_order(child)["status"] for child in order["children"]} == {"cancelled"}
    assert refusal(account.close()) == (404, "position_not_found")
    trade = account.get("/trades")["items"][0]
    assert (trade["qty"], trade["exit_reason"]) == (1, "manual_close")


def test_reduce_only_never_turns_a_position(account: PaperAccount) -> None:
    account.quote(100)
    account.order("BUY", 1)
    order = account.order("SELL", 3, reduce_only=True)
    assert account.positions() == {}
    ended = account.one_order(order["id"])
    assert (ended["filled_qty"], ended["status"]) == (1, "cancelled")
    lone = account.order("SELL", 1, reduce_only=True)
    assert lone["status"] == "cancelled"
    assert account.positions() == {}


def test_buying_and_selling_ten_leaves_nothing(account: PaperAccount) -> None:
    account.quote(100)
    account.order("BUY", 10)
    account.order("SELL", 10)
    assert account.positions() == {}
    assert account.get("/status")["positions_count"] == 0


def test_a_position_keeps_the_leverage_it_was_opened_with(account: PaperAccount) -> None:
    account.quote(100)
    account.order("BUY", 1, leverage=10)
    assert account.positions()[BTC]["margin"] == D("10.001")
    other = account.submit("BUY", 1, leverage=5)
    assert refusal(other) == (422, "invalid_request")
    account.order("BUY", 1)
    assert account.positions()[BTC]["leverage"] == 10


def test_size_comes_from_the_money_at_risk_and_not_from_leverage(account: PaperAccount) -> None:
    account.quote(100)
    sizes = []
    for leverage in (1, 10):
        order = account.order(
            "BUY", None, risk_fraction=0.01, stop_loss=90, take_profit=140, leverage=leverage,
            order_type="limit", price=99,
        )  # fmt: skip
        sizes.append(order["qty"])
        account.client.delete(f"/api/v1/simulation/orders/{order['id']}")
    assert sizes[0] == sizes[1]
    assert sizes[0] * (99 - 90) < 100 < (sizes[0] + D("0.2")) * (99 - 90 + D("0.2"))
    tiny = account.submit("BUY", None, risk_fraction="0.000000000001", stop_loss=90)
    assert refusal(tiny) == (422, "below_minimum")


def test_ioc_and_fok_do_not_rest_and_day_orders_end_with_the_day(account: PaperAccount) -> None:
    account.quote(100)
    ioc = account.order("BUY", 1, order_type="limit", price=90, time_in_force="ioc")
    fok = account.order("BUY", 1, order_type="limit", price=90, time_in_force="fok")
    assert (ioc["status"], ioc["reason"]) == ("cancelled", "ioc_not_filled")
    assert (fok["status"], fok["reason"]) == ("cancelled", "fok_not_filled")
    day = account.order("BUY", 1, order_type="limit", price=90, time_in_force="day")
    assert day["status"] == "working"
    account.clock.jump("2026-01-06T00:00:01Z")
    account.engine.turn()
    ended = account.one_order(day["id"])
    assert (ended["status"], ended["reason"]) == ("expired", "day_ended")
    assert account.get("/portfolio")["order_margin"] == 0


def test_a_stop_limit_waits_for_its_trigger(account: PaperAccount) -> None:
    account.quote(100)
    order = account.order("BUY", 1, order_type="stop_limit", stop_price=105, price=106)
    account.quote(104)
    assert account.one_order(order["id"])["status"] == "working"
    account.quote(105)
    assert account.one_order(order["id"])["status"] == "filled"


def test_an_unprotected_position_is_named(account: PaperAccount) -> None:
    account.quote(100)
    account.order("BUY", 1)
    assert account.get("/status")["unprotected_positions"] == [BTC]
    account.order("SELL", 1, order_type="stop", stop_price=90, reduce_only=True)
    assert account.get("/status")["unprotected_positions"] == []
    account.post("/stop")
    assert account.get("/status")["unprotected_positions"] == [BTC]
