"""Rebalance: evaluate and submit in one transaction, once per key."""

from decimal import Decimal
from pathlib import Path

from tests.support.portfolio import HttpBook, exact, refusal, row_counts

D = Decimal


def test_a_rebalance_submits_the_proposal_and_its_evaluation_names_the_order(
    book: HttpBook,
) -> None:
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    done = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97}, key="k1")
    assert done.status_code == 201
    answer = exact(done)
    assert (answer["action"], answer["side"], answer["qty"]) == ("BUY", "BUY", D("5.23445477"))
    order = exact(book.get(f"/orders/{answer['order_id']}"))
    assert (order["origin"], order["status"]) == ("plan", "working")
    assert order["evaluation_id"] == answer["evaluation_id"]
    row = book.get(f"/positions/{position_id}/evaluations").json()["items"][0]
    assert row["order_id"] == answer["order_id"]
    assert book.fill(answer["order_id"], 97, "5.23445477").status_code == 200
    row = exact(book.get(f"/positions/{position_id}/evaluations"))["items"][0]["row"]
    assert row["execution"]["qty"] == D("5.23445477")
    assert row["anchor"]["new"] == 97
    again = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97}, key="k1")
    assert (again.status_code, again.content) == (200, done.content)


def test_re_evaluating_at_the_fill_price_triggers_nothing(book: HttpBook) -> None:
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    order_id = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97}).json()["order_id"]
    book.fill(order_id, 97, "5.23445477")
    held = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97})
    assert (held.status_code, held.json()["action"]) == (200, "HOLD")
    assert held.json()["order_id"] is None


def test_an_order_in_flight_blocks_the_next_rebalance(book: HttpBook) -> None:
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    assert book.keyed(f"/positions/{position_id}/rebalance", {"price": 97}).status_code == 201
    blocked = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97})
    assert (blocked.status_code, blocked.json()["action"]) == (200, "SKIP")
    assert blocked.json()["proposals"][0]["rejections"] == ["pending_order"]


def test_a_paused_cell_proposes_but_does_not_submit(book: HttpBook) -> None:
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    book.post(f"/positions/{position_id}/pause")
    blocked = book.keyed(f"/positions/{position_id}/rebalance", {"price": 97})
    assert (blocked.status_code, blocked.json()["action"]) == (200, "SKIP")
    assert "paused" in blocked.json()["proposals"][0]["rejections"]


def test_the_daily_cap_stops_the_sixth_order(book: HttpBook) -> None:
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    for number in range(5):
        book.order(position_id, "BUY", f"0.0{number + 1}")
    refused = book.submit(position_id, "BUY", "0.06")
    assert refusal(refused) == (422, "risk_rejected")
    failed = [
        c["code"] for c in refused.json()["context"]["checks"] if c["status"] == "failed"
    ]  # fmt: skip
    assert failed == ["daily_order_cap"]
    closing = book.keyed(f"/positions/{position_id}/close")
    assert closing.status_code == 201, "a close is exempt from the cap"


def test_an_order_cancelled_unfilled_does_not_count_for_the_cap(book: HttpBook) -> None:
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    for number in range(7):
        order_id = book.order(position_id, "BUY", f"0.0{number + 1}")
        assert book.post(f"/orders/{order_id}/cancel").json() == {
            "cancelled": True,
            "status": "cancelled",
        }


def test_a_rebalance_needs_a_key_and_a_position(book: HttpBook, data_dir: Path) -> None:
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100)
    before = row_counts(data_dir)
    bare = book.post(f"/positions/{position_id}/rebalance", {"price": 97})
    assert refusal(bare) == (400, "missing_idempotency_key")
    assert refusal(book.keyed("/positions/pos_x/rebalance")) == (404, "position_not_found")
    assert row_counts(data_dir) == before
