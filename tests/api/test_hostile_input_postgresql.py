"""What PostgreSQL itself would refuse (NUL, numbers too wide) is refused before it gets there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.test_hostile_input import HUGE, HUGE_PRICE
from tests.conftest import serving, unhurried
from tests.support.portfolio import HttpBook, refusal


@pytest.fixture(scope="module")
def stored_there(
    tmp_path_factory: pytest.TempPathFactory, postgresql_address: str
) -> Iterator[HttpBook]:
    folder: Path = tmp_path_factory.mktemp("data")
    settings = unhurried(folder).model_copy(update={"database_url": postgresql_address})
    with serving(settings) as client:
        yield HttpBook(client)


@pytest.mark.parametrize("text", ["%00", "a%00b", "%ff", "%ed%a0%80", "a" * 3000])
def test_text_a_database_cannot_hold_is_a_clean_refusal(stored_there: HttpBook, text: str) -> None:
    book = stored_there
    for path in (
        f"/positions/{text}",
        f"/orders/{text}",
        f"/accounts/{text}/ledger",
        f"/positions/{text}/events",
        f"/positions/{text}/evaluations",
    ):
        assert refusal(book.client.get(book.prefix + path))[0] in (400, 404, 414, 422)
    for name in ("ticker", "status", "plan", "account_id"):
        answer = book.client.get(f"{book.prefix}/positions?{name}={text}")
        assert answer.status_code in (200, 400, 414, 422), answer.text
    answer = book.client.post(
        f"{book.prefix}/orders/{text}/fill", json={"price": 1, "filled_qty": 1}
    )
    assert refusal(answer)[0] in (400, 404, 414, 422)


def test_the_largest_figures_the_wire_takes_fit_the_columns(stored_there: HttpBook) -> None:
    book = stored_there
    position_id = book.cell(
        qty=HUGE, cash="999999999999999.999999", anchor_price=HUGE_PRICE, plan=None
    )
    for side, price in (("SELL", HUGE_PRICE), ("BUY", "0.00000001"), ("BUY", HUGE_PRICE)):
        order_id = book.submit(position_id, side, HUGE).json().get("order_id")
        if order_id is not None:
            filled = book.fill(order_id, price, HUGE)
            assert filled.status_code in (200, 409), filled.text
    assert book.get(f"/positions/{position_id}").status_code == 200
    assert book.get(f"/positions/{position_id}/events").status_code == 200
    assert book.get("/accounts").status_code == 200


def test_the_walk_through_answers_alike_on_postgresql(stored_there: HttpBook) -> None:
    book = stored_there
    position_id = book.cell()
    first = book.submit(position_id, "BUY", 1.5, key="k1")
    again = book.submit(position_id, "BUY", 1.5, key="k1")
    assert (first.status_code, again.status_code, again.content) == (201, 200, first.content)
    filled = book.fill(first.json()["order_id"], 20, 1.5, commission=0)
    assert (filled.json()["position_qty"], filled.json()["position_cash"]) == (1.5, 9970)
