"""Cycles of the plan runner: what is stored, what is told, what is submitted, and never twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from application.portfolio.change_position import pause
from application.portfolio.run_plans import PlanRun, RunPlans, client_order_id
from application.ports.unit_of_work import UnitOfWork
from application.processes import plan_runner
from application.processes.plan_runner import PlanRunner
from application.processes.plan_runner_switch import NAME, RunnerStatus, forget_last_start
from domain.plans.balancing_plan import BalancingPlan
from domain.portfolio.account import TradingState
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Origin
from domain.shared.errors import Conflict
from infrastructure.persistence.doctor import examine
from tests.support.hand_clock import HandClock
from tests.support.plan_book import AUTO, OWNER, PlanBook, eventually

DURING = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[PlanBook]:
    made = PlanBook(tmp_path, HandClock(DURING))
    yield made
    made.store.close()


def price(book: PlanBook, value: str, ticker: str = "AAPL") -> None:
    """A price of this instant."""
    book.prices.set(ticker, value, book.clock.now())


def later(book: PlanBook, by: timedelta = MINUTE) -> None:
    book.clock.jump((book.clock.now() + by).isoformat())


def on(book: PlanBook, plans: RunPlans | None = None) -> PlanRunner:
    """A runner of a process that was just started, and turned on."""
    book.run(forget_last_start)
    runner = book.runner(plans)
    assert runner.turn_on(OWNER) is True
    return runner


def test_nothing_is_run_until_somebody_turns_the_runner_on(book: PlanBook) -> None:
    cell = book.cell(plan=AUTO)
    price(book, "97")
    runner = book.runner()
    runner.cycle()
    assert (book.status().state, book.status().last_cycle_at) == ("stopped", None)
    assert book.rows(cell) == []
    runner.turn_on(OWNER)
    runner.cycle()
    assert book.status().state == "running"
    assert book.status().evaluated == 1
    assert runner.turn_off(OWNER) is True
    later(book)
    price(book, "96")
    runner.cycle()
    assert len(book.rows(cell)) == 1, "a runner that was turned off evaluates nothing"


def test_a_plan_that_proposes_leaves_a_row_and_an_event_but_no_order(book: PlanBook) -> None:
    cell = book.cell()
    price(book, "97")
    on(book).cycle()
    row = book.rows(cell)[0]
    assert (row.mode, row.action) == ("paper", "BUY")
    assert book.kinds(cell) == ["price_evaluated", "threshold_crossed"]
    told = book.events(cell)[-1]
    assert told.actor == "plan_runner"
    assert told.data["outputs"]["qty"] == Decimal("5.23445477")  # type: ignore[index]
    assert book.orders(cell) == []


def test_a_standing_proposal_is_told_again_only_when_the_announced_one_has_expired(
    book: PlanBook,
) -> None:
    cell = book.cell()
    runner = on(book)
    for minute in range(16):
        price(book, f"96.{minute:02}")
        runner.cycle()
        later(book)
    assert len(book.rows(cell)) == 16, "every price it saw"
    assert book.kinds(cell).count("threshold_crossed") == 2
    price(book, "100")
    runner.cycle()
    assert book.kinds(cell)[-1] == "price_evaluated", "and it is told when it is over"


def test_a_price_that_stays_stale_leaves_one_row_and_one_event(book: PlanBook) -> None:
    cell = book.cell()
    price(book, "97")
    later(book, 2 * MINUTE)
    runner = on(book)
    for _ in range(5):
        runner.cycle()
        later(book)
    (row,) = book.rows(cell)
    assert row.document["action"]["reason_code"] == "stale_price"
    assert book.kinds(cell) == ["price_evaluated"]
    assert book.status().evaluated == 1


def test_a_position_without_a_price_is_held_once_and_told_when_a_price_comes(
    book: PlanBook,
) -> None:
    cell = book.cell()
    runner = on(book)
    runner.cycle()
    later(book)
    runner.cycle()
    price(book, "100")
    runner.cycle()
    reasons = [row.document["action"]["reason_code"] for row in book.rows(cell)]
    assert reasons == ["no_price", "within_thresholds"]
    assert len(book.kinds(cell)) == 2


def test_a_restart_remembers_what_was_said_last(book: PlanBook) -> None:
    cell = book.cell()
    price(book, "97")
    on(book).cycle()
    before = (len(book.rows(cell)), book.kinds(cell))
    book.restart()
    on(book).cycle()
    assert (len(book.rows(cell)), book.kinds(cell)) == before


def test_an_automatic_plan_submits_under_an_id_made_of_position_and_evaluation(
    book: PlanBook,
) -> None:
    cell = book.cell(plan=AUTO)
    price(book, "97")
    on(book).cycle()
    (order,) = book.orders(cell)
    (row,) = book.rows(cell)
    assert (order.terms.origin, order.status) == (Origin.PLAN, OrderStatus.WORKING)
    assert order.terms.qty == Decimal("5.23445477")
    assert order.client_order_id == client_order_id(cell, row.id)
    assert (row.order_id, order.evaluation_id) == (order.id, row.id)
    assert book.kinds(cell) == ["price_evaluated", "threshold_crossed", "order_submitted"]
    assert examine(book.store.database).is_sound


def test_cycles_after_a_crash_do_not_double_the_order(book: PlanBook) -> None:
    cell = book.cell(plan=AUTO)
    price(book, "97")
    on(book).cycle()
    (order,) = book.orders(cell)
    book.restart()
    runner = on(book)
    for value in ("97", "96.5", "96"):
        price(book, value)
        runner.cycle()
        later(book)
    assert [o.id for o in book.orders(cell)] == [order.id]
    assert book.rows(cell)[-1].document["guardrails"]["blocked_by"] == ["pending_order"]
    book.fill(order.id, "5.23445477", "97")
    price(book, "97")
    runner.cycle()
    assert len(book.orders(cell)) == 1, "the anchor is where the price is"
    price(book, "94")
    runner.cycle()
    assert len(book.orders(cell)) == 2


def test_a_crash_between_decision_and_commit_leaves_nothing_and_the_next_cycle_submits(
    book: PlanBook,
) -> None:
    class Crashes(RunPlans):
        def submit(self, position_id: str, last: object, work: UnitOfWork) -> PlanRun:
            super().submit(position_id, None, work)
            raise SystemError("killed")

    cell = book.cell(plan=AUTO)
    price(book, "97")
    plans = book.plans()
    plans.__class__ = Crashes
    on(book, plans).cycle()
    assert (book.orders(cell), book.rows(cell), book.kinds(cell)) == ([], [], [])
    book.restart()
    on(book).cycle()
    assert len(book.orders(cell)) == 1


def test_outside_trading_hours_an_automatic_plan_submits_nothing(book: PlanBook) -> None:
    cell = book.cell(plan=AUTO)
    book.clock.jump("2025-03-03T22:00:00Z")
    price(book, "97")
    on(book).cycle()
    assert book.orders(cell) == []
    assert book.rows(cell)[0].document["action"]["reason_code"] == "market_closed"


def test_paused_closed_and_planless_positions_are_not_run(book: PlanBook) -> None:
    paused = book.cell(plan=AUTO)
    book.run(lambda work: pause(paused, work))
    price(book, "97")
    runner = on(book)
    runner.cycle()
    assert book.status().evaluated == 0
    assert book.rows(paused) == []


def test_one_failing_position_never_stops_the_cycle(
    book: PlanBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_runner, "POSITIONS_PER_LOOK", 2)
    cells = [book.cell(ticker) for ticker in ("AAPL", "MSFT", "ZIM", "SPY", "QQQ")]
    for ticker in ("AAPL", "MSFT", "ZIM", "SPY", "QQQ"):
        price(book, "97", ticker)
    book.prices.failing["MSFT"] = ArithmeticError("secret words")
    book.prices.failing["ZIM"] = Conflict("feed_closed", "The feed is closed.")
    runner = on(book)
    runner.cycle()
    assert [len(book.rows(cell)) for cell in cells] == [1, 0, 0, 1, 1]
    errors = book.status().errors
    assert [(e.position_id, e.code, e.message) for e in errors] == [
        (cells[1], "defect", "ArithmeticError."),
        (cells[2], "feed_closed", "The feed is closed."),
    ]
    book.prices.failing.clear()
    runner.cycle()
    assert book.status().errors == ()
    assert [len(book.rows(cell)) for cell in cells] == [1, 1, 1, 1, 1]


def test_errors_are_bounded(book: PlanBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_runner, "ERRORS_MAX", 3)
    for _ in range(5):
        book.cell()
    book.prices.failing["AAPL"] = ArithmeticError()
    runner = on(book)
    runner.cycle()
    assert len(book.status().errors) == 3
    assert book.status().evaluated == 5


def test_one_row_that_cannot_be_stored_loses_no_other(book: PlanBook) -> None:
    cells = [book.cell() for _ in range(3)]
    price(book, "97")

    class Refuses(RunPlans):
        def record(self, runs: object, work: UnitOfWork) -> None:
            if any(run.position_id == cells[1] for run in runs):  # type: ignore[attr-defined]
                raise ValueError("unstorable")
            super().record(runs, work)  # type: ignore[arg-type]

    plans = book.plans()
    plans.__class__ = Refuses
    runner = on(book, plans)
    runner.cycle()
    assert [len(book.rows(cell)) for cell in cells] == [1, 0, 1]
    assert [e.position_id for e in book.status().errors] == [cells[1]]


def test_a_refused_order_is_tried_again_after_15_minutes_not_every_minute(
    book: PlanBook,
) -> None:
    cell = book.cell(plan=AUTO)

    def halt(work: UnitOfWork) -> None:
        account = work.accounts.main()
        work.accounts.save(
            replace(account, status=TradingState.HALTED, version=account.version + 1)
        )

    book.run(halt)
    runner = on(book)
    refused_at = []
    for minute in range(17):
        price(book, f"96.{minute:02}")
        runner.cycle()
        if book.status().errors:
            assert book.status().errors[0].code == "account_halted"
            refused_at.append(minute)
        later(book)
    assert refused_at == [0, 15]
    assert book.orders(cell) == []


def test_what_one_process_switches_all_processes_report(book: PlanBook) -> None:
    first, second = book.runner(), book.runner()
    assert first.turn_on(OWNER) is True
    assert second.turn_on(OWNER) is False, "it is on already"
    assert book.status().state == "running"
    assert second.turn_off(OWNER) is True
    assert first.turn_off(OWNER) is False
    assert book.status().state == "stopped"


def test_one_process_runs_the_plans_until_it_lets_go(book: PlanBook) -> None:
    cell = book.cell()
    price(book, "97")
    first, second = on(book), book.runner()
    second.cycle()
    assert book.rows(cell) == []
    first.cycle()
    assert (book.status().evaluated, len(book.rows(cell))) == (1, 1)
    first.stop()
    later(book)
    price(book, "96")
    second.cycle()
    assert len(book.rows(cell)) == 2, "the switch is still on, so the other process goes on"


def test_after_another_process_turned_it_off_a_cycle_under_way_submits_nothing(
    book: PlanBook,
) -> None:
    other = book.runner()

    class TurnedOffMeanwhile(RunPlans):
        def look(self, *seen: object) -> PlanRun | None:
            found = super().look(*seen)  # type: ignore[arg-type]
            assert other.turn_off(OWNER) is True
            return found

    cell = book.cell(plan=AUTO)
    price(book, "97")
    plans = book.plans()
    plans.__class__ = TurnedOffMeanwhile
    runner = on(book, plans)
    runner.cycle()
    assert (book.orders(cell), book.rows(cell), book.kinds(cell)) == ([], [], [])
    assert book.status().state == "stopped"


def test_a_switch_that_is_on_while_nobody_has_the_lease_is_on_standby(book: PlanBook) -> None:
    cell = book.cell()
    price(book, "97")
    taken = book.lease.acquire(NAME, "a process that is gone", 60)
    assert taken is not None
    runner = on(book)
    runner.cycle()
    assert (book.status().state, book.rows(cell)) == ("standby", [])
    book.lease.release(taken)
    runner.cycle()
    assert (book.status().state, len(book.rows(cell))) == ("running", 1)


def test_a_process_that_ran_the_plans_and_reports_no_more_is_noticed(book: PlanBook) -> None:
    book.cell()
    price(book, "97")
    on(book).cycle()
    later(book, 2 * MINUTE)
    assert book.status().state == "running"
    later(book)
    assert book.status().state == "standby"


def test_a_lease_that_was_lost_is_not_worked_under(book: PlanBook) -> None:
    cell = book.cell()
    price(book, "97")
    runner = on(book)
    grant = runner._grant
    assert grant is not None
    book.lease.release(grant)
    runner._grant = replace(grant, valid_until_monotonic_s=0.0)
    taken = book.lease.acquire(NAME, "another", 60)
    runner.cycle()
    assert book.rows(cell) == []
    assert taken is not None
    book.lease.release(taken)
    runner.cycle()
    assert len(book.rows(cell)) == 1


def test_the_switch_is_off_and_its_report_gone_after_a_start(book: PlanBook) -> None:
    book.cell()
    on(book).cycle()
    book.run(forget_last_start)
    assert book.status() == RunnerStatus("stopped", None, 0, ())


def test_turning_on_and_off_twice_changes_nothing(book: PlanBook) -> None:
    runner = book.runner()
    assert runner.turn_off(OWNER) is False
    assert runner.turn_on(OWNER) is True
    assert runner.turn_on(OWNER) is False
    assert runner.turn_off(OWNER) is True
    assert runner.turn_off(OWNER) is False


def test_many_positions_of_one_instrument_ask_for_its_price_once_a_look(book: PlanBook) -> None:
    for _ in range(7):
        book.cell(plan=BalancingPlan())
    price(book, "97")
    on(book).cycle()
    assert book.prices.asked == 1


def test_the_thread_runs_cycles_once_it_is_on_and_stops(book: PlanBook) -> None:
    book.cell()
    price(book, "97")
    runner = book.runner()
    runner.process.start()
    runner.turn_on(OWNER)
    eventually(lambda: book.status().last_cycle_at is not None)
    runner.stop()
    assert not runner.process.is_alive
    assert book.lease.acquire(NAME, "next", 60) is not None, "the lease is free"
