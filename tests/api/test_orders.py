"""Submitting, cancelling and closing over HTTP: the order of tests, reservations, refusals kept."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.portfolio import HttpBook, exact, refusal, row_counts

D = Decimal


def failed_checks(refused: Any) -> list[str]:
    checks = refused.json()["context"]["checks"]
    return [c["code"] for c in checks if c["status"] == "failed" and c["severity"] == "hard"]


def test_the_first_failing_test_answers(book: HttpBook) -> None:
    good, bad = {"side": "BUY", "qty": 1}, {"side": "BUY", "qty": -1}
    position_id = book.cell()
    known, unknown = f"/positions/{position_id}/orders", "/positions/pos_unknown/orders"
    assert refusal(book.post(unknown, bad)) == (400, "missing_idempotency_key")
    assert refusal(book.keyed(unknown, bad)) == (422, "invalid_qty")
    assert refusal(book.keyed(unknown, good)) == (404, "position_not_found")
    assert book.keyed(known, good, key="k").status_code == 201
    book.post(f"/positions/{position_id}/pause")
    assert book.keyed(known, good, key="k").status_code == 200
    assert refusal(book.keyed(known, {**good, "qty": 2}, key="k")) == (
        409,
        "idempotency_signature_mismatch",
    )
    assert refusal(book.keyed(known, good)) == (409, "position_paused")


@pytest.mark.parametrize(
    "qty",
    [0, -1, -0.0, "0.000000001", "NaN", "Infinity", "-Infinity", "1e20", "1e400", "", True, None],
)
def test_an_impossible_quantity_is_refused_by_name(
    book: HttpBook, data_dir: Path, qty: object
) -> None:
    position_id = book.cell()
    before = row_counts(data_dir)
    refused = book.keyed(f"/positions/{position_id}/orders", {"side": "BUY", "qty": qty})
    assert refusal(refused) == (422, "invalid_qty")
    assert refused.json()["errors"][0]["pointer"] == "/qty"
    assert row_counts(data_dir) == before


def test_a_quantity_with_hidden_digits_is_not_silently_rounded(book: HttpBook) -> None:
    position_id = book.cell()
    hidden = "1.5" + "0" * 49 + "1"
    refused = book.client.post(
        f"{book.prefix}/positions/{position_id}/orders",
        content=f'{{"side":"BUY","qty":{hidden}}}',
        headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
    )
    assert refusal(refused) == (422, "invalid_qty")


def test_the_room_above_a_floor_is_negative_when_the_floor_is_broken(book: HttpBook) -> None:
    position_id = book.cell(qty=50, cash=5000, anchor_price=100)
    refused = exact(book.submit(position_id, "SELL", 40))
    band = next(c for c in refused["context"]["checks"] if c["code"] == "guardrail_band")
    assert (band["limit"], band["used"], band["headroom"]) == (
        D("0.25"),
        band["used"],
        band["used"] - D("0.25"),
    )
    assert band["headroom"] < 0


def test_a_buy_reserves_its_worst_case_and_a_cancel_gives_it_back(book: HttpBook) -> None:
    position_id = book.cell(cash=10000, anchor_price=100)
    made = exact(book.submit(position_id, "BUY", 10))
    assert made["reservation"]["amount"] == D("1010.101")
    limited = exact(book.submit(position_id, "BUY", 10, order_type="limit", limit_price=90))
    assert limited["reservation"]["amount"] == D("900.09")
    more = book.submit(position_id, "BUY", 90, order_type="limit", limit_price=90)
    assert refusal(more) == (422, "risk_rejected")
    assert "buying_power" in failed_checks(more)
    withdrawal = book.keyed(f"/positions/{position_id}/withdrawals", {"amount": 9000})
    assert refusal(withdrawal) == (409, "insufficient_cash")
    assert exact(withdrawal)["context"] == {"available": D("8089.809"), "reserved": D("1910.191")}
    for order in (made, limited):
        book.post(f"/orders/{order['order_id']}/cancel")
        stored = exact(book.get(f"/orders/{order['order_id']}"))
        assert (stored["status"], stored["reserved"]) == ("cancelled", 0)
    emptied = book.keyed(f"/positions/{position_id}/withdrawals", {"amount": 10000})
    assert emptied.status_code == 201
    assert exact(emptied)["cash"] == 0


def test_two_sells_of_the_same_shares_cannot_both_pass(book: HttpBook) -> None:
    position_id = book.cell(qty=10, cash=0, plan=None)
    assert book.submit(position_id, "SELL", 10).status_code == 201
    second = book.submit(position_id, "SELL", 10)
    assert refusal(second) == (422, "risk_rejected")
    assert "inventory" in failed_checks(second)
    assert second.json()["context"]["adjusted_quantity"] is None
    assert book.submit(position_id, "SELL", 1).status_code == 422


def test_a_refused_order_is_stored_readable_and_replayed_word_for_word(
    book: HttpBook, data_dir: Path
) -> None:
    position_id = book.cell()
    first = book.submit(position_id, "SELL", 1, key="k1")
    assert refusal(first) == (422, "risk_rejected")
    order_id = first.json()["context"]["order_id"]
    stored = book.get(f"/orders/{order_id}").json()
    assert (stored["status"], stored["rejected_by"], stored["reason"]) == (
        "rejected",
        "gate",
        "inventory",
    )
    assert [c["code"] for c in stored["checks"]] == [
        c["code"] for c in first.json()["context"]["checks"]
    ]
    counted = row_counts(data_dir)
    again = book.submit(position_id, "SELL", 1, key="k1")
    assert (again.status_code, again.content) == (422, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert row_counts(data_dir) == counted
    assert "order_refused" in book.event_types(position_id)


def test_reducing_orders_pass_while_paused_and_buys_do_not(book: HttpBook) -> None:
    position_id = book.cell(qty=50, cash=5000, anchor_price=100)
    paused = book.post(f"/positions/{position_id}/pause")
    assert paused.json()["status"] == "paused"
    assert refusal(book.submit(position_id, "BUY", 1)) == (409, "position_paused")
    assert book.submit(position_id, "SELL", 1).status_code == 201
    assert book.post(f"/positions/{position_id}/resume").json()["status"] == "open"
    assert book.submit(position_id, "BUY", 1).status_code == 201


def test_cancelling_an_ended_order_says_what_it_is(book: HttpBook) -> None:
    position_id = book.cell()
    order_id = book.order(position_id, "BUY", 1)
    book.fill(order_id, 20, 1)
    answer = book.post(f"/orders/{order_id}/cancel")
    assert (answer.status_code, answer.json()) == (200, {"cancelled": False, "status": "filled"})
    assert refusal(book.post("/orders/ord_unknown/cancel")) == (404, "order_not_found")


def test_a_cancel_with_fills_keeps_them_and_moves_the_anchor(book: HttpBook) -> None:
    position_id = book.cell(anchor_price=30)
    order_id = book.order(position_id, "BUY", 10)
    book.fill(order_id, 20, 4)
    assert book.position(position_id)["anchor_price"] == 30
    book.post(f"/orders/{order_id}/cancel")
    stored = exact(book.get(f"/orders/{order_id}"))
    assert (stored["status"], stored["filled_qty"]) == ("cancelled", 4)
    assert book.position(position_id)["anchor_price"] == 20


def test_a_close_sells_what_is_held_or_a_fraction_toward_zero(book: HttpBook) -> None:
    position_id = book.cell(qty="10.00000001", cash=0, plan=None)
    part = exact(book.keyed(f"/positions/{position_id}/close", {"fraction": "0.5"}))
    stored = exact(book.get(f"/orders/{part['order_id']}"))
    assert (stored["qty"], stored["intent"], stored["reduce_only"]) == (5, "close", True)
    book.post(f"/orders/{part['order_id']}/cancel")
    whole = exact(book.keyed(f"/positions/{position_id}/close"))
    assert exact(book.get(f"/orders/{whole['order_id']}"))["qty"] == D("10.00000001")
    book.fill(whole["order_id"], 10, "10.00000001")
    after = book.position(position_id)
    assert (after["qty"], after["status"]) == (0, "open"), "a cell stays open"
    assert refusal(book.keyed(f"/positions/{position_id}/close")) == (409, "position_flat")
    assert refusal(book.post(f"/positions/{position_id}/close")) == (
        400,
        "missing_idempotency_key",
    )
    assert refusal(book.keyed("/positions/pos_x/close")) == (404, "position_not_found")


def test_a_close_below_one_step_is_refused(book: HttpBook) -> None:
    position_id = book.cell(qty="0.00000001", cash=0, plan=None)
    refused = book.keyed(f"/positions/{position_id}/close", {"fraction": "0.5"})
    assert refusal(refused) == (422, "below_minimum")


@pytest.mark.parametrize(
    "terms",
    [
        {"order_type": "limit"},
        {"order_type": "stop"},
        {"order_type": "stop_limit", "limit_price": 5},
        {"limit_price": 5},
        {"time_in_force": "gtd"},
        {"good_till": "2999-01-01T00:00:00Z"},
        {"order_type": "trailing_stop"},
        {"order_type": "iceberg"},
        {"time_in_force": "fill_soon"},
        {"side": "HOLD"},
        {"unknown": 1},
        {"note": "x" * 501},
    ],
)
def test_terms_that_do_not_fit_are_refused_and_nothing_is_written(
    book: HttpBook, data_dir: Path, terms: dict[str, Any]
) -> None:
    position_id = book.cell()
    before = row_counts(data_dir)
    refused = book.keyed(f"/positions/{position_id}/orders", {"side": "BUY", "qty": 1, **terms})
    assert refusal(refused) == (422, "invalid_request")
    assert row_counts(data_dir) == before


def test_lower_case_sides_and_the_short_stop_type_are_accepted(book: HttpBook) -> None:
    position_id = book.cell()
    made = book.submit(position_id, "buy", 1, order_type="stop", stop_price=5)
    assert made.status_code == 201
    stored = book.get(f"/orders/{made.json()['order_id']}").json()
    assert (stored["side"], stored["order_type"]) == ("BUY", "stop_market")


def test_the_same_order_again_within_seconds_warns_and_passes(book: HttpBook) -> None:
    position_id = book.cell()
    book.order(position_id, "BUY", 1)
    second = book.submit(position_id, "BUY", 1)
    assert second.status_code == 201
    duplicate = next(c for c in second.json()["checks"] if c["code"] == "duplicate_order")
    assert (duplicate["status"], duplicate["severity"]) == ("warning", "soft")


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 129, "tab\there"])
def test_a_malformed_key_is_refused(book: HttpBook, data_dir: Path, key: str) -> None:
    position_id = book.cell()
    before = row_counts(data_dir)
    refused = book.client.post(
        f"{book.prefix}/positions/{position_id}/orders",
        json={"side": "BUY", "qty": 1},
        headers=[(b"Idempotency-Key", key.encode())],
    )
    assert refused.status_code == 400
    assert refusal(refused)[1] in ("invalid_idempotency_key", "missing_idempotency_key")
    assert row_counts(data_dir) == before


def test_a_key_of_128_characters_is_accepted(book: HttpBook) -> None:
    assert book.submit(book.cell(), "BUY", 1, key="~" * 128).status_code == 201


def test_an_unknown_order_is_404(book: HttpBook) -> None:
    assert refusal(book.get("/orders/ord_unknown")) == (404, "order_not_found")


@pytest.mark.parametrize("prefix", ["/api/v1", "/v1"])
def test_a_number_and_its_text_are_one_request_and_absent_and_null_are_two(
    book: HttpBook, prefix: str
) -> None:
    position_id, key = book.cell(), f"spelt{prefix}"
    path = f"{prefix}/positions/{position_id}/orders"

    def send(body: str) -> Any:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return book.client.post(path, content=body, headers=headers)

    first = send('{"side":"BUY","qty":1.5}')
    assert first.status_code == 201
    for same in ('{"qty":"1.5","side":"BUY"}', '{"side":"BUY","qty":1.50}',
                 '{"side":"BUY","qty":"1.500"}', '{"side":"BUY","qty":"15e-1"}'):  # fmt: skip
        again = send(same)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
    for other in ('{"side":"BUY","qty":"1.51"}', '{"side":"BUY","qty":1.5,"limit_price":null}'):
        assert refusal(send(other)) == (409, "idempotency_signature_mismatch")
