"""NAV of accounts as it is recorded: sessions, flows, missing and stale marks, restarts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.portfolio.account_nav import AccountNav
from application.portfolio.account_worth import AccountWorth, ValueAccounts
from application.portfolio.accounts import MAIN, OpenAccount
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.move_cash import MoveCash, Movement
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution, RecordFill
from application.portfolio.submit_order import SubmitOrder
from application.ports.report_repositories import StoredNavMark
from application.ports.repositories import EventFilter
from application.ports.unit_of_work import Store
from application.processes.nav_recorder import NavRecorder
from domain.portfolio.account import Account
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.memory.store import MemoryStore
from tests.support.corporate_book import opened_store
from tests.support.databases import sqlite_address
from tests.support.dated_prices import DatedPrices
from tests.support.hand_clock import HandClock
from tests.support.market import calendar_folder
from tests.support.plan_book import OWNER

D = Decimal
MONDAY = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)


class NavBook:
    """One owner's accounts with prices, sessions and a clock set by hand."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        self.store = store
        self.clock = clock
        self.ids = UuidIds()
        self.prices = DatedPrices()
        self.nav = AccountNav(self.prices, ArrayCalendars(calendar_folder()))
        self.account: Account = self.run(lambda work: OpenAccount(self.ids, self.nav)(MAIN, work))
        self.recorder = NavRecorder(store, self.nav, clock, self.ids, lambda: OWNER.owner_id)

    def run(self, command):
        return self.store.command(command, OWNER).result(timeout=30)

    def at(self, text: str) -> None:
        self.clock.jump(text)

    def cell(self, ticker: str, qty: str, cash: str, **terms: Decimal) -> str:
        new = NewCell(ticker, D(qty), D(cash), **terms)  # type: ignore[arg-type]
        return self.run(lambda work: CreateCell(self.ids, self.nav)(new, work)).id

    def move(self, amount: str, at: str | None = None) -> None:
        when = None if at is None else datetime.fromisoformat(at)
        movement = Movement(abs(D(amount)), D(amount) > 0, occurred_at=when)
        mover = MoveCash(self.ids, self.nav)
        self.run(lambda work: mover.account(self.account.id, movement, work))

    def buy(self, position_id: str, qty: str, price: str, at: str | None = None) -> None:
        """Filled now, or reported now with the time it was filled at."""
        submit, fill = SubmitOrder(self.ids), RecordFill(self.ids, self.nav)
        order = self.run(lambda w: submit(position_id, OrderRequest(Side.BUY, D(qty)), w)).order
        when = None if at is None else datetime.fromisoformat(at)
        execution = Execution(D(price), D(qty), commission=D(0), executed_at=when)
        self.run(lambda w: fill(order.id, execution, w))

    @property
    def worth(self) -> AccountWorth:
        value = ValueAccounts(self.prices, self.nav)
        return self.store.query(lambda work: value.one(self.account, work), OWNER)

    @property
    def restated(self) -> list[str]:
        where = EventFilter(0, ("nav_restated",), None, 100)
        return [
            str(e.data["message"]) for e in self.store.query(lambda w: w.events.list(where), OWNER)
        ]

    @property
    def history(self) -> list[StoredNavMark]:
        return list(self.store.query(lambda w: w.nav_marks.history(self.account.id), OWNER))

    @property
    def days(self) -> list[tuple[date, Decimal, bool]]:
        found = self.store.query(lambda w: w.nav_marks.course(self.account.id), OWNER)
        return [(d.day, d.nav, d.is_stale) for d in found.days]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[NavBook]:
    clock = HandClock(MONDAY)
    store = opened_store(sqlite_address(tmp_path), clock)
    yield NavBook(store, clock)
    store.close()


def test_a_new_account_stands_at_one_with_no_drawdown(book: NavBook) -> None:
    nav = book.worth.nav
    assert nav is not None
    assert (nav.nav, nav.high_water_mark, nav.drawdown) == (1, 1, 0)
    assert book.worth.reasons == {}


def test_a_cell_that_falls_is_a_drawdown_of_the_account(book: NavBook) -> None:
    book.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    cell = book.cell("AAPL", "0", "40000")
    book.buy(cell, "100", "100")
    book.prices.set("AAPL", "65", "2025-03-03T21:00:00+00:00")
    book.at("2025-03-03T21:00:30Z")
    nav = book.worth.nav
    assert nav is not None
    assert (book.worth.view.equity, nav.nav, nav.drawdown) == (136_500, D("0.975"), D("0.025"))


def test_each_closed_session_is_recorded_once(book: NavBook) -> None:
    assert book.recorder.turn() == 0
    book.at("2025-03-03T21:00:01Z")
    assert (book.recorder.turn(), book.recorder.turn()) == (1, 0)
    book.at("2025-03-04T20:59:59Z")
    assert book.recorder.turn() == 0
    assert book.days == [(date(2025, 3, 3), D(1), False)]


def test_sessions_missed_while_the_service_was_down_take_the_closes_of_their_day(
    book: NavBook,
) -> None:
    book.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    book.cell("AAPL", "1000", "0")
    for day, close in (("03", "100"), ("04", "110"), ("06", "90")):
        book.prices.set("AAPL", close, f"2025-03-{day}T21:00:00+00:00")
    book.at("2025-03-09T12:00:00Z")
    assert book.recorder.turn() == 1
    assert book.days == [
        (date(2025, 3, 3), D(1), False),
        (date(2025, 3, 4), D("1.05"), False),
        (date(2025, 3, 5), D("1.05"), True),
        (date(2025, 3, 6), D("0.95"), False),
        (date(2025, 3, 7), D("0.95"), True),
    ]
    newest = book.history[-1].state
    assert newest.high_water_mark == D("1.05")
    assert newest.max_drawdown == D("0.095238095238095238")


def test_a_fill_reported_late_counts_in_the_sessions_it_was_held_through(book: NavBook) -> None:
    book.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    cell = book.cell("AAPL", "0", "50000")
    for day, close in (("03", "110"), ("04", "90"), ("05", "120")):
        book.prices.set("AAPL", close, f"2025-03-{day}T21:00:00+00:00")
    book.at("2025-03-05T21:00:10Z")
    book.recorder.turn()
    assert [nav for _, nav, _ in book.days] == [1, 1, 1]
    book.buy(cell, "100", "105", at="2025-03-03T16:00:00+00:00")
    navs = [nav for _, nav, _ in book.days]
    assert [round(nav * 150_000) for nav in navs] == [150_500, 148_500, 151_500]
    newest = book.history[-1].state
    assert (newest.high_water_mark, newest.nav) == (D("1.01"), D("1.01"))
    assert round(newest.max_drawdown, 12) == round(1 - D(1485) / D(1505), 12)
    assert book.restated == [
        "A fill was reported after the NAV since then was recorded; it is restated."
    ]
    book.buy(cell, "10", "120")
    book.buy(cell, "10", "120", at="2025-03-05T21:00:10+00:00")
    assert len(book.restated) == 1


def test_money_in_and_out_changes_neither_nav_nor_drawdown(book: NavBook) -> None:
    book.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    book.cell("AAPL", "1000", "0")
    book.prices.set("AAPL", "80", "2025-03-03T21:00:00+00:00")
    book.at("2025-03-04T15:00:00Z")
    for amount in ("500000", "-590000"):
        before = book.worth.nav
        book.move(amount)
        after = book.worth.nav
        assert before is not None and after is not None
        assert (after.nav, after.drawdown) == (before.nav, before.drawdown) == (
            D("0.9"), D("0.1"),
        )  # fmt: skip
    book.prices.set("AAPL", "100", "2025-03-04T21:00:00+00:00")
    book.at("2025-03-04T21:30:00Z")
    final = book.worth.nav
    assert final is not None and final.nav == D("1.1")


def test_shares_that_arrive_in_kind_are_no_return(book: NavBook) -> None:
    book.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    book.cell("AAPL", "1000", "500", avg_cost=D(20))
    nav = book.worth.nav
    assert nav is not None and (book.worth.view.equity, nav.nav) == (200_500, 1)


def test_shares_of_unknown_price_become_a_flow_when_their_price_is_known(book: NavBook) -> None:
    book.cell("ZIM", "1000", "0")
    assert book.worth.nav is None
    assert book.worth.reasons == {
        "equity": "no_price", "stock_value": "no_price",
        "nav": "no_price", "high_water_mark": "no_price", "drawdown": "no_price",
    }  # fmt: skip
    book.at("2025-03-03T21:00:01Z")
    book.recorder.turn()
    assert book.history[-1].mark.equity is None
    assert book.days == [(date(2025, 3, 3), D(1), True)]
    book.prices.set("ZIM", "20", "2025-03-04T21:00:00+00:00")
    book.at("2025-03-04T21:00:01Z")
    nav = book.worth.nav
    assert nav is not None and nav.nav == 1
    book.recorder.turn()
    assert book.history[-1].mark.flow == 20_000
    book.prices.set("ZIM", "26", "2025-03-05T21:00:00+00:00")
    book.at("2025-03-05T21:00:01Z")
    nav = book.worth.nav
    assert nav is not None and nav.nav == D("1.05")


def test_moves_between_an_account_and_its_cell_are_no_flows(book: NavBook) -> None:
    cell = book.cell("AAPL", "0", "1000")
    marks = len(book.history)
    mover = MoveCash(book.ids, book.nav)
    book.at("2025-03-03T16:00:00Z")
    book.run(lambda work: mover.cell(cell, Movement(D(300), incoming=True), "account", work))
    assert len(book.history) == marks
    book.run(lambda work: mover.cell(cell, Movement(D(300), incoming=True), "external", work))
    assert book.history[-1].mark.flow == 300


def test_a_flow_reported_late_counts_from_its_own_time(book: NavBook) -> None:
    book.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    book.cell("AAPL", "1000", "0")
    for day, close in (("03", "100"), ("04", "120")):
        book.prices.set("AAPL", close, f"2025-03-{day}T21:00:00+00:00")
    book.at("2025-03-05T15:00:00Z")
    book.recorder.turn()
    assert book.days[-1][1] == D("1.1")
    book.move("200000", at="2025-03-03T22:00:00+00:00")
    assert [nav for _, nav, _ in book.days] == [1, D("1.05")]
    now = book.worth.nav
    assert now is not None and now.nav == D("1.05")
    event = next(
        e for e in book.store.query(lambda w: w.events.list(EventFilter()), OWNER)
        if e.type == "nav_restated"
    )  # fmt: skip
    assert event.data["outputs"] == {"marks": 2, "nav_before": D("1.1"), "nav_after": D("1.05")}


def test_a_late_withdrawal_that_could_not_have_been_paid_then_counts_now(book: NavBook) -> None:
    book.at("2025-03-05T15:00:00Z")
    book.recorder.turn()
    book.move("900000")
    book.at("2025-03-06T15:00:00Z")
    book.move("-500000", at="2025-03-04T15:00:00+00:00")
    assert {nav for _, nav, _ in book.days} == {D(1)}
    now = book.worth.nav
    assert now is not None and (now.nav, now.drawdown) == (1, 0)


def test_an_account_from_before_nav_was_recorded_begins_at_the_next_turn(book: NavBook) -> None:
    older = replace(book.account, id="acc_older", name="older")
    book.run(lambda work: work.accounts.add(older))
    value = ValueAccounts(book.prices, book.nav)
    worth = book.store.query(lambda work: value.one(older, work), OWNER)
    assert (worth.nav, worth.reasons["nav"]) == (None, "not_recorded")
    assert (book.recorder.turn(), book.recorder.turn()) == (1, 0)
    worth = book.store.query(lambda work: value.one(older, work), OWNER)
    assert worth.nav is not None and worth.nav.nav == 1


def test_a_mark_from_before_the_last_session_is_used_and_named(book: NavBook) -> None:
    book.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    book.cell("AAPL", "10", "0")
    assert book.worth.stale_marks == ()
    book.at("2025-03-03T21:00:01Z")
    stale = book.worth.stale_marks
    assert [(m.position.instrument, m.value) for m in stale] == [("AAPL", 1000)]
    assert book.worth.view.equity == 101_000


def test_the_nav_goes_on_where_it_was_after_a_restart(book: NavBook, tmp_path: Path) -> None:
    book.prices.set("AAPL", "100", "2025-02-28T21:00:00+00:00")
    book.cell("AAPL", "1000", "0")
    book.prices.set("AAPL", "150", "2025-03-03T21:00:00+00:00")
    book.at("2025-03-03T21:00:01Z")
    book.recorder.turn()
    book.store.close()
    book.store = opened_store(sqlite_address(tmp_path), book.clock)
    book.prices.set("AAPL", "100", "2025-03-04T21:00:00+00:00")
    book.at("2025-03-04T21:00:01Z")
    nav = book.worth.nav
    assert nav is not None
    assert (nav.nav, nav.high_water_mark, nav.drawdown) == (1, D("1.25"), D("0.2"))
    book.store.close()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("flow"), st.decimals(Decimal(-12_000), Decimal(40_000), places=2)),
            st.tuples(st.just("price"), st.decimals(Decimal(50), Decimal(200), places=2)),
            st.tuples(st.just("close"), st.just(Decimal(0))),
        ),
        max_size=8,
    )
)
def test_whatever_happens_only_prices_move_the_nav(steps: list[tuple[str, Decimal]]) -> None:
    clock = HandClock(MONDAY)
    book = NavBook(MemoryStore(clock), clock)
    book.prices.set("AAPL", "100", MONDAY.isoformat())
    book.cell("AAPL", "100", "100000")
    now = MONDAY
    for kind, value in steps:
        now += timedelta(hours=20)
        before = _instant(book, now)
        if kind == "flow" and value:
            book.move(str(value))
        elif kind == "price":
            book.prices.set("AAPL", str(value), now.isoformat())
            continue
        elif kind == "close":
            book.recorder.turn()
        after = book.worth.nav
        assert after is not None
        # Between two marks at one price nothing is earned; 18 decimals are kept.
        assert abs(after.nav - before) < Decimal("1e-15")
        assert 0 <= after.drawdown <= 1


def _instant(book: NavBook, now: datetime) -> Decimal:
    book.at(now.isoformat())
    nav = book.worth.nav
    assert nav is not None
    return nav.nav


def test_shares_in_kind_are_worth_what_the_account_values_them_at(book: NavBook) -> None:
    cell = book.cell("ZIM", "0", "5000")
    book.buy(cell, "10", "100")
    for cost in (D(40), D(160)):
        book.cell("ZIM", "1000", "0", avg_cost=cost)
        nav = book.worth.nav
        assert nav is not None
        assert (nav.nav, nav.high_water_mark, nav.drawdown) == (1, 1, 0)


def test_the_last_known_price_is_the_cost_of_shares_in_kind_without_another(book: NavBook) -> None:
    book.prices.set("SPX", "2506.85", "2025-02-28T21:00:00+00:00")
    cell = book.cell("SPX", "1", "5000")
    held = book.store.query(lambda w: w.positions.get(cell), OWNER)
    assert held.opening_price == D("2506.85")
