"""Ex-dates and payments are booked when they are due; a failing one raises an alert, once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from application.portfolio.announce_dividend import AnnounceDividend, NewDividend
from application.portfolio.due_dividends import DueDividends, DueStep
from application.portfolio.pay_dividend import PayDividend
from application.portfolio.process_ex_date import ProcessExDate
from application.ports.repositories import StoredAnswer
from application.ports.unit_of_work import UnitOfWork
from application.processes import housekeeping
from application.processes.dividend_calendar import DividendCalendar
from application.processes.housekeeping import Housekeeping
from application.processes.periodic import Periodic
from domain.portfolio.dividend import DividendKind
from domain.shared.errors import Invalid, Unavailable
from infrastructure.persistence.doctor import examine
from tests.support.hand_clock import HandClock
from tests.support.plan_book import OWNER, PlanBook, eventually

START = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)
EX_DATE, PAY_DATE = date(2025, 3, 10), date(2025, 3, 24)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[PlanBook]:
    made = PlanBook(tmp_path, HandClock(START))
    yield made
    made.store.close()


class OneFails(DueDividends):
    """Books every dividend but one."""

    failing = ""

    def __call__(self, due: DueStep, work: UnitOfWork) -> None:
        super().__call__(due, work)
        if due.dividend.id == self.failing:
            raise Invalid("currency_mismatch", "The account holds USD.")


def calendar(book: PlanBook, failing: str = "") -> DividendCalendar:
    process = ProcessExDate(book.ids, book.calendars)
    due = OneFails(process, PayDividend(book.ids, book.calendars), book.calendars)
    due.failing = failing
    return DividendCalendar(book.store, due, book.clock, book.ids, lambda: OWNER.owner_id)


def announce(
    book: PlanBook,
    pay_date: date | None = PAY_DATE,
    kind: DividendKind = DividendKind.REGULAR,
) -> str:
    new = NewDividend("AAPL", EX_DATE, Decimal("0.82"), pay_date, kind)
    return book.run(lambda work: AnnounceDividend(book.ids)(new, work)).dividend.id


def test_the_ex_date_is_booked_when_its_session_opens_and_the_payment_on_its_day(
    book: PlanBook,
) -> None:
    cell = book.cell(qty="100", anchor="150")
    announce(book)
    process = calendar(book)
    for quiet in ("2025-03-10T05:00:00Z", "2025-03-10T13:29:59Z"):
        book.clock.jump(quiet)
        assert process.turn() == 0
    book.clock.jump("2025-03-10T13:30:00Z")
    assert process.turn() == 1
    position = book.position(cell)
    assert (position.anchor_price, position.receivable) == (Decimal("149.18"), Decimal("61.5"))
    assert process.turn() == 0
    book.clock.jump("2025-03-24T03:59:59Z")
    assert process.turn() == 0
    book.clock.jump("2025-03-24T05:00:00Z")
    assert process.turn() == 1
    paid = book.position(cell)
    assert paid.cash == position.cash + Decimal("61.5")
    assert paid.receivable == 0
    assert process.turn() == 0
    assert book.events(cell)[-1].actor == "dividend_calendar"
    assert examine(book.store.database).is_sound


def test_after_a_long_silence_everything_is_caught_up_in_one_turn(book: PlanBook) -> None:
    cell = book.cell(qty="100", anchor="150")
    dividend_id = announce(book)
    book.restart()
    book.clock.jump("2025-09-01T12:00:00Z")
    assert calendar(book).turn() == 2
    assert book.position(cell).dividends_received == Decimal("61.5")
    (entitled,) = book.read(lambda work: work.dividends.entitlements(dividend_id))
    assert entitled.paid_on == PAY_DATE, "the day it was paid, not the day it was found"


def test_without_a_pay_date_the_receivable_stays_open(book: PlanBook) -> None:
    cell = book.cell(qty="100", anchor="150")
    announce(book, pay_date=None)
    book.clock.jump("2025-12-01T12:00:00Z")
    process = calendar(book)
    assert (process.turn(), process.turn()) == (1, 0)
    assert book.position(cell).receivable == Decimal("61.5")


def test_a_late_announcement_of_an_old_ex_date_is_found_within_the_hour(book: PlanBook) -> None:
    cell = book.cell(qty="100", anchor="150")
    process = calendar(book)
    book.clock.jump("2025-06-02T15:00:00Z")
    process.turn()
    announce(book)
    assert process.turn() == 0
    book.clock.jump((book.clock.now() + timedelta(hours=1)).isoformat())
    assert process.turn() == 2
    assert book.position(cell).dividends_received == Decimal("61.5")


def test_a_cell_opened_after_the_ex_session_gets_nothing_and_is_asked_about_once(
    book: PlanBook,
) -> None:
    dividend_id = announce(book)
    book.clock.jump("2025-03-10T14:00:00Z")
    book.cell(qty="100", anchor="150")
    process = calendar(book)
    assert process.turn() == 0
    assert process._settled == {dividend_id}


def test_a_dividend_that_cannot_be_booked_raises_one_alert_and_stops_no_other(
    book: PlanBook,
) -> None:
    cell = book.cell(qty="100", anchor="150")
    broken = announce(book)
    announce(book, kind=DividendKind.SPECIAL)
    book.clock.jump("2025-03-10T14:00:00Z")
    process = calendar(book, failing=broken)
    assert process.turn() == 1
    assert process.turn() == 0
    assert book.position(cell).anchor_price == Decimal("149.18")
    alerts = [e for e in book.events(broken) if e.type == "alert_raised"]
    assert len(alerts) == 1
    assert alerts[0].data["inputs"] == {
        "code": "currency_mismatch", "dividend_id": broken, "step": "ex_date",
    }  # fmt: skip


def answer(book: PlanBook, key: str) -> None:
    stored = StoredAnswer("sig", 201, b"{}", "application/json")
    book.run(lambda work: work.idempotency.store("POST /x", key, stored))


def test_answers_are_forgotten_after_seven_days_in_bounded_commands(
    book: PlanBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "ANSWERS_PER_COMMAND", 2)
    for key in "abcde":
        answer(book, key)
    book.clock.jump((START + timedelta(days=7)).isoformat())
    answer(book, "recent")
    keeper = Housekeeping(book.store, book.clock)
    before = book.store.writer.statistics.commands
    book.clock.jump((START + timedelta(days=7, minutes=1)).isoformat())
    assert keeper.turn() == 5
    assert book.store.writer.statistics.commands - before == 3
    assert book.read(lambda work: work.idempotency.find("POST /x", "a")) is None
    assert book.read(lambda work: work.idempotency.find("POST /x", "recent")) is not None
    assert keeper.turn() == 0


def test_a_turn_that_fails_is_not_the_last() -> None:
    turns: list[int] = []

    def turn() -> None:
        turns.append(1)
        if len(turns) < 3:
            raise Unavailable("store_unavailable", "It is down.")

    process = Periodic("test", turn, every_s=0.001)
    process.start()
    eventually(lambda: len(turns) >= 4)
    assert process.is_alive
    process.stop()
    assert not process.is_alive


def test_a_process_that_waits_stops_at_once_and_one_that_was_never_started_too() -> None:
    waiting = Periodic("test", lambda: None, every_s=3600, first_after_s=3600)
    waiting.start()
    waiting.stop()
    assert not waiting.is_alive
    Periodic("test", lambda: None, every_s=1).stop()
