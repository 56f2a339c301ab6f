"""Dividends over HTTP: announced, accrued, paid and cancelled once, whatever is repeated."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.api.corporate_actions.dividends import router
from tests.support.market import calendar_folder
from tests.support.service import Service, running_service

TERMS = {
    "ticker": "ZIM",
    "ex_date": "2025-03-20",
    "dps": 0.82,
    "pay_date": "2025-04-03",
    "withholding_rate": 0.25,
}
BEFORE, EX_DAY, PAY_DAY = "2025-03-19T18:00:00Z", "2025-03-20T14:00:00Z", "2025-04-03T14:00:00Z"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running_service(tmp_path, monkeypatch, router) as started:
        yield started


def cell(service: Service, **terms: object) -> str:
    body = {"ticker": "ZIM", "qty": 100, "cash": 10000, "anchor_price": 150} | terms
    return str(service.post("/positions", body, expect=201)["id"])


def announced(service: Service, **terms: object) -> str:
    return str(service.post("/dividends", TERMS | terms, expect=201)["id"])


def trade(service: Service, position_id: str, side: str, qty: float, price: float) -> None:
    key = f"{side}{qty}{price}"
    order = service.post(
        f"/positions/{position_id}/orders", {"side": side, "qty": qty}, expect=201, key=key
    )
    body = {"price": price, "filled_qty": qty, "commission": 0}
    service.post(f"/orders/{order['order_id']}/fill", body)


def event_types(service: Service, position_id: str) -> list[str]:
    events = service.get(f"/positions/{position_id}/events")["events"]
    return [event["type"] for event in events]


def test_c29_ex_date_twice_and_payment_twice_book_once(service: Service) -> None:
    position_id = cell(service)
    dividend_id = announced(service)
    service.clock.jump(EX_DAY)
    first = service.post(f"/dividends/{dividend_id}/ex-date")
    second = service.post(f"/dividends/{dividend_id}/ex-date")
    accrued = first["positions"][0]
    assert (accrued["gross"], accrued["tax"], accrued["net"]) == (82.0, 20.5, 61.5)
    assert (accrued["anchor_before"], accrued["anchor_after"]) == (150, 149.18)
    assert (first["replayed"], accrued["replayed"]) == (False, False)
    assert (second["replayed"], second["positions"][0]["replayed"]) == (True, True)
    view = service.get(f"/positions/{position_id}")
    assert (view["anchor_price"], view["receivable"], view["cash"]) == (149.18, 61.5, 10000)

    service.clock.jump(PAY_DAY)
    paid = service.post(f"/dividends/{dividend_id}/payment", {})
    again = service.post(f"/dividends/{dividend_id}/payment", {})
    assert paid["positions"][0]["status"] == "paid"
    assert paid["positions"][0]["paid_on"] == "2025-04-03"
    assert (paid["replayed"], again["replayed"]) == (False, True)
    view = service.get(f"/positions/{position_id}")
    assert (view["cash"], view["receivable"]) == (10061.5, 0)
    assert (view["dividends_received"], view["anchor_price"]) == (61.5, 149.18)
    assert event_types(service, position_id) == [
        "position_created",
        "ex_div_effective",
        "anchor_adjusted_for_dividend",
        "dividend_cash_received",
    ]


def test_the_same_announcement_again_is_the_same_dividend_and_other_terms_conflict(
    service: Service,
) -> None:
    first = service.post("/dividends", TERMS, expect=201)
    same = service.post("/dividends", {**TERMS, "ticker": "zim", "dps": "0.820"})
    assert (first["replayed"], same["replayed"]) == (False, True)
    assert same["id"] == first["id"]
    problem = service.post("/dividends", {**TERMS, "dps": 0.83}, expect=409)
    assert (problem["code"], problem["context"]["fields"]) == ("dividend_terms_differ", ["dps"])
    special = service.post("/dividends", {**TERMS, "kind": "special"}, expect=201)
    assert special["id"] != first["id"]


def test_an_idempotency_key_replays_the_stored_answer(service: Service) -> None:
    cell(service)
    dividend_id = announced(service)
    service.clock.jump(EX_DAY)
    first = service.post(f"/dividends/{dividend_id}/ex-date", key="k1")
    again = service.post(f"/dividends/{dividend_id}/ex-date", key="k1")
    assert again == first
    assert again["replayed"] is False


def test_nothing_accrues_before_the_ex_date(service: Service) -> None:
    position_id = cell(service)
    dividend_id = announced(service)
    service.clock.jump(BEFORE)
    problem = service.post(f"/dividends/{dividend_id}/ex-date", expect=409)
    assert problem["code"] == "before_ex_date"
    assert event_types(service, position_id) == ["position_created"]


def test_nothing_accrues_before_the_session_of_the_ex_date_opens(
    service: Service, tmp_path: Path
) -> None:
    shutil.copytree(calendar_folder() / "calendars", tmp_path / "calendars")
    position_id = cell(service, plan=None)
    dividend_id = announced(service)
    service.clock.jump("2025-03-20T13:29:59Z")
    problem = service.post(f"/dividends/{dividend_id}/ex-date", expect=409)
    assert (problem["code"], problem["context"]["opens_at"]) == (
        "before_ex_date", "2025-03-20T13:30:00.000000Z",
    )  # fmt: skip
    trade(service, position_id, "SELL", 40, 149)
    service.clock.jump("2025-03-20T13:30:00Z")
    step = service.post(f"/dividends/{dividend_id}/ex-date")
    assert [p["shares_at_record"] for p in step["positions"]] == [60]


def test_only_shares_held_when_the_ex_date_began_are_entitled(service: Service) -> None:
    position_id = cell(service, plan=None)
    dividend_id = announced(service)
    trade(service, position_id, "BUY", 20, 150)
    service.clock.jump(EX_DAY)
    trade(service, position_id, "SELL", 50, 149)
    late = cell(service, anchor_price=149)
    step = service.post(f"/dividends/{dividend_id}/ex-date")
    assert [(p["position_id"], p["shares_at_record"]) for p in step["positions"]] == [
        (position_id, 120)
    ]
    assert service.get(f"/positions/{late}")["anchor_price"] == 149


def test_an_anchor_set_after_the_ex_date_began_already_lacks_the_dividend(
    service: Service,
) -> None:
    position_id = cell(service)
    dividend_id = announced(service)
    service.clock.jump(EX_DAY)
    service.post(f"/positions/{position_id}/anchor", {"price": 149, "reason": "after the open"})
    accrued = service.post(f"/dividends/{dividend_id}/ex-date")["positions"][0]
    assert (accrued["net"], accrued["anchor_price"]) == (61.5, 149)


def test_an_anchor_that_would_reach_zero_is_lost_with_an_alert(service: Service) -> None:
    position_id = cell(service, anchor_price=0.5)
    dividend_id = announced(service)
    service.clock.jump(EX_DAY)
    accrued = service.post(f"/dividends/{dividend_id}/ex-date")["positions"][0]
    assert (accrued["anchor_price"], accrued["net"]) == (None, 61.5)
    assert event_types(service, position_id)[1:] == [
        "ex_div_effective",
        "anchor_adjusted_for_dividend",
        "alert_raised",
    ]


def test_a_payment_before_its_day_needs_a_reason(service: Service) -> None:
    position_id = cell(service)
    dividend_id = announced(service)
    service.clock.jump(EX_DAY)
    unprocessed = service.post(
        f"/dividends/{dividend_id}/payment", {"early": True, "reason": "x"}, expect=409
    )
    assert unprocessed["code"] == "before_ex_date"
    service.post(f"/dividends/{dividend_id}/ex-date")
    refused = service.post(f"/dividends/{dividend_id}/payment", expect=409)
    assert refused["code"] == "before_pay_date"
    unexplained = service.post(f"/dividends/{dividend_id}/payment", {"early": True}, expect=422)
    assert unexplained["errors"][0]["pointer"] == "/reason"
    assert service.get(f"/positions/{position_id}")["receivable"] == 61.5
    early = {"early": True, "reason": "the broker paid"}
    paid = service.post(f"/dividends/{dividend_id}/payment", early)
    assert paid["positions"][0]["early_reason"] == "the broker paid"


def test_an_unknown_pay_date_keeps_the_receivable_open_until_it_is_told(service: Service) -> None:
    cell(service)
    dividend_id = announced(service, pay_date=None)
    service.clock.jump(PAY_DAY)
    service.post(f"/dividends/{dividend_id}/ex-date")
    problem = service.post(f"/dividends/{dividend_id}/payment", {}, expect=422)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("invalid_payment", "/paid_on")
    paid = service.post(f"/dividends/{dividend_id}/payment", {"paid_on": "2025-04-02"})
    assert paid["positions"][0]["paid_on"] == "2025-04-02"


@pytest.mark.parametrize("is_paid", [False, True])
def test_cancelling_reverses_everything_and_frees_the_terms(
    service: Service, is_paid: bool
) -> None:
    position_id = cell(service)
    before = service.get(f"/positions/{position_id}")
    dividend_id = announced(service)
    service.clock.jump(PAY_DAY)
    service.post(f"/dividends/{dividend_id}/ex-date")
    if is_paid:
        service.post(f"/dividends/{dividend_id}/payment", {})
    first = service.post(f"/dividends/{dividend_id}/cancel", {"reason": "wrong amount"})
    second = service.post(f"/dividends/{dividend_id}/cancel")
    assert (first["replayed"], second["replayed"]) == (False, True)
    after = service.get(f"/positions/{position_id}")
    names = ("cash", "receivable", "dividends_received", "anchor_price", "high_water")
    assert [after[name] for name in names] == [before[name] for name in names]
    for step in ("ex-date", "payment"):
        problem = service.post(f"/dividends/{dividend_id}/{step}", expect=409)
        assert problem["code"] == "dividend_cancelled"
    corrected = announced(service, dps=0.9)
    step = service.post(f"/dividends/{corrected}/ex-date")
    assert step["positions"][0]["gross"] == 90


def test_a_payment_that_was_spent_cannot_be_cancelled(service: Service) -> None:
    position_id = cell(service, cash=0)
    dividend_id = announced(service)
    service.clock.jump(PAY_DAY)
    service.post(f"/dividends/{dividend_id}/ex-date")
    service.post(f"/dividends/{dividend_id}/payment", {})
    service.post(f"/positions/{position_id}/withdrawals", {"amount": 61.5}, expect=201, key="out")
    problem = service.post(f"/dividends/{dividend_id}/cancel", expect=409)
    assert problem["code"] == "insufficient_cash"
    assert service.get(f"/positions/{position_id}")["dividends_received"] == 61.5


def test_a_holding_sold_before_the_payment_is_still_paid(service: Service) -> None:
    position_id = cell(service, plan=None)
    dividend_id = announced(service)
    service.clock.jump(EX_DAY)
    service.post(f"/dividends/{dividend_id}/ex-date")
    trade(service, position_id, "SELL", 100, 149)
    service.clock.jump(PAY_DAY)
    service.post(f"/dividends/{dividend_id}/payment", {})
    view = service.get(f"/positions/{position_id}")
    assert (view["qty"], view["cash"]) == (0, 24961.5)


def test_lists_show_what_is_announced_upcoming_and_entitled(service: Service) -> None:
    position_id = cell(service)
    later = announced(service, ex_date="2025-06-20", pay_date=None)
    sooner = announced(service)
    announced(service, ticker="AAPL", ex_date="2025-05-12", pay_date=None)
    assert [d["id"] for d in service.get("/dividends?ticker=zim")["items"]] == [later, sooner]
    page = service.get("/dividends/upcoming?limit=1")
    assert [d["id"] for d in page["items"]] == [sooner]
    rest = service.get(f"/dividends/upcoming?limit=5&cursor={page['next_cursor']}")
    assert [d["ex_date"] for d in rest["items"]] == ["2025-05-12", "2025-06-20"]
    service.clock.jump(EX_DAY)
    service.post(f"/dividends/{sooner}/ex-date")
    listed = service.get(f"/positions/{position_id}/dividends")["items"]
    assert [(e["dividend_id"], e["dps"], e["status"]) for e in listed] == [
        (sooner, 0.82, "pending")
    ]
    service.clock.jump("2025-03-21T14:00:00Z")
    assert len(service.get("/dividends/upcoming")["items"]) == 2


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"dps": 0}, "/dps"),
        ({"dps": -1}, "/dps"),
        ({"ex_date": "2025-02-30"}, "/ex_date"),
        ({"ex_date": 20250320}, "/ex_date"),
        ({"pay_date": "2025-03-19"}, "/pay_date"),
        ({"withholding_rate": 25}, "/withholding_rate"),
        ({"kind": "monthly"}, "/kind"),
        ({"ticker": ""}, "/ticker"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_malformed_announcements_are_refused_and_nothing_is_written(
    service: Service, change: dict[str, Any], pointer: str
) -> None:
    problem = service.post("/dividends", TERMS | change, expect=422)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert service.get("/dividends")["items"] == []


def test_unknown_dividends_and_positions_are_not_found(service: Service) -> None:
    for step in ("ex-date", "payment", "cancel"):
        problem = service.post(f"/dividends/div_none/{step}", expect=404)
        assert problem["code"] == "dividend_not_found"
    problem = service.get("/positions/pos_none/dividends", expect=404)
    assert problem["code"] == "position_not_found"
