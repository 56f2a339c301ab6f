"""The book of record at its edges: what it must refuse, and what it must note when an order ends."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.portfolio import HttpBook, exact, refusal, row_counts

D = Decimal
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat()
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@pytest.fixture
def closed(book: HttpBook) -> str:
    position_id = book.cell(qty=0, cash=0, anchor_price=100)
    assert book.delete(position_id).status_code == 204
    return position_id


def evaluation(book: HttpBook, position_id: str) -> dict[str, Any]:
    return dict(exact(book.get(f"/positions/{position_id}/evaluations"))["items"][-1])


@pytest.mark.parametrize("path", ["close", "rebalance"])
def test_a_closed_position_says_so_to_whoever_trades_it(
    book: HttpBook, closed: str, path: str
) -> None:
    asked = book.keyed(f"/positions/{closed}/{path}", {"price": 10})
    assert refusal(asked) == (409, "position_closed")


def test_a_rebalance_makes_no_order_from_a_price_of_the_past(
    book: HttpBook, data_dir: Path
) -> None:
    position_id = book.cell(qty=50, cash=5000, anchor_price=100)
    before = row_counts(data_dir)
    asked = book.keyed(
        f"/positions/{position_id}/rebalance", {"price": 97, "as_of": "2020-01-02T15:00:00Z"}
    )
    assert refusal(asked) == (422, "invalid_request")
    assert asked.json()["errors"][0]["pointer"] == "/as_of"
    after = row_counts(data_dir)
    assert (after["orders"], after["evaluations"]) == (before["orders"], before["evaluations"])


def test_an_evaluation_of_yesterday_counts_yesterdays_orders_and_is_logged_now(
    book: HttpBook,
) -> None:
    plan = {"max_orders_per_day": 1}
    position_id = book.cell(qty=50, cash=5000, anchor_price=100, plan=plan)
    book.fill(book.order(position_id, "BUY", 1), 100, 1)
    url = f"/positions/{position_id}/evaluate"
    today = book.post(url, {"price": 97}).json()["proposals"][0]
    assert today["rejections"] == ["daily_cap_reached"]
    earlier = book.post(url, {"price": 97, "as_of": YESTERDAY}).json()["proposals"][0]
    assert earlier["rejections"] == []
    times = [e["ts"] for e in book.get(f"/positions/{position_id}/events").json()["events"]]
    assert times == sorted(times)


@pytest.mark.parametrize("ticker", ["BTC-USDT", "ETH-USDT-PERP"])
def test_a_cell_of_another_currency_than_its_account_is_refused(
    book: HttpBook, data_dir: Path, ticker: str
) -> None:
    before = row_counts(data_dir)
    asked = book.post("/positions", {"ticker": ticker, "cash": 100})
    assert refusal(asked) == (422, "currency_mismatch")
    assert row_counts(data_dir) == before


def test_new_money_in_a_new_cell_is_a_flow_and_the_accounts_own_money_is_not(
    book: HttpBook, data_dir: Path
) -> None:
    before = row_counts(data_dir)["cash_flows"]
    book.cell(cash=100)
    assert row_counts(data_dir)["cash_flows"] == before + 1
    book.cell(cash=100, funding="account")
    book.cell(qty=1, cash=0)
    assert row_counts(data_dir)["cash_flows"] == before + 1


def test_money_that_has_not_moved_yet_cannot_be_booked(book: HttpBook) -> None:
    account_id = book.get("/accounts").json()["items"][0]["id"]
    for path in ("deposits", "withdrawals"):
        body = {"amount": 5, "occurred_at": TOMORROW}
        asked = book.keyed(f"/accounts/{account_id}/{path}", body)
        assert refusal(asked) == (422, "invalid_request")
        assert asked.json()["errors"][0]["pointer"] == "/occurred_at"


def test_cancelling_the_rest_of_an_order_completes_the_evaluation_behind_it(
    book: HttpBook,
) -> None:
    position_id = book.cell(qty=50, cash=5000, anchor_price=100)
    order_id = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97}).json()["order_id"]
    book.fill(order_id, 97, 2)
    assert evaluation(book, position_id)["row"]["order"]["status"] == "partially_filled"
    book.post(f"/orders/{order_id}/cancel")
    row = evaluation(book, position_id)["row"]
    assert row["order"] == {"id": order_id, "status": "cancelled"}
    assert (row["execution"]["qty"], row["execution"]["status"]) == (2, "cancelled")
    assert row["anchor"] == {"old": 100, "new": 97, "reason": "order_ended"}
    assert row["impact"]["after"]["qty"] == 52


def test_an_order_cancelled_unfilled_leaves_no_execution_and_no_new_anchor(
    book: HttpBook,
) -> None:
    position_id = book.cell(qty=50, cash=5000, anchor_price=100)
    order_id = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97}).json()["order_id"]
    book.post(f"/orders/{order_id}/cancel")
    row = evaluation(book, position_id)["row"]
    assert row["order"]["status"] == "cancelled"
    assert row["execution"] is None
    assert row["anchor"]["new"] == 100


def test_an_order_that_ended_before_the_anchor_was_set_leaves_it_out_of_its_evaluation(
    book: HttpBook,
) -> None:
    position_id = book.cell(qty=50, cash=5000, anchor_price=100)
    order_id = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97}).json()["order_id"]
    qty = exact(book.get(f"/orders/{order_id}"))["qty"]
    executed_at = datetime.now(UTC).isoformat()
    book.post(f"/positions/{position_id}/anchor", {"price": 99, "reason": "checked"})
    book.fill(order_id, 97, str(qty), executed_at=executed_at)
    row = evaluation(book, position_id)["row"]
    assert (row["execution"]["status"], row["execution"]["side"]) == ("filled", "BUY")
    assert row["anchor"] == {"old": 100, "new": 100, "reason": None}
    assert row["impact"]["after"]["qty"] == 50 + qty
    assert book.position(position_id)["anchor_price"] == 99


def test_a_stop_order_holds_back_what_it_costs_at_its_stop(book: HttpBook) -> None:
    position_id = book.cell(cash=10000, anchor_price=100, plan=None)
    made = book.submit(position_id, "BUY", 10, order_type="stop", stop_price=200)
    assert exact(made)["reservation"]["amount"] == 2020
    too_much = book.submit(position_id, "BUY", 40, order_type="stop", stop_price=200)
    assert refusal(too_much) == (422, "risk_rejected")


def test_two_open_orders_never_use_the_same_room_in_the_band(book: HttpBook) -> None:
    position_id = book.cell(qty=50, cash=5000, anchor_price=100)
    first = book.order(position_id, "SELL", 20)
    second = book.submit(position_id, "SELL", 20)
    assert refusal(second) == (422, "risk_rejected")
    checks = {c["code"]: c for c in exact(second)["context"]["checks"]}
    assert checks["guardrail_band"]["before"] == D("0.3")
    assert checks["guardrail_band"]["status"] == "failed"
    assert exact(second)["context"]["adjusted_quantity"] == D("5.000125")
    book.post(f"/orders/{first}/cancel")
    assert book.submit(position_id, "SELL", 20).status_code == 201


def test_the_message_about_a_missing_end_names_the_lifetime_that_needs_it(book: HttpBook) -> None:
    position_id = book.cell()
    asked = book.submit(position_id, "BUY", 1, time_in_force="gtd")
    assert [e["message"] for e in asked.json()["errors"]] == ["required by gtd"]


def test_an_execution_at_another_price_makes_an_earlier_proposal_stale(book: HttpBook) -> None:
    position_id = book.cell(qty=50, cash=5000, anchor_price=100)
    proposed = book.post(f"/positions/{position_id}/evaluate", {"price": 97}).json()
    book.fill(book.order(position_id, "BUY", 1), "97.1", 1)
    near = book.submit(position_id, "BUY", 2, proposal_id=proposed["evaluation_id"])
    assert near.status_code == 201
    book.fill(book.order(position_id, "BUY", 3), "97.3", 3)
    moved = book.submit(position_id, "BUY", 4, proposal_id=proposed["evaluation_id"])
    assert refusal(moved) == (409, "proposal_stale")
