"""The published walk-through: create, submit, repeat, refuse, fill, read what happened."""

from decimal import Decimal
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.support.portfolio import HttpBook, exact, refusal, row_counts

PREFIXES = ("/api/v1", "/v1")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_published_walk_through_answers_as_published(
    app_client: TestClient, prefix: str
) -> None:
    created = app_client.post(
        f"{prefix}/positions", json={"ticker": "ZIM", "qty": 0.0, "cash": 10000.0}
    )
    assert created.status_code == 201
    position = created.json()
    named = {name: position[name] for name in ("ticker", "qty", "cash", "status")}
    assert named == {"ticker": "ZIM", "qty": 0, "cash": 10000, "status": "open"}
    assert position["id"].startswith("pos_")
    orders = f"{prefix}/positions/{position['id']}/orders"

    buy = {"side": "BUY", "qty": 1.5}
    first = app_client.post(orders, json=buy, headers={"Idempotency-Key": "k1"})
    assert first.status_code == 201
    order_id = first.json()["order_id"]
    assert first.json()["accepted"] is True
    assert first.json()["position_id"] == position["id"]

    again = app_client.post(orders, json=buy, headers={"Idempotency-Key": "k1"})
    assert again.status_code == 200
    assert again.json()["order_id"] == order_id
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"

    other = app_client.post(
        orders, json={"side": "SELL", "qty": 2.0}, headers={"Idempotency-Key": "k1"}
    )
    assert refusal(other) == (409, "idempotency_signature_mismatch")

    bare = app_client.post(orders, json=buy)
    assert refusal(bare) == (400, "missing_idempotency_key")
    assert "missing idempotency key" in bare.json()["detail"]

    nowhere = app_client.post(
        f"{prefix}/positions/pos_unknown/orders", json=buy, headers={"Idempotency-Key": "k1"}
    )
    assert refusal(nowhere) == (404, "position_not_found")

    filled = app_client.post(
        f"{prefix}/orders/{order_id}/fill",
        json={"price": 20, "filled_qty": 1.5, "commission": 0},
    )
    assert filled.status_code == 200
    published = {
        "order_id": order_id,
        "status": "filled",
        "position_qty": Decimal("1.5"),
        "position_cash": Decimal(9970),
    }
    answer = exact(filled)
    assert {name: answer[name] for name in published} == published
    assert answer["anchor_price"] == 20

    events = app_client.get(f"{prefix}/positions/{position['id']}/events").json()
    assert events["position_id"] == position["id"]
    assert [event["type"] for event in events["events"]] == [
        "position_created",
        "order_submitted",
        "order_filled",
        "anchor_updated",
    ]
    assert all(
        set(event) == {"id", "seq", "type", "inputs", "outputs", "message", "ts"}
        for event in events["events"]
    )
    assert events["next_cursor"] is None


def test_a_quantity_spelled_with_more_zeros_is_the_same_request(book: HttpBook) -> None:
    position_id = book.cell()
    path = f"{book.prefix}/positions/{position_id}/orders"
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    first = book.client.post(path, content='{"side":"BUY","qty":1.5}', headers=headers)
    again = book.client.post(path, content='{"qty":1.50,"side":"BUY"}', headers=headers)
    once_more = book.client.post(path, content='{"qty":15e-1,"side":"BUY"}', headers=headers)
    assert (first.status_code, again.status_code, once_more.status_code) == (201, 200, 200)
    assert first.content == again.content == once_more.content


def test_the_walk_through_leaves_one_order_one_fill_and_one_answer_per_key(
    book: HttpBook, data_dir: Path
) -> None:
    position_id = book.cell()
    before = row_counts(data_dir)
    order_id = book.submit(position_id, "BUY", 1.5, key="k1").json()["order_id"]
    for _ in range(3):
        book.submit(position_id, "BUY", 1.5, key="k1")
    book.submit(position_id, "SELL", 2, key="k1")
    assert book.fill(order_id, 20, 1.5).status_code == 200
    after = row_counts(data_dir)
    grown = {table: after[table] - before[table] for table in after if after[table] > before[table]}
    assert grown["orders"] == grown["fills"] == grown["idempotent_answers"] == 1
    assert grown["events"] == 3


def test_both_prefixes_share_one_key_space(app_client: TestClient) -> None:
    long, short = HttpBook(app_client, "/api/v1"), HttpBook(app_client, "/v1")
    position_id = long.cell()
    first = long.submit(position_id, "BUY", 1.5, key="k1")
    again = short.submit(position_id, "BUY", 1.5, key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["order_id"] == first.json()["order_id"]


def test_the_same_key_on_another_position_is_another_request(book: HttpBook) -> None:
    one, two = book.cell(), book.cell()
    first = book.submit(one, "BUY", 1.5, key="k1")
    second = book.submit(two, "BUY", 1.5, key="k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["order_id"] != second.json()["order_id"]


def test_a_replay_still_answers_after_the_position_closed(book: HttpBook) -> None:
    position_id = book.cell()
    first = book.submit(position_id, "BUY", 1.5, key="k1")
    book.post(f"/orders/{first.json()['order_id']}/cancel")
    assert book.delete(position_id).status_code == 204
    again = book.submit(position_id, "BUY", 1.5, key="k1")
    assert again.status_code == 200
    assert again.content == first.content
    assert refusal(book.submit(position_id, "BUY", 1.5)) == (409, "position_closed")
