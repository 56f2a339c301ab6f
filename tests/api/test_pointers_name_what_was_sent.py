"""A fault points at the member or parameter the request has, whatever the domain calls it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response

from tests.conftest import serving, unhurried
from tests.support.portfolio import HttpBook


@pytest.fixture
def book(tmp_path: Path) -> Iterator[HttpBook]:
    with serving(unhurried(tmp_path)) as client:
        yield HttpBook(client)


def pointers(answer: Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/positions", {"ticker": "A B!", "qty": 0, "cash": 100}),
        ("/dividends", {"ticker": "A B!", "ex_date": "2025-03-20", "dps": 1}),
        ("/splits", {"ticker": "A B!", "ratio": 2, "ex_date": "2025-03-20"}),
    ],
)
def test_a_ticker_of_the_body_is_called_ticker(
    book: HttpBook, path: str, body: dict[str, object]
) -> None:
    answer = book.keyed(path, body)
    assert answer.json()["code"] == "invalid_symbol"
    assert pointers(answer) == ["/ticker"]


@pytest.mark.parametrize("path", ["/positions", "/dividends", "/dividends/upcoming", "/splits"])
def test_a_ticker_of_the_query_is_called_ticker(book: HttpBook, path: str) -> None:
    assert pointers(book.get(path, ticker="A B!")) == ["ticker"]


def test_a_fault_of_the_whole_body_has_the_empty_pointer(book: HttpBook) -> None:
    answer = book.keyed("/positions", [])
    assert pointers(answer) == [""]
    assert answer.json()["detail"].endswith("the body.")
