"""One alert per fall of an account below the drawdown it tolerates."""

from collections.abc import Iterator
from decimal import Decimal as D
from pathlib import Path

import pytest

from application.ports.repositories import EventFilter
from domain.shared.events import LoggedEvent
from tests.integration.test_account_nav import MONDAY, NavBook
from tests.support.corporate_book import opened_store
from tests.support.databases import sqlite_address
from tests.support.hand_clock import HandClock
from tests.support.plan_book import OWNER


@pytest.fixture
def book(tmp_path: Path) -> Iterator[NavBook]:
    """Half of the account in AAPL at 100."""
    clock = HandClock(MONDAY)
    store = opened_store(sqlite_address(tmp_path), clock)
    made = NavBook(store, clock)
    made.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    made.cell("AAPL", "1000", "0")
    yield made
    store.close()


def closes(book: NavBook, *prices: str) -> None:
    days = ("03", "04", "05", "06", "07", "10", "11")
    for day, price in zip(days, prices, strict=False):
        book.prices.set("AAPL", price, f"2025-03-{day}T21:00:00+00:00")


def alerts(book: NavBook) -> list[LoggedEvent]:
    where = EventFilter(0, ("alert_raised",), None, 100)
    return list(book.store.query(lambda work: work.events.list(where), OWNER))


def marked_at(book: NavBook) -> list[str]:
    told = [event.data["inputs"] for event in alerts(book)]
    return [str(about["marked_at"])[:10] for about in told if isinstance(about, dict)]


def test_an_alert_tells_how_far_the_account_fell(book: NavBook) -> None:
    closes(book, "100", "60")
    book.at("2025-03-04T21:00:10Z")
    book.recorder.turn()
    (event,) = alerts(book)
    assert (event.aggregate_id, event.account_id) == (book.account.id, book.account.id)
    assert event.data["message"] == "The account is 20 % below its peak; 15 % is tolerated."
    assert event.data["inputs"] == {
        "code": "drawdown_tolerance_exceeded",
        "drawdown": D("0.2"),
        "tolerance": D("0.15"),
        "nav": D("0.8"),
        "high_water_mark": D(1),
        "marked_at": "2025-03-04T21:00:00.000000Z",
    }


def test_a_drawdown_at_the_tolerance_is_tolerated(book: NavBook) -> None:
    closes(book, "70")
    book.at("2025-03-03T21:00:10Z")
    book.recorder.turn()
    assert book.history[-1].state.drawdown == D("0.15")
    assert alerts(book) == []


@pytest.mark.parametrize("is_watched_daily", [True, False])
def test_a_fall_alerts_once_and_again_after_a_recovery(
    book: NavBook, is_watched_daily: bool
) -> None:
    closes(book, "100", "60", "50", "80", "60", "65", "40")
    if is_watched_daily:
        for day in ("03", "04", "05", "06", "07", "10"):
            book.at(f"2025-03-{day}T21:00:10Z")
            book.recorder.turn()
    book.at("2025-03-11T21:00:10Z")
    book.recorder.turn()
    assert marked_at(book) == ["2025-03-04", "2025-03-07"]


def test_money_that_comes_or_goes_neither_alerts_nor_hides_a_fall(book: NavBook) -> None:
    closes(book, "60")
    book.at("2025-03-03T21:00:10Z")
    book.move("-50000")
    book.move("400000")
    book.recorder.turn()
    assert marked_at(book) == ["2025-03-03"]


def test_a_late_fill_that_deepens_the_fall_alerts(book: NavBook) -> None:
    cell = book.cell("MSFT", "0", "90000")
    book.prices.set("MSFT", "100", "2025-02-28T21:00:00+00:00")
    closes(book, "75")
    book.prices.set("MSFT", "50", "2025-03-03T21:00:00+00:00")
    book.at("2025-03-04T15:00:00Z")
    book.recorder.turn()
    assert alerts(book) == []
    book.buy(cell, "600", "100", at="2025-03-03T16:00:00+00:00")
    assert len(book.restated) == 1
    assert marked_at(book) == ["2025-03-03"]
