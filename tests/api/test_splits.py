"""Splits over HTTP: quantity times ratio, prices divided by it, orders cancelled, once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.api.corporate_actions.dividends import router
from tests.support.service import Service, running_service

TERMS = {"ticker": "AAPL", "ratio": 4, "ex_date": "2025-03-20"}
EX_DAY = "2025-03-20T14:00:00Z"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running_service(tmp_path, monkeypatch, router) as started:
        yield started


def cell(service: Service, **terms: object) -> str:
    body = {"ticker": "AAPL", "qty": 10, "cash": 1000, "anchor_price": 200, "avg_cost": 180}
    return str(service.post("/positions", body | terms, expect=201)["id"])


def announced(service: Service, **terms: object) -> str:
    return str(service.post("/splits", TERMS | terms, expect=201)["id"])


def order(service: Service, position_id: str, body: dict[str, Any], key: str) -> str:
    path = f"/positions/{position_id}/orders"
    return str(service.post(path, body, expect=201, key=key)["order_id"])


def test_s1_four_for_one_leaves_the_equity_unchanged(service: Service) -> None:
    position_id = cell(service)
    split_id = announced(service)
    service.clock.jump(EX_DAY)
    applied = service.post(f"/splits/{split_id}/apply")
    result = applied["positions"][0]
    assert (result["qty"], result["anchor_price"], result["avg_cost"]) == (40, 50, 45)
    assert (result["qty_change"], result["qty_dropped"]) == (30, 0)
    view = service.get(f"/positions/{position_id}")
    assert view["qty"] * 50 + view["cash"] == 10 * 200 + 1000
    again = service.post(f"/splits/{split_id}/apply")
    assert (again["replayed"], again["positions"][0]["qty"]) == (True, 40)
    assert service.get(f"/positions/{position_id}")["qty"] == 40


def test_the_last_price_and_water_marks_are_rescaled_with_the_shares(service: Service) -> None:
    position_id = cell(service, plan=None)
    bought = order(service, position_id, {"side": "BUY", "qty": 2}, "k")
    service.post(f"/orders/{bought}/fill", {"price": 210, "filled_qty": 2, "commission": 0})
    before = service.get(f"/positions/{position_id}")
    split_id = announced(service)
    service.clock.jump(EX_DAY)
    service.post(f"/splits/{split_id}/apply")
    after = service.get(f"/positions/{position_id}")
    assert (after["high_water"], after["low_water"], after["price"]) == (52.5, 52.5, 52.5)
    assert (after["equity"], after["unrealized_pnl"]) == (
        before["equity"],
        before["unrealized_pnl"],
    )


def test_open_orders_are_cancelled_because_of_the_split(service: Service) -> None:
    position_id = cell(service)
    limit = {"order_type": "limit", "limit_price": 190}
    buying = order(service, position_id, {"side": "BUY", "qty": 1, **limit}, "k1")
    selling = order(service, position_id, {"side": "SELL", "qty": 3}, "k2")
    split_id = announced(service)
    service.clock.jump(EX_DAY)
    result = service.post(f"/splits/{split_id}/apply")["positions"][0]
    assert sorted(result["cancelled_orders"]) == sorted([buying, selling])
    for order_id in (buying, selling):
        ended = service.get(f"/orders/{order_id}")
        assert (ended["status"], ended["reason"]) == ("cancelled", "corporate_action")
    path = f"/orders/{selling}/fill"
    problem = service.post(path, {"price": 50, "filled_qty": 3}, expect=409)
    assert problem["code"] == "order_not_fillable"


def test_a_split_of_tomorrow_is_refused(service: Service) -> None:
    position_id = cell(service)
    split_id = announced(service)
    service.clock.jump("2025-03-19T20:00:00Z")
    problem = service.post(f"/splits/{split_id}/apply", expect=409)
    assert problem["code"] == "before_ex_date"
    assert service.get(f"/positions/{position_id}")["qty"] == 10


def test_a_split_behind_an_execution_is_out_of_order_and_changes_nothing(
    service: Service,
) -> None:
    untouched = cell(service)
    traded = cell(service, plan=None)
    split_id = announced(service)
    service.clock.jump(EX_DAY)
    bought = order(service, traded, {"side": "BUY", "qty": 1}, "k")
    service.post(f"/orders/{bought}/fill", {"price": 50, "filled_qty": 1, "commission": 0})
    problem = service.post(f"/splits/{split_id}/apply", expect=409)
    assert problem["code"] == "split_out_of_order"
    assert service.get(f"/positions/{untouched}")["qty"] == 10


def test_an_earlier_split_after_a_later_one_is_out_of_order(service: Service) -> None:
    cell(service)
    later = announced(service)
    earlier = announced(service, ratio=2, ex_date="2025-03-10")
    service.clock.jump(EX_DAY)
    service.post(f"/splits/{later}/apply")
    problem = service.post(f"/splits/{earlier}/apply", expect=409)
    assert problem["code"] == "split_out_of_order"


def test_an_execution_from_before_the_split_is_refused_afterwards(service: Service) -> None:
    position_id = cell(service, plan=None)
    split_id = announced(service)
    service.clock.jump(EX_DAY)
    service.post(f"/splits/{split_id}/apply")
    sold = order(service, position_id, {"side": "SELL", "qty": 3}, "k")
    body = {"price": 50, "filled_qty": 3, "commission": 0}
    old = {**body, "executed_at": "2025-03-19T15:00:00Z"}
    problem = service.post(f"/orders/{sold}/fill", old, expect=409)
    assert problem["code"] == "split_out_of_order"
    filled = service.post(f"/orders/{sold}/fill", body)
    assert filled["position_qty"] == 37


def test_a_position_opened_after_the_split_keeps_its_shares(service: Service) -> None:
    split_id = announced(service)
    service.clock.jump(EX_DAY)
    position_id = cell(service, anchor_price=50)
    assert service.post(f"/splits/{split_id}/apply")["positions"] == []
    assert service.get(f"/positions/{position_id}")["qty"] == 10


def test_a_reverse_split_says_what_falls_below_the_smallest_quantity(service: Service) -> None:
    position_id = cell(service, qty="0.00000015", anchor_price=2)
    split_id = announced(service, ratio=0.1)
    service.clock.jump(EX_DAY)
    result = service.post(f"/splits/{split_id}/apply")["positions"][0]
    assert (result["qty"], result["anchor_price"]) == (0.00000001, 20)
    assert result["qty_dropped"] == 0.000000005
    events = service.get(f"/positions/{position_id}/events")["events"]
    assert events[-1]["type"] == "split_applied"
    assert events[-1]["outputs"]["qty_dropped"] == 0.000000005


def test_the_same_announcement_again_is_the_same_split_and_another_ratio_conflicts(
    service: Service,
) -> None:
    split_id = announced(service)
    again = service.post("/splits", TERMS)
    assert (again["id"], again["replayed"]) == (split_id, True)
    problem = service.post("/splits", {**TERMS, "ratio": 5}, expect=409)
    assert problem["code"] == "split_terms_differ"
    assert [s["id"] for s in service.get("/splits?ticker=aapl")["items"]] == [split_id]


@pytest.mark.parametrize("ratio", [1, 0, -4, 10001, "NaN"])
def test_a_ratio_that_is_no_split_is_refused(service: Service, ratio: object) -> None:
    problem = service.post("/splits", {**TERMS, "ratio": ratio}, expect=422)
    assert problem["errors"][0]["pointer"] == "/ratio"
    assert service.get("/splits")["items"] == []


def test_a_dividend_processed_after_a_later_split_counts_old_shares(service: Service) -> None:
    position_id = cell(service)
    dividend = {"ticker": "AAPL", "ex_date": "2025-03-18", "dps": 2, "withholding_rate": 0}
    dividend_id = service.post("/dividends", dividend, expect=201)["id"]
    split_id = announced(service)
    service.clock.jump(EX_DAY)
    service.post(f"/splits/{split_id}/apply")
    accrued = service.post(f"/dividends/{dividend_id}/ex-date")["positions"][0]
    assert (accrued["shares_at_record"], accrued["gross"]) == (10, 20)
    assert accrued["anchor_price"] == 49.5
    assert service.get(f"/positions/{position_id}")["receivable"] == 20


def test_unknown_splits_are_not_found(service: Service) -> None:
    problem = service.post("/splits/spl_none/apply", expect=404)
    assert problem["code"] == "split_not_found"
