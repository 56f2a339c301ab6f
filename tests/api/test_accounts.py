"""Accounts over HTTP: opening, renaming, paying in and out, the ledger that proves it."""

from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.portfolio import HttpBook, exact, refusal, row_counts

D = Decimal


NUMBERS = count(1)


def opened(book: HttpBook, name: str | None = None, **terms: Any) -> str:
    name = name or f"account {next(NUMBERS)}"
    made = book.post("/accounts", {"name": name, **terms})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_first_start_opens_main_with_its_starting_equity(book: HttpBook) -> None:
    items = exact(book.get("/accounts"))["items"]
    main = next(a for a in items if a["name"] == "main")
    assert (main["base_currency"], main["equity"], main["available"]) == ("USD", 100000, 100000)
    assert (main["mode"], main["settlement"], main["calendar"]) == ("paper", "cash", "XNYS")


def test_a_second_account_of_one_name_is_refused(book: HttpBook, data_dir: Path) -> None:
    opened(book, "second")
    before = row_counts(data_dir)
    assert refusal(book.post("/accounts", {"name": " second "})) == (409, "name_taken")
    assert row_counts(data_dir) == before


def test_renaming_onto_a_taken_name_is_refused(book: HttpBook) -> None:
    opened(book, "one")
    two = opened(book, "two")
    refused = book.client.patch(
        f"{book.prefix}/accounts/{two}", json={"name": "one"}, headers={"If-Match": '"1"'}
    )
    assert refusal(refused) == (409, "name_taken")
    assert book.get(f"/accounts/{two}").json()["name"] == "two"


def test_the_main_account_keeps_its_name(book: HttpBook) -> None:
    main = book.get("/accounts").json()["items"][0]
    refused = book.client.patch(
        f"{book.prefix}/accounts/{main['id']}",
        json={"name": "other"},
        headers={"If-Match": f'"{main["version"]}"'},
    )
    assert refusal(refused) == (409, "account_name_is_fixed")


@pytest.mark.parametrize(
    ("direction", "after"), [("deposits", D("100010.000001")), ("withdrawals", D("99989.999999"))]
)
def test_money_moves_once_per_key_and_is_a_flow(
    book: HttpBook, direction: str, after: Decimal
) -> None:
    account_id = opened(book)
    path, body = f"/accounts/{account_id}/{direction}", {"amount": "10.000001"}
    assert refusal(book.post(path, body)) == (400, "missing_idempotency_key")
    first = book.keyed(path, body, key="m1")
    again = book.keyed(path, body, key="m1")
    assert (first.status_code, again.status_code, again.content) == (201, 200, first.content)
    assert exact(first)["balances"] == {"available": after, "reserved": 0}
    assert first.json()["flow_id"].startswith("flow_")
    assert exact(book.get(f"/accounts/{account_id}"))["equity"] == after
    other = book.keyed(path, {"amount": 11}, key="m1")
    assert refusal(other) == (409, "idempotency_signature_mismatch")


def test_more_than_is_available_cannot_leave(book: HttpBook, data_dir: Path) -> None:
    account_id = opened(book, starting_equity=100)
    before = row_counts(data_dir)
    refused = book.keyed(f"/accounts/{account_id}/withdrawals", {"amount": "100.000001"})
    assert refusal(refused) == (409, "insufficient_cash")
    assert refused.json()["context"] == {"available": 100, "reserved": 0}
    assert row_counts(data_dir) == before


def test_another_currency_is_refused(book: HttpBook) -> None:
    account_id = opened(book, base_currency="EUR")
    refused = book.keyed(f"/accounts/{account_id}/deposits", {"amount": 1, "currency": "USD"})
    assert refusal(refused) == (422, "currency_mismatch")
    assert refused.json()["errors"][0]["pointer"] == "/currency"
    agreed = book.keyed(f"/accounts/{account_id}/deposits", {"amount": 1, "currency": "eur"})
    assert agreed.status_code == 201


def test_the_ledger_lists_every_transfer_and_sums_to_zero(book: HttpBook) -> None:
    account_id = opened(book, starting_equity=1000)
    position_id = book.cell(cash=500, funding="account", account_id=account_id, plan=None)
    order_id = book.order(position_id, "BUY", 2, order_type="limit", limit_price=20)
    book.fill(order_id, 19, 2, commission=1)
    ledger = exact(book.get(f"/accounts/{account_id}/ledger"))["items"]
    assert [t["kind"] for t in ledger] == [
        "deposit",
        "cell_funding",
        "reservation",
        "trade_cash",
        "reservation",
        "fee",
        "trade_asset",
    ]
    balances = exact(book.get(f"/accounts/{account_id}/balances"))
    assert balances["sums"] == {"USD": 0, "ZIM": 0}
    replayed: dict[tuple[str, str, str], Decimal] = {}
    for t in ledger:
        for holder, bucket, sign in (
            (t["from_holder"], t["from_bucket"], -1),
            (t["to_holder"], t["to_bucket"], 1),
        ):
            key = (holder, t["asset"], bucket)
            replayed[key] = replayed.get(key, D(0)) + sign * t["amount"]
    listed = {(b["holder_id"], b["asset"], b["bucket"]): b["amount"] for b in balances["balances"]}
    assert listed == replayed


@pytest.mark.parametrize("path", ["", "/ledger", "/balances"])
def test_an_unknown_account_is_404(book: HttpBook, path: str) -> None:
    assert refusal(book.get(f"/accounts/acc_unknown{path}")) == (404, "account_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": " "},
        {"name": "x" * 61},
        {"name": "a", "base_currency": "usd"},
        {"name": "a", "starting_equity": -1},
        {"name": "a", "commission_rate": 1.5},
        {"name": "a", "mode": "live"},
        {"name": 7},
    ],
)
def test_a_malformed_account_is_refused(
    book: HttpBook, data_dir: Path, body: dict[str, Any]
) -> None:
    before = row_counts(data_dir)
    assert refusal(book.post("/accounts", body)) == (422, "invalid_request")
    assert row_counts(data_dir) == before
