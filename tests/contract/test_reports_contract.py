"""Recorded NAV, trade history and closed trades: one contract for every store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.ports.report_repositories import NavCourse, StoredNavMark, TradeRowFilter
from application.ports.unit_of_work import Store
from domain.portfolio.account import Account
from domain.portfolio.trades import Trade
from domain.risk.nav import NavMark, UnitNav
from domain.risk.nav_performance import DailyNav
from infrastructure.persistence.types import from_json
from tests.support.portfolio import OWNER, START, SteppingClock, main_account
from tests.support.stores import STORES, store_of
from tests.support.trade_log import CLOSED_ROW, ended_cell, split_of_a_cell, trade_events

D = Decimal


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_of(request, tmp_path, SteppingClock()) as opened:
        yield opened


@pytest.fixture
def account(store: Store) -> Account:
    return main_account(store)


def do(store: Store, work: Any) -> Any:
    return store.command(work, OWNER).result(timeout=30)


def see(store: Store, work: Any) -> Any:
    return store.query(work, OWNER)


def mark(account: Account, days: int, **changes: Any) -> StoredNavMark:
    at = START + timedelta(days=days)
    state = UnitNav(D("100000.5"), D("1.000000000000000005"), D("1.1"), D("0.09"))
    made = StoredNavMark(account.id, NavMark(at, D("99999.5"), D("1")), state, day=at.date())
    return replace(made, **changes)


def test_an_opened_account_begins_its_nav_before_its_first_money(
    store: Store, account: Account
) -> None:
    history = see(store, lambda work: work.nav_marks.history(account.id))
    assert [(m.mark.equity, m.mark.flow, m.state.nav) for m in history] == [(0, 100_000, 1)]
    course = see(store, lambda work: work.nav_marks.course(account.id))
    assert course == NavCourse(history[0].mark.at, ())


def test_marks_come_back_as_they_were_put_and_in_time(store: Store, account: Account) -> None:
    marks = [
        mark(account, 3, is_stale=True, pending=(("pos_1", D("1.50")),)),
        mark(account, 1),
        mark(account, 2, mark=NavMark(START + timedelta(days=2), None), day=None),
    ]
    do(store, lambda work: work.nav_marks.put(marks))
    history = see(store, lambda work: work.nav_marks.history(account.id))
    assert history[1:] == [marks[1], marks[2], marks[0]]
    assert see(store, lambda work: work.nav_marks.newest([account.id, "acc_none"])) == {
        account.id: marks[0]
    }
    nav = D("1.000000000000000005")
    assert list(see(store, lambda work: work.nav_marks.course(account.id)).days) == [
        DailyNav(date(2026, 1, 6), nav),
        DailyNav(date(2026, 1, 8), nav, is_stale=True),
    ]


def test_a_second_mark_of_one_instant_replaces_the_first(store: Store, account: Account) -> None:
    do(store, lambda work: work.nav_marks.put([mark(account, 1)]))
    other = mark(account, 1, state=UnitNav(D(5)), is_stale=True)
    do(store, lambda work: work.nav_marks.put([other]))
    assert see(store, lambda work: work.nav_marks.history(account.id))[1:] == [other]


def test_accounts_without_marks_have_none(store: Store) -> None:
    assert see(store, lambda work: work.nav_marks.newest([])) == {}
    assert see(store, lambda work: work.nav_marks.course("acc_none")) == NavCourse(None, ())


def test_events_of_trades_are_rows_and_others_are_not(store: Store, account: Account) -> None:
    do(store, lambda work: work.events.append(trade_events(account.id)))
    others = [ended_cell(account.id), split_of_a_cell(account.id)]
    do(store, lambda work: work.events.append(others))
    rows = see(store, lambda work: work.trades.rows(TradeRowFilter(account.id), limit=100))
    actions = [row.action for row in rows]
    assert actions == ["POSITION_OPENED", "PROFIT_TAKING_LEVEL_1", "POSITION_CLOSED"]
    assert [row.seq for row in rows] == sorted(row.seq for row in rows)
    assert [row.at for row in rows] == [START + timedelta(days=n) for n in range(3)]
    document = from_json(rows[-1].document)
    assert document == {**CLOSED_ROW, "seq": rows[-1].seq, "request_id": OWNER.request_id}


def test_rows_are_filtered_counted_and_paged(store: Store, account: Account) -> None:
    for symbol in ("AAPL", "MSFT"):
        events = trade_events(account.id, symbol, f"pos_{symbol}")
        do(store, lambda work, events=events: work.events.append(events))
    every = TradeRowFilter(account.id)
    second_day = START + timedelta(days=1)
    for where, found in (
        (every, 6),
        (replace(every, symbol="MSFT"), 3),
        (replace(every, action="POSITION_OPENED"), 2),
        (replace(every, start=second_day), 4),
        (replace(every, end=second_day), 4),
        (replace(every, start=second_day, end=second_day, symbol="AAPL"), 1),
        (TradeRowFilter("acc_none"), 0),
    ):
        assert see(store, lambda work, w=where: work.trades.count(w)) == found
        assert len(see(store, lambda work, w=where: work.trades.rows(w, limit=100))) == found
    everything = see(store, lambda work: work.trades.rows(every, limit=100))
    skipped = see(store, lambda work: work.trades.rows(every, skip=4, limit=100))
    assert skipped == everything[-2:]
    after = see(store, lambda work: work.trades.rows(every, after_seq=everything[1].seq, limit=3))
    assert after == everything[2:5]


def test_a_closing_row_is_a_closed_trade(store: Store, account: Account) -> None:
    do(store, lambda work: work.events.append(trade_events(account.id)))
    assert see(store, lambda work: work.trades.closed(account.id)) == [
        Trade(
            position_id="pos_1",
            instrument="AAPL",
            opened_at=START,
            closed_at=START + timedelta(days=2),
            entry_price=D(100),
            initial_qty=D(200),
            realized_pnl=D("585.25"),
            fees=D("1.25"),
            initial_risk=D(1600),
            regime_at_entry="bull_normal",
        )
    ]
    assert see(store, lambda work: work.trades.closed("acc_none")) == []


def test_what_a_failed_command_appended_is_no_row(store: Store, account: Account) -> None:
    def fail(work: Any) -> None:
        work.events.append(trade_events(account.id))
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        do(store, fail)
    assert see(store, lambda work: work.trades.count(TradeRowFilter(account.id))) == 0
    assert see(store, lambda work: work.trades.closed(account.id)) == []


def test_results_are_read_on_from_an_event(store: Store, account: Account) -> None:
    for number in range(3):
        events = trade_events(account.id, "AAPL", f"pos_{number}")
        do(store, lambda work, events=events: work.events.append(events))
    results = see(store, lambda work: work.trades.results(account.id))
    assert [result for _, result in results] == [
        trade.result for trade in see(store, lambda work: work.trades.closed(account.id))
    ]
    second = results[1][0]
    assert see(store, lambda work: work.trades.results(account.id, after_seq=second)) == results[2:]
