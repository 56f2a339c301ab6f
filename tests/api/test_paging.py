"""Lists over HTTP: every row once, in one order, through cursors nobody can make up."""

from typing import Any

import pytest

from tests.support.portfolio import HttpBook, refusal


def walked(book: HttpBook, path: str, items: str = "items", **params: Any) -> list[str]:
    """Ids of every page, two rows at a time, following the Link header."""
    ids: list[str] = []
    answer = book.get(path, limit=2, **params)
    while True:
        page = answer.json()
        ids += [row["id"] for row in page[items]]
        if page["next_cursor"] is None:
            assert "Link" not in answer.headers
            return ids
        link = answer.headers["Link"]
        assert link.endswith('; rel="next"')
        answer = book.client.get(link[1 : link.index(">")])
        assert answer.status_code == 200


@pytest.fixture
def busy(book: HttpBook) -> str:
    """A cell with five orders, five fills, five evaluations and their events."""
    position_id = book.cell("AAPL", qty=50, cash=5000, anchor_price=100, plan=None)
    for number in range(5):
        order_id = book.order(position_id, "BUY", f"0.{number + 1}")
        book.fill(order_id, 100, f"0.{number + 1}")
        book.post(f"/positions/{position_id}/evaluate", {"price": 100 + number})
    return position_id


@pytest.mark.parametrize("kind", ["orders", "fills", "evaluations"])
def test_pages_hold_every_row_once_in_the_order_of_creation(
    book: HttpBook, busy: str, kind: str
) -> None:
    path = f"/positions/{busy}/{kind}"
    whole = [row["id"] for row in book.get(path).json()["items"]]
    assert walked(book, path) == whole == sorted(whole)
    assert len(whole) == 5


def test_events_page_by_their_sequence(book: HttpBook, busy: str) -> None:
    path = f"/positions/{busy}/events"
    events = book.get(path).json()["events"]
    assert walked(book, path, items="events") == [event["id"] for event in events]
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)


def test_the_ledger_pages_by_its_sequence(book: HttpBook, busy: str) -> None:
    account = book.position(busy)["account_id"]
    whole = [
        row["id"] for row in book.get(f"/accounts/{account}/ledger", limit=500).json()["items"]
    ]
    assert walked(book, f"/accounts/{account}/ledger") == whole
    assert len(set(whole)) == len(whole) >= 15


def test_filters_hold_on_every_page_and_the_total_counts_them(fresh_book: HttpBook) -> None:
    wanted = [fresh_book.cell("AAPL") for _ in range(3)]
    fresh_book.cell("ZIM")
    assert walked(fresh_book, "/positions", ticker="aapl") == wanted
    counted = fresh_book.get("/positions", ticker="AAPL", count="exact", limit=1).json()
    assert (counted["total"], len(counted["items"])) == (3, 1)
    assert fresh_book.get("/positions", limit=1).json()["total"] is None
    assert fresh_book.get("/positions", status="closed").json()["items"] == []
    assert walked(fresh_book, "/positions", plan="balancing", status="open")[:3] == wanted


def test_rows_added_between_pages_neither_repeat_nor_hide_others(book: HttpBook) -> None:
    position_id = book.cell(plan=None)
    first = [book.order(position_id, "BUY", f"0.{n + 1}") for n in range(3)]
    path = f"/positions/{position_id}/orders"
    page = book.get(path, limit=2).json()
    later = book.order(position_id, "BUY", "0.9")
    rest = book.get(path, limit=10, cursor=page["next_cursor"]).json()
    assert [row["id"] for row in page["items"] + rest["items"]] == [*first, later]


@pytest.mark.parametrize("limit", [0, -1, 501, "many", "1e1", 10**30])
def test_a_limit_outside_its_range_is_refused(book: HttpBook, limit: object) -> None:
    assert refusal(book.get("/positions", limit=limit)) == (422, "invalid_request")


def test_a_cursor_of_another_list_or_of_nobody_is_refused(book: HttpBook, busy: str) -> None:
    cursor = book.get(f"/positions/{busy}/orders", limit=1).json()["next_cursor"]
    assert book.get(f"/positions/{busy}/orders", cursor=cursor).status_code == 200
    for path in (f"/positions/{busy}/fills", "/orders", f"/positions/{busy}/events"):
        assert refusal(book.get(path, cursor=cursor)) == (400, "invalid_cursor")
    for made_up in ("", "x", "AAAA", cursor[:-2] + "AA", "é", "====", "a" * 500, cursor + "AAAA"):
        answer = book.get(f"/positions/{busy}/orders", cursor=made_up)
        assert refusal(answer) == (400, "invalid_cursor"), made_up


def test_both_prefixes_accept_each_others_cursors(book: HttpBook, busy: str) -> None:
    cursor = book.get(f"/positions/{busy}/orders", limit=1).json()["next_cursor"]
    short = HttpBook(book.client, "/v1")
    assert short.get(f"/positions/{busy}/orders", cursor=cursor).status_code == 200
