"""Hostile input: every one a clean 4xx problem, and nothing written."""

import json
from pathlib import Path

import pytest

from tests.support.portfolio import HttpBook, refusal, row_counts

JSON = {"Content-Type": "application/json"}
DEEP = "[" * 5000 + "]" * 5000
UNTERMINATED = "[" * 40 + '"' + '\\"' * 200_000

BODIES: dict[str, bytes] = {
    "nan": b'{"ticker":"ZIM","cash":NaN}',
    "infinity": b'{"ticker":"ZIM","cash":Infinity}',
    "minus_infinity": b'{"ticker":"ZIM","cash":-Infinity}',
    "overflowing_number": b'{"ticker":"ZIM","cash":1e400}',
    "absurd_exponent": b'{"ticker":"ZIM","cash":1e99999999999999999999}',
    "vanishing_number": b'{"ticker":"ZIM","cash":1e-400}',
    "endless_integer": b'{"ticker":"ZIM","cash":' + b"9" * 5000 + b"}",
    "endless_fraction": b'{"ticker":"ZIM","cash":0.' + b"1" * 5000 + b"}",
    "number_as_hostile_text": b'{"ticker":"ZIM","cash":"1e999999999"}',
    "arabic_digits": '{"ticker":"ZIM","cash":"١٢"}'.encode(),
    "underscored_text": b'{"ticker":"ZIM","cash":"1_000"}',
    "lone_surrogate": b'{"ticker":"ZIM\\ud800"}',
    "lone_surrogate_key": b'{"ticker":"ZIM","\\udfff":1}',
    "nul_escaped": b'{"ticker":"Z\\u0000IM"}',
    "nul_raw": b'{"ticker":"Z\x00IM"}',
    "deep_nesting": b'{"ticker":' + DEEP.encode() + b"}",
    "nesting_in_an_open_text": b'{"ticker":' + UNTERMINATED.encode() + b"}",
    "unknown_field": b'{"ticker":"ZIM","surprise":1}',
    "wrong_type": b'{"ticker":["ZIM"],"cash":{}}',
    "duplicate_keys": b'{"ticker":"ZIM","cash":1,"cash":2}',
    "duplicate_keys_by_escape": b'{"ticker":"ZIM","cash":1,"c\\u0061sh":2}',
    "bad_utf8": b'{"ticker":"\xff\xfe"}',
    "utf16": '{"ticker":"ZIM"}'.encode("utf-16"),
    "truncated": b'{"ticker":"ZIM"',
    "empty": b"",
    "null": b"null",
    "array": b"[]",
    "text": b'"ZIM"',
    "number": b"5",
    "trailing_garbage": b'{"ticker":"ZIM"} x',
    "two_documents": b'{"ticker":"ZIM"}{"ticker":"ZIM"}',
    "long_text": b'{"ticker":"' + b"A" * 100_000 + b'"}',
}


@pytest.mark.parametrize("name", sorted(BODIES))
@pytest.mark.parametrize("keyed", [False, True])
def test_a_hostile_body_is_a_clean_refusal_and_writes_nothing(
    book: HttpBook, data_dir: Path, name: str, keyed: bool
) -> None:
    before = row_counts(data_dir)
    headers = {**JSON, **({"Idempotency-Key": "h1"} if keyed else {})}
    answer = book.client.post(f"{book.prefix}/positions", content=BODIES[name], headers=headers)
    status, code = refusal(answer)
    assert status in (400, 422)
    assert code in ("malformed_json", "invalid_request", "invalid_qty")
    assert row_counts(data_dir) == before


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_hostile_body_for_an_order_or_a_fill_writes_nothing(
    book: HttpBook, data_dir: Path, name: str
) -> None:
    position_id = book.cell()
    order_id = book.order(position_id, "BUY", 1)
    before, position = row_counts(data_dir), book.position(position_id)
    body = BODIES[name].replace(b"ticker", b"side").replace(b"cash", b"qty")
    headers = {**JSON, "Idempotency-Key": "h1"}
    for path in (f"/positions/{position_id}/orders", f"/orders/{order_id}/fill"):
        answer = book.client.post(book.prefix + path, content=body, headers=headers)
        assert refusal(answer)[0] in (400, 422)
    assert row_counts(data_dir) == before
    assert book.position(position_id) == position


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "",
        "multipart/form-data",
    ],
)
def test_another_content_type_is_415(book: HttpBook, data_dir: Path, content_type: str) -> None:
    before = row_counts(data_dir)
    answer = book.client.post(
        f"{book.prefix}/positions",
        content=b'{"ticker":"ZIM"}',
        headers={"Content-Type": content_type},
    )
    assert refusal(answer) == (415, "unsupported_media_type")
    assert row_counts(data_dir) == before


def test_a_charset_parameter_is_no_other_content_type(book: HttpBook) -> None:
    answer = book.client.post(
        f"{book.prefix}/positions",
        content=b'{"ticker":"ZIM"}',
        headers={"Content-Type": "Application/JSON; charset=utf-8"},
    )
    assert answer.status_code == 201


def test_a_large_body_is_refused_and_writes_nothing(book: HttpBook, data_dir: Path) -> None:
    before = row_counts(data_dir)
    body = b'{"ticker":"ZIM","note":"' + b"x" * 10_000_000 + b'"}'
    answer = book.client.post(f"{book.prefix}/positions", content=body, headers=JSON)
    assert 400 <= answer.status_code < 500
    assert row_counts(data_dir) == before


HUGE = "99999999999.999999"
HUGE_PRICE = "99999999.99999999"


@pytest.mark.parametrize(
    "body",
    [
        {"ticker": "ZIM", "qty": HUGE, "anchor_price": HUGE_PRICE},
        {"ticker": "ZIM", "qty": HUGE, "cash": HUGE},
        {"ticker": "ZIM", "cash": "0.000001", "anchor_price": "0.00000001"},
        {"ticker": "ZIM", "cash": "0.000001", "anchor_price": HUGE_PRICE},
        {"ticker": "ZIM", "qty": "0.00000001", "anchor_price": "0.00000001"},
    ],
)
def test_figures_at_the_edge_of_the_range_never_break_the_service(
    book: HttpBook, body: dict[str, str]
) -> None:
    made = book.post("/positions", {**body, "plan": {"commission_rate": 0}})
    assert made.status_code in (201, 409, 422), made.text
    if made.status_code != 201:
        return
    position_id = made.json()["id"]
    assert book.get(f"/positions/{position_id}").status_code == 200
    assert book.get("/accounts").status_code == 200
    for price in ("0.00000001", HUGE_PRICE):
        assert book.post(f"/positions/{position_id}/evaluate", {"price": price}).status_code < 500
        for side in ("BUY", "SELL"):
            for qty in ("0.00000001", HUGE):
                terms = {"order_type": "limit", "limit_price": price}
                submitted = book.submit(position_id, side, qty, **terms)
                assert submitted.status_code < 500, submitted.text
                if submitted.status_code == 201:
                    order_id = submitted.json()["order_id"]
                    for at in ("0.00000001", HUGE_PRICE):
                        filled = book.fill(order_id, at, qty)
                        assert filled.status_code < 500, filled.text
                assert book.get(f"/positions/{position_id}").status_code == 200
    assert book.keyed(f"/positions/{position_id}/deposits", {"amount": HUGE}).status_code < 500
    assert book.keyed(f"/positions/{position_id}/deposits", {"amount": HUGE}).status_code < 500
    assert book.get(f"/positions/{position_id}/events").status_code == 200


MOMENTS = [
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "yesterday",
    "", -1, 1e30, "1", "2026-01-01", "2026-01-01T00:00:00+99:99",
]  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_impossible_instants_never_break_the_service(book: HttpBook, moment: object) -> None:
    position_id = book.cell(qty=1, anchor_price=100)
    order_id = book.order(position_id, "BUY", 1)
    asked = (
        book.post(f"/positions/{position_id}/evaluate", {"price": 97, "as_of": moment}),
        book.fill(order_id, 20, 1, executed_at=moment),
        book.get(f"/positions/{position_id}/evaluations", **{"from": str(moment)}),
        book.get(f"/positions/{position_id}/evaluations", to=str(moment)),
        book.keyed(f"/positions/{position_id}/rebalance", {"as_of": moment}),
        book.submit(position_id, "BUY", 2, time_in_force="gtd", good_till=moment),
    )
    for answer in asked:
        assert answer.status_code < 500, answer.text
    account = book.get("/accounts").json()["items"][0]["id"]
    paid = book.keyed(f"/accounts/{account}/deposits", {"amount": 1, "occurred_at": moment})
    assert paid.status_code < 500, paid.text
    assert book.get(f"/accounts/{account}/ledger").status_code == 200


@pytest.mark.parametrize("text", ["%00", "%ff", "..%2f..%2fetc", "%F0%9F%98%80", "a" * 5000, "%0a"])
def test_hostile_text_in_paths_and_queries_is_a_clean_refusal(book: HttpBook, text: str) -> None:
    for path in (f"/positions/{text}", f"/orders/{text}", f"/accounts/{text}/ledger"):
        answer = book.client.get(book.prefix + path)
        assert refusal(answer)[0] in (400, 404, 414, 422)
    for query in (f"ticker={text}", f"status={text}", f"cursor={text}", f"limit={text}"):
        answer = book.client.get(f"{book.prefix}/positions?{query}")
        assert answer.status_code in (200, 400, 414, 422), answer.text
    answer = book.client.post(
        f"{book.prefix}/positions/{text}/orders",
        json={"side": "BUY", "qty": 1},
        headers={"Idempotency-Key": "k"},
    )
    assert refusal(answer)[0] in (400, 404, 414, 422)


def test_the_refusal_never_echoes_the_value(book: HttpBook) -> None:
    secret = "hunter2-hunter2"
    answer = book.post("/positions", {"ticker": "ZIM", "cash": secret, secret: 1})
    assert answer.status_code == 422
    faults = json.dumps([f["message"] for f in answer.json()["errors"]])
    assert secret not in faults


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/positions"), ("DELETE", "/orders/x"), ("PATCH", "/accounts"), ("GET", "/nowhere")],
)
def test_unknown_routes_and_methods_are_problems(book: HttpBook, method: str, path: str) -> None:
    answer = book.client.request(method, book.prefix + path)
    assert refusal(answer)[0] in (404, 405)
