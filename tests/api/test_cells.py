"""Cells over HTTP: creating, funding, anchoring, paying in and out, retiring."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.portfolio import HttpBook, exact, refusal, row_counts

D = Decimal


def main_account(book: HttpBook) -> dict[str, Any]:
    items = exact(book.get("/accounts"))["items"]
    return dict(next(a for a in items if a["name"] == "main"))


def sums(book: HttpBook) -> dict[str, Decimal]:
    account = main_account(book)
    return dict(exact(book.get(f"/accounts/{account['id']}/balances"))["sums"])


def test_a_cell_is_funded_by_new_money_unless_the_account_pays(book: HttpBook) -> None:
    start = main_account(book)
    book.cell(cash=4000)
    deposit = main_account(book)
    assert deposit["available"] == start["available"]
    assert deposit["cells_cash"] == start["cells_cash"] + 4000
    book.cell(cash=4000, funding="account")
    paid = main_account(book)
    assert paid["available"] == start["available"] - 4000
    assert paid["cells_cash"] == start["cells_cash"] + 8000
    assert set(sums(book).values()) == {D(0)}


def test_an_account_that_is_short_cannot_fund_a_cell(book: HttpBook, data_dir: Path) -> None:
    account = main_account(book)
    before = row_counts(data_dir)
    body = {"ticker": "ZIM", "cash": str(account["available"] + 1), "funding": "account"}
    refused = book.post("/positions", body)
    assert refusal(refused) == (409, "insufficient_cash")
    assert row_counts(data_dir) == before, "not even the instrument is registered"


@pytest.mark.parametrize(
    ("given", "avg_cost"),
    [
        ({"avg_cost": 90, "anchor_price": 100}, 90),
        ({"anchor_price": 100}, 100),
        ({}, None),
    ],
)
def test_shares_in_kind_cost_what_was_said_else_the_anchor_else_nothing_known(
    book: HttpBook, given: dict[str, Any], avg_cost: int | None
) -> None:
    position = book.position(book.cell(qty=10, **given))
    assert position["avg_cost"] == avg_cost
    if avg_cost is None:
        assert position["reasons"]["avg_cost"] == "unknown_cost"
    assert sums(book)["ZIM"] == 0


def test_symbols_are_trimmed_and_upper_cased_and_registered_once(book: HttpBook) -> None:
    one, two = book.cell(" aapl "), book.cell("AAPL")
    assert book.position(one)["ticker"] == book.position(two)["ticker"] == "AAPL"
    assert book.position(book.cell("BTC-USD"))["calendar"] == "24/7"
    assert book.position(one)["calendar"] == "XNYS"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ticker": ""},
        {"ticker": "   "},
        {"ticker": "A" * 25},
        {"ticker": "A B"},
        {"ticker": "ÅÄ"},
        {"ticker": None},
        {"ticker": 5},
        {"ticker": "ZIM", "qty": -1},
        {"ticker": "ZIM", "cash": -1},
        {"ticker": "ZIM", "cash": "0.0000001"},
        {"ticker": "ZIM", "anchor_price": 0},
        {"ticker": "ZIM", "withholding_rate": 2},
        {"ticker": "ZIM", "funding": "credit"},
        {"ticker": "ZIM", "venue": "moon"},
        {"ticker": "ZIM", "surprise": 1},
        {"ticker": "ZIM", "plan": {"up_threshold": 3}},
        {"ticker": "ZIM", "plan": {"up_threshold": 0}},
        {"ticker": "ZIM", "plan": {"band": {"min": 0.8, "max": 0.2}}},
        {"ticker": "ZIM", "plan": {"kind": "martingale"}},
        {"ticker": "ZIM", "plan": {"max_orders_per_day": 10**30}},
        {"ticker": "ZIM", "plan": {"order_policy": {"min_qty": -1}}},
        {"ticker": "ZIM", "plan": []},
    ],
)
def test_a_malformed_cell_is_refused_and_nothing_is_written(
    book: HttpBook, data_dir: Path, body: dict[str, Any]
) -> None:
    before = row_counts(data_dir)
    refused = book.post("/positions", body)
    assert refused.status_code == 422
    assert refusal(refused)[1] in (
        "invalid_request",
        "invalid_symbol",
        "invalid_plan",
        "invalid_qty",
    )
    assert refused.json()["errors"], "the faulty field is named"
    assert row_counts(data_dir) == before


def test_a_threshold_meant_as_percent_is_refused_with_a_hint(book: HttpBook) -> None:
    refused = book.post("/positions", {"ticker": "ZIM", "plan": {"up_threshold": 3}})
    assert refusal(refused) == (422, "invalid_plan")
    fault = refused.json()["errors"][0]
    assert fault["pointer"] == "/plan/up_threshold"
    assert "fractions" in fault["message"]


def test_an_unknown_account_is_404(book: HttpBook) -> None:
    refused = book.post("/positions", {"ticker": "ZIM", "account_id": "acc_unknown"})
    assert refusal(refused) == (404, "account_not_found")


def test_money_moves_between_cell_outside_and_account(book: HttpBook) -> None:
    position_id = book.cell(cash=100)
    start = main_account(book)
    path = f"/positions/{position_id}"
    assert exact(book.keyed(f"{path}/deposits", {"amount": 50}))["cash"] == 150
    inside = exact(book.keyed(f"{path}/deposits", {"amount": 25, "source": "account"}))
    assert (inside["cash"], inside["flow_id"]) == (175, None)
    assert main_account(book)["available"] == start["available"] - 25
    back = exact(book.keyed(f"{path}/withdrawals", {"amount": 75, "source": "account"}))
    assert back["cash"] == 100
    assert main_account(book)["available"] == start["available"] + 50
    gone = book.keyed(f"{path}/withdrawals", {"amount": "100.000001"})
    assert refusal(gone) == (409, "insufficient_cash")
    assert book.position(position_id)["cash"] == 100
    assert set(sums(book).values()) == {D(0)}


@pytest.mark.parametrize("direction", ["deposits", "withdrawals"])
def test_cash_needs_a_key_and_happens_once_per_key(book: HttpBook, direction: str) -> None:
    position_id = book.cell(cash=100)
    path, body = f"/positions/{position_id}/{direction}", {"amount": 10}
    assert refusal(book.post(path, body)) == (400, "missing_idempotency_key")
    first = book.keyed(path, body, key="c1")
    again = book.keyed(path, body, key="c1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    assert abs(book.position(position_id)["cash"] - 100) == 10
    other = book.keyed(path, {"amount": 11}, key="c1")
    assert refusal(other) == (409, "idempotency_signature_mismatch")


def test_an_anchor_set_by_hand_is_audited_and_never_zero(book: HttpBook) -> None:
    position_id = book.cell()
    path = f"/positions/{position_id}/anchor"
    assert exact(book.post(path, {"price": 20, "reason": "split"}))["anchor_price"] == 20
    types = book.event_types(position_id)
    assert types[-2:] == ["manual_anchor_set", "anchor_updated"]
    for bad in ({"price": 0, "reason": "x"}, {"price": 5}, {"price": 5, "reason": ""}):
        assert book.post(path, bad).status_code == 422


def test_only_a_flat_idle_cell_can_be_deleted_and_its_history_stays(book: HttpBook) -> None:
    start = main_account(book)
    position_id = book.cell(cash=100)
    order_id = book.order(position_id, "BUY", 1)
    assert refusal(book.delete(position_id)) == (409, "position_not_flat")
    book.fill(order_id, 20, 1, commission=0)
    assert refusal(book.delete(position_id)) == (409, "position_not_flat")
    closing = book.keyed(f"/positions/{position_id}/close").json()["order_id"]
    book.fill(closing, 25, 1, commission=0)
    assert book.delete(position_id).status_code == 204
    after = book.position(position_id)
    assert (after["status"], after["cash"]) == ("closed", 0)
    assert main_account(book)["available"] == start["available"] + 105
    assert book.event_types(position_id)[-1] == "position_closed"
    assert refusal(book.delete(position_id)) == (409, "position_closed")
    for path, body in (
        ("pause", None),
        ("resume", None),
        ("anchor", {"price": 1, "reason": "x"}),
    ):
        assert refusal(book.post(f"/positions/{position_id}/{path}", body)) == (
            409,
            "position_closed",
        )
    assert refusal(book.keyed(f"/positions/{position_id}/deposits", {"amount": 1})) == (
        409,
        "position_closed",
    )


def test_a_cell_created_twice_with_one_key_exists_once(book: HttpBook) -> None:
    body = {"ticker": "ZIM", "cash": 100}
    first = book.keyed("/positions", body, key="n1")
    again = book.keyed("/positions", body, key="n1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    events = book.event_types(first.json()["id"])
    assert events == ["position_created"]


@pytest.mark.parametrize(
    "path", ["", "/events", "/fills", "/orders", "/evaluations", "/evaluations.csv"]
)
def test_reading_an_unknown_position_is_404(book: HttpBook, path: str) -> None:
    assert refusal(book.get(f"/positions/pos_unknown{path}")) == (404, "position_not_found")


def test_sums_beyond_twenty_digits_are_refused_on_every_database(book: HttpBook) -> None:
    first = book.cell(ticker="HUGE", qty=1, cash=0, plan=None)
    order = book.submit(first, "SELL", 1).json()["order_id"]
    told = book.post(f"/orders/{order}/fill", {"price": 99999999, "filled_qty": 1})
    assert told.status_code == 200
    huge = {"ticker": "HUGE", "qty": 99999999999, "cash": 0}
    answers = [book.post("/positions", huge) for _ in range(14)]
    refused = [refusal(answer) for answer in answers if answer.status_code != 201]
    assert set(refused) == {(422, "amount_out_of_range")}
    held = [item for item in book.get("/positions").json()["items"] if item["ticker"] == "HUGE"]
    assert len(held) == 1 + len(answers) - len(refused)
