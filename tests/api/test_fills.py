"""Fills over HTTP: the golden partial fill, every refusal, and nothing changed by a refusal."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest

from tests.support.portfolio import HttpBook, exact, refusal, row_counts

D = Decimal


def test_c25_and_c26_partial_fills_move_the_anchor_once_to_the_volume_weighted_price(
    book: HttpBook, data_dir: Path
) -> None:
    position_id = book.cell(cash=10000, anchor_price=95, plan=None)
    order_id = book.order(position_id, "BUY", 10)
    first = exact(book.fill(order_id, 100, 4, commission="0.04"))
    assert (first["status"], first["remaining_qty"], first["anchor_price"]) == (
        "partially_filled",
        6,
        95,
    )
    second = exact(book.fill(order_id, 101, 6, commission="0.06"))
    assert (second["status"], second["anchor_price"]) == ("filled", D("100.60"))
    after = book.position(position_id)
    assert (after["cash"], after["avg_cost"]) == (D("8993.90"), D("100.60"))
    counted = row_counts(data_dir)
    assert refusal(book.fill(order_id, 100, 1)) == (409, "overfill")
    assert row_counts(data_dir) == counted
    assert book.position(position_id) == after


def test_more_than_what_is_left_is_an_overfill_and_changes_nothing(book: HttpBook) -> None:
    position_id = book.cell()
    order_id = book.order(position_id, "BUY", 10)
    book.fill(order_id, 20, 4)
    before = book.position(position_id)
    refused = book.fill(order_id, 20, "6.00000001")
    assert refusal(refused) == (409, "overfill")
    assert exact(refused)["context"]["remaining_qty"] == 6
    assert book.position(position_id) == before
    assert exact(book.get(f"/orders/{order_id}"))["filled_qty"] == 4


def test_an_unknown_order_is_404(book: HttpBook) -> None:
    assert refusal(book.fill("ord_unknown", 20, 1)) == (404, "order_not_found")


def test_a_cancelled_order_cannot_be_filled(book: HttpBook) -> None:
    order_id = book.order(book.cell(), "BUY", 1)
    book.post(f"/orders/{order_id}/cancel")
    assert refusal(book.fill(order_id, 20, 1)) == (409, "order_not_fillable")


def test_a_refused_order_cannot_be_filled(book: HttpBook) -> None:
    refused = book.submit(book.cell(), "SELL", 1)
    order_id = refused.json()["context"]["order_id"]
    assert refusal(book.fill(order_id, 20, 1)) == (409, "order_not_fillable")


def test_cash_that_would_go_below_zero_is_refused_with_both_figures(book: HttpBook) -> None:
    position_id = book.cell(cash=100, plan=None)
    order_id = book.order(position_id, "BUY", 10)
    refused = book.fill(order_id, 20, 10)
    assert refusal(refused) == (409, "insufficient_cash")
    assert refused.json()["context"] == {"available": 100, "needed": 200}
    assert book.position(position_id)["cash"] == 100


def test_a_fill_that_leaves_the_band_is_refused_and_one_that_nears_it_is_booked(
    book: HttpBook,
) -> None:
    position_id = book.cell(qty=70, cash=3000)
    order_id = book.order(position_id, "BUY", 20)
    refused = book.fill(order_id, 100, 20)
    assert refusal(refused) == (422, "guardrail_breach")
    assert refused.json()["context"]["band"] == {"min": 0.25, "max": 0.75}
    assert book.position(position_id)["qty"] == 70
    tolerated = book.fill(order_id, 100, "5.4")
    assert tolerated.status_code == 200, "0.754 is inside the tolerance of 0.005"
    away = book.fill(order_id, 100, 1)
    assert refusal(away) == (422, "guardrail_breach")


def test_quantity_may_be_called_qty_but_not_two_different_things(book: HttpBook) -> None:
    order_id = book.order(book.cell(), "BUY", 2)
    path = f"/orders/{order_id}/fill"
    both = book.post(path, {"price": 20, "filled_qty": 1, "qty": 2})
    assert refusal(both) == (422, "conflicting_quantity")
    neither = book.post(path, {"price": 20})
    assert refusal(neither) == (422, "invalid_request")
    alias = book.post(path, {"price": 20, "qty": 1})
    assert alias.status_code == 200
    same = book.post(path, {"price": 20, "qty": "1.0", "filled_qty": 1})
    assert (same.status_code, same.json()["status"]) == (200, "filled")


def test_the_commission_left_out_is_the_rate_times_the_notional(book: HttpBook) -> None:
    position_id = book.cell()
    order_id = book.order(position_id, "BUY", 2)
    book.fill(order_id, 20, 1)
    assert book.position(position_id)["fees_paid"] == D("0.002")
    book.fill(order_id, 20, 1, commission=0)
    assert book.position(position_id)["fees_paid"] == D("0.002")


def test_an_external_id_is_booked_once_and_other_terms_are_refused(
    book: HttpBook, data_dir: Path
) -> None:
    position_id = book.cell()
    order_id = book.order(position_id, "BUY", 2)
    first = book.fill(order_id, 20, 1, external_id="x-1")
    before, counted = book.position(position_id), row_counts(data_dir)
    again = book.fill(order_id, 20, 1, external_id="x-1")
    assert (again.status_code, again.json()["replayed"]) == (200, True)
    assert again.json()["fill_id"] == first.json()["fill_id"]
    other = book.fill(order_id, 21, 1, external_id="x-1")
    assert refusal(other) == (409, "fill_terms_differ")
    assert (book.position(position_id), row_counts(data_dir)) == (before, counted)
    book.fill(order_id, 20, 1, external_id="x-2")
    late = book.fill(order_id, 20, 1, external_id="x-1")
    assert (late.status_code, late.json()["replayed"]) == (200, True)


def test_a_key_on_a_fill_makes_it_happen_once(book: HttpBook) -> None:
    order_id = book.order(book.cell(), "BUY", 2)
    path, body = f"/orders/{order_id}/fill", {"price": 20, "filled_qty": 1}
    first = book.keyed(path, body, key="f1")
    again = book.keyed(path, body, key="f1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    other = book.keyed(path, {"price": 21, "filled_qty": 1}, key="f1")
    assert refusal(other) == (409, "idempotency_signature_mismatch")
    assert len(book.get(f"/orders/{order_id}").json()) > 0
    assert exact(book.get(f"/orders/{order_id}"))["filled_qty"] == 1


def test_a_refused_fill_replays_its_refusal_for_its_key(book: HttpBook) -> None:
    position_id = book.cell(qty=70, cash=3000)
    order_id = book.order(position_id, "BUY", 20)
    path, body = f"/orders/{order_id}/fill", {"price": 100, "filled_qty": 20}
    first = book.keyed(path, body, key="f1")
    again = book.keyed(path, body, key="f1")
    assert refusal(first) == refusal(again) == (422, "guardrail_breach")
    assert again.content == first.content


def test_an_execution_before_the_position_or_after_now_is_refused(book: HttpBook) -> None:
    order_id = book.order(book.cell(), "BUY", 1)
    for moment in ("2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"):
        refused = book.fill(order_id, 20, 1, executed_at=moment)
        assert refusal(refused) == (422, "invalid_request")
        assert refused.json()["errors"][0]["pointer"] == "/executed_at"


def test_the_order_of_reports_does_not_matter(book: HttpBook) -> None:
    opened = datetime.now(UTC)
    reports = [("10.5", 1), ("11.25", 2), ("9.75", 3)]
    ends = []
    for order in permutations(range(3)):
        position_id = book.cell(cash=1000, plan=None)
        order_id = book.order(position_id, "BUY", 6)
        while datetime.now(UTC) < opened + timedelta(milliseconds=10):
            pass
        base = datetime.fromisoformat(book.position(position_id)["opened_at"])
        for index in order:
            price, qty = reports[index]
            at = (base + timedelta(microseconds=index + 1)).isoformat()
            done = book.fill(
                order_id, price, qty, executed_at=at, external_id=f"{position_id}{index}"
            )
            assert done.status_code == 200, done.text
        after = book.position(position_id)
        ends.append({k: after[k] for k in (
            "qty", "cash", "avg_cost", "realized_pnl", "fees_paid", "anchor_price", "high_water",
            "low_water", "price",
        )})  # fmt: skip
    assert all(end == ends[0] for end in ends)


def test_a_sale_executed_before_anything_was_held_is_refused(book: HttpBook) -> None:
    position_id = book.cell(cash=1000, plan=None)
    opened_at = book.position(position_id)["opened_at"]
    bought = book.order(position_id, "BUY", 5)
    assert book.fill(bought, 10, 5).status_code == 200
    sold = book.order(position_id, "SELL", 5)
    before = book.position(position_id)
    refused = book.fill(sold, 11, 5, executed_at=opened_at)
    assert refusal(refused) == (409, "insufficient_quantity")
    assert book.position(position_id) == before


def test_shares_received_in_kind_can_be_sold_at_the_instant_they_arrived(book: HttpBook) -> None:
    position_id = book.cell(qty=10, cash=0, avg_cost=8, plan=None)
    opened_at = book.position(position_id)["opened_at"]
    order_id = book.order(position_id, "SELL", 4)
    assert book.fill(order_id, 10, 1).status_code == 200
    early = book.fill(order_id, 9, 1, executed_at=opened_at)
    assert early.status_code == 200, early.text
    after = book.position(position_id)
    assert (after["qty"], after["avg_cost"], after["realized_pnl"]) == (8, 8, 3)


@pytest.mark.parametrize("name", ["price", "filled_qty"])
@pytest.mark.parametrize("value", [0, -1, "0.000000001", "1e21", True, [], {}, "x", None])
def test_impossible_figures_are_refused_with_a_pointer(
    book: HttpBook, name: str, value: object
) -> None:
    order_id = book.order(book.cell(), "BUY", 1)
    refused = book.post(f"/orders/{order_id}/fill", {"price": 20, "filled_qty": 1, name: value})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == f"/{name}"
    assert exact(book.get(f"/orders/{order_id}"))["filled_qty"] == 0


def test_selling_inventory_of_unknown_cost_has_no_realised_figure(book: HttpBook) -> None:
    position_id = book.cell(ticker="UNSEEN", qty=10, cash=0, plan=None)
    order_id = book.order(position_id, "SELL", 4)
    book.fill(order_id, 10, 4, commission=0)
    after = book.position(position_id)
    assert (after["realized_pnl"], after["reasons"]["realized_pnl"]) == (None, "unknown_cost")
    fills = book.get(f"/positions/{position_id}/fills").json()["items"]
    assert [fill["realized_pnl"] for fill in fills] == [None]


def moments(book: HttpBook, position_id: str, count: int) -> list[str]:
    """Instants after the position's start, a microsecond apart, all of them past."""
    opened = datetime.fromisoformat(book.position(position_id)["opened_at"])
    while datetime.now(UTC) < opened + timedelta(milliseconds=5):
        pass
    return [(opened + timedelta(microseconds=n + 1)).isoformat() for n in range(count)]


def test_a_late_report_leaves_the_anchor_to_the_order_that_ended_last(book: HttpBook) -> None:
    position_id = book.cell(plan=None, anchor_price=19)
    first, second = (book.order(position_id, "BUY", 1) for _ in range(2))
    early, late = moments(book, position_id, 2)
    book.fill(second, 22, 1, executed_at=late)
    told_late = exact(book.fill(first, 20, 1, executed_at=early))
    assert (told_late["status"], told_late["anchor_price"]) == ("filled", 22)
    assert book.event_types(position_id).count("anchor_updated") == 1


def test_an_order_whose_last_part_is_told_first_still_ended_last(book: HttpBook) -> None:
    position_id = book.cell(plan=None)
    parts, other = book.order(position_id, "BUY", 2), book.order(position_id, "BUY", 1)
    early, between, late = moments(book, position_id, 3)
    book.fill(parts, 24, 1, executed_at=late)
    book.fill(other, 30, 1, executed_at=between)
    assert book.position(position_id)["anchor_price"] == 30
    ended = exact(book.fill(parts, 20, 1, executed_at=early))
    assert ended["anchor_price"] == 22, "its last execution is the newest of all"


def test_an_anchor_set_by_hand_outlives_reports_of_what_came_before(book: HttpBook) -> None:
    position_id = book.cell(plan=None)
    order = book.order(position_id, "BUY", 1)
    (early,) = moments(book, position_id, 1)
    book.post(f"/positions/{position_id}/anchor", {"price": 50, "reason": "checked"})
    assert exact(book.fill(order, 20, 1, executed_at=early))["anchor_price"] == 50
    later = book.order(position_id, "BUY", 1)
    assert exact(book.fill(later, 21, 1))["anchor_price"] == 21


def test_an_order_cancelled_after_it_was_filled_in_part_ended_when_it_was_cancelled(
    book: HttpBook,
) -> None:
    position_id = book.cell(plan=None)
    partly, whole = book.order(position_id, "BUY", 2), book.order(position_id, "BUY", 1)
    early, late = moments(book, position_id, 2)
    book.fill(partly, 20, 1, executed_at=early)
    book.keyed(f"/orders/{partly}/cancel")
    assert exact(book.fill(whole, 30, 1, executed_at=late))["anchor_price"] == 20


def test_a_repeated_report_without_its_commission_is_known_by_the_rate(book: HttpBook) -> None:
    position_id = book.cell(plan=None)
    order_id = book.order(position_id, "BUY", 9)
    for number in range(3):
        book.fill(order_id, "0.015", "0.3333", external_id=f"{position_id}{number}")
    for number in range(3):
        again = book.fill(order_id, "0.015", "0.3333", external_id=f"{position_id}{number}")
        assert (again.status_code, again.json().get("replayed")) == (200, True), again.text
    other = book.fill(order_id, "0.015", "0.3333", external_id=f"{position_id}0", commission=1)
    assert refusal(other) == (409, "fill_terms_differ")
