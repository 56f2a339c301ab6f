"""Orders end when their time is up: by sessions, by instants, and after nobody sent them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from application.context import SYSTEM
from application.portfolio.sweep_orders import DueOrder, SweepOrders
from application.ports.unit_of_work import UnitOfWork
from application.processes import order_sweeper
from application.processes.order_sweeper import OrderSweeper
from domain.portfolio.ledger import Bucket
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import TimeInForce
from domain.shared.errors import Defect, Invalid
from domain.shared.side import Side
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.doctor import examine
from tests.support.hand_clock import HandClock
from tests.support.plan_book import PlanBook, eventually

DURING = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)
DAY = TimeInForce.DAY


@pytest.fixture
def book(tmp_path: Path) -> Iterator[PlanBook]:
    made = PlanBook(tmp_path, HandClock(DURING))
    yield made
    made.store.close()


def reserved(book: PlanBook, position_id: str) -> Decimal:
    position = book.position(position_id)
    balances = book.read(lambda work: work.ledger.balances(*position.holders))
    return balances.amount(position.cash_key(Bucket.RESERVED))


def test_a_day_order_ends_at_the_sessions_close_and_frees_what_it_held(book: PlanBook) -> None:
    cell = book.cell()
    order = book.submit(cell, Side.BUY, "10", time_in_force=DAY)
    assert reserved(book, cell) > 0
    book.clock.jump("2025-03-03T20:59:59Z")
    assert book.sweeper().turn() == 0
    book.clock.jump("2025-03-03T21:00:00Z")
    assert book.sweeper().turn() == 1
    ended = book.order(order.id)
    assert (ended.status, ended.reason) == (OrderStatus.EXPIRED, "session_closed")
    assert ended.remaining_qty == 0
    assert reserved(book, cell) == 0
    assert book.position(cell).anchor_price == 100, "nothing was filled"
    assert book.kinds(cell)[-1] == "order_expired"
    assert book.events(cell)[-1].actor == "order_sweeper"
    assert book.sweeper().turn() == 0


def test_a_day_order_made_after_the_close_lives_through_the_next_session(book: PlanBook) -> None:
    cell = book.cell()
    book.clock.jump("2025-07-03T18:00:00Z")  # the session ended early, at 17:00
    order = book.submit(cell, Side.BUY, "10", time_in_force=DAY)
    for quiet in ("2025-07-04T21:00:00Z", "2025-07-06T12:00:00Z", "2025-07-07T19:59:59Z"):
        book.clock.jump(quiet)
        assert book.sweeper().turn() == 0, quiet
    book.clock.jump("2025-07-07T20:00:00Z")
    assert book.sweeper().turn() == 1
    assert book.order(order.id).status is OrderStatus.EXPIRED


def test_a_round_the_clock_day_order_ends_with_the_utc_day(book: PlanBook) -> None:
    coin = book.cell("BTC-USD")
    order = book.submit(coin, Side.BUY, "1", time_in_force=DAY)
    book.clock.jump("2025-03-03T23:59:59Z")
    assert book.sweeper().turn() == 0
    book.clock.jump("2025-03-04T00:00:00Z")
    assert book.sweeper().turn() == 1
    assert book.order(order.id).status is OrderStatus.EXPIRED


def test_without_a_session_table_a_day_order_ends_with_the_local_day(book: PlanBook) -> None:
    cell = book.cell()
    book.submit(cell, Side.BUY, "1", time_in_force=DAY)
    book.calendars = ArrayCalendars(Path("/nonexistent"))
    book.clock.jump("2025-03-04T04:59:59Z")
    assert book.sweeper().turn() == 0
    book.clock.jump("2025-03-04T05:00:00Z")
    assert book.sweeper().turn() == 1


def test_what_was_filled_of_an_expired_order_moves_the_anchor(book: PlanBook) -> None:
    cell = book.cell()
    order = book.submit(cell, Side.BUY, "10", time_in_force=DAY)
    book.fill(order.id, "4", "96")
    assert book.position(cell).anchor_price == 100
    book.clock.jump("2025-03-03T21:00:00Z")
    assert book.sweeper().turn() == 1
    assert book.order(order.id).filled_qty == 4
    assert book.position(cell).anchor_price == 96
    assert reserved(book, cell) == 0
    assert book.kinds(cell)[-2:] == ["order_expired", "anchor_updated"]
    assert examine(book.store.database).is_sound


def test_good_till_ends_at_its_instant_and_good_till_cancelled_never(book: PlanBook) -> None:
    cell = book.cell()
    end = DURING + timedelta(days=40)
    dated = book.submit(cell, Side.BUY, "1", time_in_force=TimeInForce.GTD, good_till=end)
    resting = book.submit(cell, Side.BUY, "2")
    book.clock.jump((end - timedelta(seconds=1)).isoformat())
    assert book.sweeper().turn() == 0
    book.clock.jump(end.isoformat())
    assert book.sweeper().turn() == 1
    ended = book.order(dated.id)
    assert (ended.status, ended.reason) == (OrderStatus.EXPIRED, "good_till_passed")
    book.clock.jump("2030-01-01T00:00:00Z")
    assert book.sweeper().turn() == 0
    assert book.order(resting.id).status is OrderStatus.WORKING


def test_an_end_in_the_past_is_refused_before_anything_is_written(book: PlanBook) -> None:
    cell = book.cell()
    for end in (DURING - timedelta(days=1), DURING):
        with pytest.raises(Invalid) as refused:
            book.submit(cell, Side.BUY, "1", time_in_force=TimeInForce.GTD, good_till=end)
        assert [fault.pointer for fault in refused.value.errors] == ["/good_till"]
    assert book.orders(cell) == []


def test_an_order_nobody_sent_is_cancelled_after_300_s_unless_it_waits_for_a_session(
    book: PlanBook,
) -> None:
    cell = book.cell()
    placed = book.submit(cell, Side.BUY, "1")
    unsent = replace(
        placed, status=OrderStatus.PENDING_SUBMIT, version=2, updated_at=placed.created_at
    )
    waiting = book.submit(cell, Side.BUY, "2")
    deferred = replace(
        waiting, status=OrderStatus.PENDING_SUBMIT, version=2,
        deferred_until=DURING + timedelta(days=3),
    )  # fmt: skip
    book.run(lambda work: work.orders.save(unsent))
    book.run(lambda work: work.orders.save(deferred))
    held = reserved(book, cell)
    book.clock.jump("2025-03-03T15:04:59Z")
    assert book.sweeper().turn() == 0
    book.clock.jump("2025-03-03T15:05:01Z")
    assert book.sweeper().turn() == 1
    ended = book.order(placed.id)
    assert (ended.status, ended.reason) == (OrderStatus.CANCELLED, "not_sent")
    assert book.order(waiting.id).status is OrderStatus.PENDING_SUBMIT
    assert reserved(book, cell) == held - (placed.reserved or 0)


def test_what_was_due_while_the_service_was_down_ends_after_the_restart(book: PlanBook) -> None:
    cell = book.cell()
    order = book.submit(cell, Side.BUY, "10", time_in_force=DAY)
    book.restart()
    book.clock.jump("2025-03-10T14:00:00Z")
    fresh = book.submit(cell, Side.BUY, "3", time_in_force=DAY)
    assert book.sweeper().turn() == 1
    assert book.order(order.id).status is OrderStatus.EXPIRED
    assert book.order(fresh.id).status is OrderStatus.WORKING


def test_an_order_that_ended_since_the_look_is_left_as_it_is(book: PlanBook) -> None:
    cell = book.cell()
    order = book.submit(cell, Side.BUY, "10", time_in_force=DAY)
    book.clock.jump("2025-03-03T21:00:00Z")
    sweep = book.sweep()
    due = book.store.query(lambda work: sweep.due(work, 10), SYSTEM)
    assert [item.order.id for item in due] == [order.id]
    assert book.run(lambda work: sweep(due[0], work)) is True
    ended = book.order(order.id)
    assert book.run(lambda work: sweep(due[0], work)) is False
    assert book.order(order.id) == ended


class _OneFails(SweepOrders):
    """Ends every order but one."""

    failing = ""

    def __call__(self, due: DueOrder, work: UnitOfWork) -> bool:
        if due.order.id == self.failing:
            raise Defect("ledger_invariant", "broken")
        return super().__call__(due, work)


def test_one_order_that_cannot_end_keeps_no_other_open(
    book: PlanBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_sweeper, "ORDERS_PER_LOOK", 2)
    cell = book.cell(cash="100000")
    orders = [book.submit(cell, Side.BUY, str(n), time_in_force=DAY) for n in range(1, 6)]
    sweep = book.sweep()
    sweep.__class__ = _OneFails
    monkeypatch.setattr(_OneFails, "failing", orders[0].id)
    book.clock.jump("2025-03-03T21:00:00Z")
    sweeper = OrderSweeper(book.store, sweep, book.ids)
    while sweeper.turn():
        pass
    open_orders = [o.id for o in book.orders(cell) if not o.status.is_terminal]
    assert open_orders == [orders[0].id]


def test_the_sweepers_thread_ends_orders_and_stops(book: PlanBook) -> None:
    cell = book.cell()
    book.submit(cell, Side.BUY, "1", time_in_force=DAY)
    book.clock.jump("2025-03-03T21:00:00Z")
    sweeper = book.sweeper()
    sweeper.process.start()
    assert sweeper.process.is_alive
    eventually(lambda: book.orders(cell)[0].status is OrderStatus.EXPIRED)
    sweeper.process.stop()
    assert not sweeper.process.is_alive


@pytest.mark.parametrize("kind", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_immediate_order_ends_after_a_minute_and_frees_what_it_held(
    book: PlanBook, kind: TimeInForce
) -> None:
    cell = book.cell()
    order = book.submit(cell, Side.BUY, "10", time_in_force=kind)
    assert reserved(book, cell) > 0
    book.clock.jump((DURING + timedelta(seconds=59)).isoformat())
    assert book.sweeper().turn() == 0
    book.clock.jump((DURING + timedelta(seconds=61)).isoformat())
    assert book.sweeper().turn() == 1
    ended = book.order(order.id)
    assert (ended.status, ended.reason) == (OrderStatus.EXPIRED, f"{kind.value}_not_filled")
    assert reserved(book, cell) == 0
    assert book.kinds(cell)[-1] == "order_expired"
    assert book.sweeper().turn() == 0
    assert examine(book.store.database).is_sound


def test_what_was_reported_of_an_immediate_order_stays(book: PlanBook) -> None:
    cell = book.cell()
    order = book.submit(cell, Side.BUY, "10", time_in_force=TimeInForce.IOC)
    book.fill(order.id, "4", "96")
    book.clock.jump((DURING + timedelta(seconds=61)).isoformat())
    assert book.sweeper().turn() == 1
    ended = book.order(order.id)
    assert (ended.status, ended.filled_qty) == (OrderStatus.EXPIRED, 4)
    assert (reserved(book, cell), book.position(cell).anchor_price) == (0, 96)
    assert examine(book.store.database).is_sound
