"""Evaluation and rebalancing over HTTP: the golden figures, and nothing changed by asking."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.portfolio import HttpBook, exact, refusal, row_counts

D = Decimal


def evaluated(book: HttpBook, position_id: str, price: float | str) -> dict[str, Any]:
    answer = book.post(f"/positions/{position_id}/evaluate", {"price": price})
    assert answer.status_code == 200
    return dict(exact(answer))


@pytest.fixture
def half_and_half(book: HttpBook) -> str:
    return book.cell("AAPL", qty=50, cash=5000, anchor_price=100)


@pytest.mark.parametrize(
    ("price", "action"),
    [("97", "BUY"), ("97.01", "HOLD"), ("102.99", "HOLD"), ("103", "SELL")],
)
@pytest.mark.parametrize("down", ["0.03", "-0.03"])
def test_c20_triggers_are_inclusive_and_down_may_be_negative(
    book: HttpBook, price: str, action: str, down: str
) -> None:
    plan = {"up_threshold": 0.03, "down_threshold": down}
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100, plan=plan)
    assert book.position(position_id)["plan"]["down_threshold"] == D("0.03")
    assert evaluated(book, position_id, price)["action"] == action


def test_c21_and_c22_buy_low_then_sell_high_end_above_holding(
    book: HttpBook, half_and_half: str
) -> None:
    bought = evaluated(book, half_and_half, 97)
    proposal = bought["proposals"][0]
    assert bought["reason_code"] == "threshold_crossed"
    assert proposal["qty"] == D("5.23445477")
    assert proposal["notional"] == D("507.742113")
    assert proposal["commission_estimate"] == D("0.050774")
    assert proposal["stock_fraction_before"] == D("0.4923857868")
    assert proposal["stock_fraction_after"] == D("0.5439360133")
    order_id = book.order(half_and_half, "BUY", "5.23445477")
    assert book.fill(order_id, 97, "5.23445477").status_code == 200
    after = book.position(half_and_half)
    assert (after["qty"], after["cash"]) == (D("55.23445477"), D("4492.207113"))
    assert (after["stock_fraction"], after["anchor_price"]) == (D("0.5439360133"), 97)

    sold = evaluated(book, half_and_half, 100)
    assert sold["change"] == D("0.0309278351")
    proposal = sold["proposals"][0]
    assert (proposal["side"], proposal["qty"]) == ("SELL", D("5.00792645"))
    assert proposal["notional"] == D("500.792645")
    assert proposal["commission_estimate"] == D("0.050079")
    order_id = book.order(half_and_half, "SELL", "5.00792645")
    assert book.fill(order_id, 100, "5.00792645").status_code == 200
    after = book.position(half_and_half)
    assert (after["qty"], after["cash"]) == (D("50.22652832"), D("4992.949679"))
    assert after["equity"] == D("10015.602511")


def test_c22c_the_largest_trade_clips_only_what_is_larger(
    book: HttpBook, half_and_half: str
) -> None:
    at_90 = evaluated(book, half_and_half, 90)["proposals"][0]
    assert (at_90["qty"], at_90["trimming"]) == (D("19.54771604"), [])
    at_85 = evaluated(book, half_and_half, 85)["proposals"][0]
    assert at_85["raw_qty"].quantize(D("1e-8")) == D("32.00756055")
    assert at_85["qty"] == D("21.76470588")
    assert next(trim["step"] for trim in at_85["trimming"]) == "max_trade"


@pytest.mark.parametrize(
    ("side", "price", "largest", "lands_on"),
    [("BUY", 97, "26.15783197", "0.75"), ("SELL", 103, "25.36471178", "0.25")],
)
def test_c22b_the_gate_names_the_quantity_that_lands_on_the_band(
    book: HttpBook, half_and_half: str, side: str, price: int, largest: str, lands_on: str
) -> None:
    refused = book.submit(half_and_half, side, 40, order_type="limit", limit_price=price)
    assert refusal(refused) == (422, "risk_rejected")
    assert exact(refused)["context"]["adjusted_quantity"] == D(largest)
    order_id = book.order(half_and_half, side, largest, order_type="limit", limit_price=price)
    assert book.fill(order_id, price, largest).status_code == 200
    landed = book.position(half_and_half)["stock_fraction"]
    assert abs(landed - D(lands_on)) < D("1e-8")


def test_c23_a_manual_buy_without_any_price_is_accepted_and_fills_toward_the_band(
    book: HttpBook,
) -> None:
    position_id = book.cell()
    accepted = book.submit(position_id, "BUY", 1.5)
    assert accepted.status_code == 201
    assert accepted.json()["reservation"] == {"amount": None, "price": None, "reason": "no_price"}
    checks = {check["code"]: check for check in accepted.json()["checks"]}
    for code in ("buying_power", "guardrail_band", "max_trade"):
        assert (checks[code]["status"], checks[code]["reason"]) == ("not_applicable", "no_price")
    assert book.fill(accepted.json()["order_id"], 20, 1.5, commission=0).status_code == 200
    after = book.position(position_id)
    assert (after["qty"], after["cash"], after["anchor_price"]) == (D("1.5"), 9970, 20)


def test_c24_an_empty_cell_is_brought_to_the_near_bound(book: HttpBook) -> None:
    position_id = book.cell(anchor_price=20)
    answer = evaluated(book, position_id, 20)
    proposal = answer["proposals"][0]
    assert answer["reason_code"] == "auto_guardrail_rebalance"
    assert (proposal["side"], proposal["qty"]) == ("BUY", D("124.99687507"))
    assert proposal["notional"] == D("2499.937501")
    assert proposal["commission_estimate"] == D("0.249994")
    assert proposal["stock_fraction_after"] == D("0.25")


def test_evaluating_changes_no_position_and_stores_one_explained_row(
    book: HttpBook, half_and_half: str, data_dir
) -> None:
    before, counted = book.position(half_and_half), row_counts(data_dir)
    answer = evaluated(book, half_and_half, 97)
    after, grown = book.position(half_and_half), row_counts(data_dir)
    assert after == before
    assert grown["evaluations"] == counted["evaluations"] + 1
    assert {t for t in grown if grown[t] != counted[t]} == {"evaluations", "events"}
    rows = exact(book.get(f"/positions/{half_and_half}/evaluations"))["items"]
    assert [row["id"] for row in rows] == [answer["evaluation_id"]]
    assert rows[0]["row"]["trigger"]["anchor_price"] == 100


def test_without_price_or_anchor_the_answer_is_hold_with_its_reason(book: HttpBook) -> None:
    no_price = book.cell(anchor_price=20)
    answer = book.post(f"/positions/{no_price}/evaluate")
    assert answer.status_code == 200
    assert (answer.json()["action"], answer.json()["reason_code"]) == ("HOLD", "no_price")
    assert answer.json()["proposals"] == []
    no_anchor = book.cell(qty=5)
    answer = evaluated(book, no_anchor, 20)
    assert (answer["action"], answer["reason_code"], answer["proposals"]) == (
        "HOLD",
        "no_anchor",
        [],
    )


def test_a_price_far_from_the_anchor_is_an_anomaly_and_never_a_trade(
    book: HttpBook, half_and_half: str
) -> None:
    answer = evaluated(book, half_and_half, "150.01")
    assert (answer["action"], answer["reason_code"]) == ("HOLD", "anchor_anomaly")
    assert "alert_raised" in book.event_types(half_and_half)
    assert book.position(half_and_half)["anchor_price"] == 100


def test_an_unknown_position_is_404_and_the_future_is_refused(book: HttpBook) -> None:
    assert refusal(book.post("/positions/pos_x/evaluate", {"price": 1})) == (
        404,
        "position_not_found",
    )
    position_id = book.cell()
    future = {"price": 1, "as_of": "2999-01-01T00:00:00Z"}
    assert refusal(book.post(f"/positions/{position_id}/evaluate", future)) == (
        422,
        "invalid_request",
    )


def test_a_proposal_answers_once_and_goes_stale_when_the_price_moves(
    book: HttpBook, half_and_half: str
) -> None:
    answer = evaluated(book, half_and_half, 97)
    proposal_id, qty = answer["evaluation_id"], str(answer["proposals"][0]["qty"])
    moved = book.submit(
        half_and_half, "BUY", qty, order_type="limit", limit_price="97.2", proposal_id=proposal_id
    )
    assert refusal(moved) == (409, "proposal_stale")
    fresh = book.submit(
        half_and_half, "BUY", qty, order_type="limit", limit_price="97.1", proposal_id=proposal_id
    )
    assert fresh.status_code == 201
    order = book.get(f"/orders/{fresh.json()['order_id']}").json()
    assert order["evaluation_id"] == proposal_id
    unknown = book.submit(half_and_half, "BUY", 1, proposal_id="eval_unknown")
    assert refusal(unknown) == (404, "evaluation_not_found")
