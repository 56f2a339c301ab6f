"""What one bar sells and at which price: stop, gaps, targets, time, sessions in pieces."""

import pytest

from domain.plans.exit_actions import ExitCause
from domain.plans.regime_rules import ExitRules
from tests.support.exit_trade import (
    LONG_HOLD,
    D,
    Trade,
    bar,
    exits_of,
    running_trade,
)


def test_the_stop_comes_before_targets_of_the_same_bar() -> None:
    decision = running_trade().feed(bar("120", "150", "92", "100"))
    (exit_,) = exits_of(decision.actions)
    assert (exit_.cause, exit_.price) == (ExitCause.STOP_LOSS, 92)


def test_an_open_at_the_stop_is_a_gap() -> None:
    (exit_,) = exits_of(running_trade().feed(bar("95", "96", "91", "92")).actions)
    assert exit_.price == 92


@pytest.mark.parametrize(
    ("close", "high", "low", "price"),
    [("86", None, None, "86"), ("86", "101", "85", "86"), ("93", "101", "85", "92")],
)
def test_without_an_open_the_stop_takes_the_close_as_open(
    close: str, high: str | None, low: str | None, price: str
) -> None:
    (exit_,) = exits_of(running_trade().feed(bar(close, high, low)).actions)
    assert exit_.price == D(price)


@pytest.mark.parametrize(
    ("close", "high", "low", "price"),
    [("115", None, None, "115"), ("115", "116", "113", "113"), ("115", "116", "111", "112")],
)
def test_without_an_open_only_the_low_proves_a_gap_above_a_target(
    close: str, high: str | None, low: str | None, price: str
) -> None:
    (exit_,) = exits_of(running_trade().feed(bar(close, high, low)).actions)
    assert exit_.price == D(price)


def test_an_open_above_two_targets_fills_both_at_the_open() -> None:
    exits = exits_of(running_trade().feed(bar("127", "128", "120", "126")).actions)
    assert [(e.kind, e.price) for e in exits] == [
        ("PROFIT_TAKING_LEVEL_1", 126),
        ("PROFIT_TAKING_LEVEL_2", 126),
    ]
    assert [(e.closed_fraction, e.remaining_fraction) for e in exits] == [
        (D("0.25"), D("0.75")),
        (D("0.25"), D("0.5")),
    ]
    assert exits[0].profit_fraction == D("0.26")
    assert exits[0].pnl_fraction == D("0.065")
    assert exits[0].pnl_amount == 650


@pytest.mark.parametrize(
    ("close", "high", "low", "opens", "price"),
    [
        ("95", "101", "90", "88.5", None),
        ("95", "101", "90", "95", "92"),
        ("90", None, None, None, "90"),
    ],
)
def test_in_the_entry_session_the_open_says_nothing(
    close: str, high: str | None, low: str | None, opens: str | None, price: str | None
) -> None:
    body = bar(close, high, min(low, opens or low) if low else None, opens, day=0)
    (exit_,) = exits_of(running_trade().feed(body).actions)
    assert exit_.price == D(price or "92")


def test_in_the_entry_session_a_target_never_fills_above_itself() -> None:
    (exit_,) = exits_of(running_trade().feed(bar("115", "116", "113", "113", day=0)).actions)
    assert exit_.price == 112


def test_an_interval_after_an_update_of_the_entry_session_has_an_open() -> None:
    running = running_trade()
    first = bar("101", "102", "85", "85", day=0, interval=True)
    assert exits_of(Trade(running.plan, LONG_HOLD).feed(first).actions)[0].price == 92
    running.feed(bar("101", day=0, interval=True))
    (exit_,) = exits_of(running.feed(bar("91", "91", "90", "90", day=0, interval=True)).actions)
    assert exit_.price == 90


def test_a_target_that_is_touched_is_filled() -> None:
    assert exits_of(running_trade().feed(bar("111", "112", "110", "110")).actions)[0].price == 112
    assert running_trade().feed(bar("111", "111.9999", "110", "110")).actions == ()


def test_a_running_session_is_not_the_end_of_its_day() -> None:
    due = running_trade(rules=ExitRules())
    assert due.feed(bar("101", day=3, final=False)).actions == ()
    (exit_,) = exits_of(due.feed(bar("101.5", day=3)).actions)
    assert (exit_.cause, exit_.price) == (ExitCause.TIME_EXIT, D("101.5"))


def test_targets_come_before_time() -> None:
    exits = exits_of(
        running_trade(rules=ExitRules()).feed(bar("113", "113", "110", "111", day=3)).actions
    )
    assert [(e.kind, e.qty, e.price) for e in exits] == [
        ("PROFIT_TAKING_LEVEL_1", 25, 112),
        ("TIME_BASED_EXIT", 75, 113),
    ]


def test_a_late_bar_still_ends_an_overdue_trade() -> None:
    assert running_trade(rules=ExitRules()).feed(bar("101", day=9)).position_closed


def test_the_owners_limit_replaces_the_hold() -> None:
    rules = ExitRules(time_exit_sessions=1)
    (exit_,) = exits_of(running_trade(rules=rules).feed(bar("101")).actions)
    assert exit_.reason == "max_hold_days_1_reached"


def test_pieces_are_judged_with_the_levels_of_the_session_begin() -> None:
    running = running_trade()
    first = running.feed(bar("113", "113", "110", "110", final=False))
    assert running.plan.stop.price == 100
    assert len(exits_of(first.actions)) == 1
    second = running.feed(bar("99", "99.5", "98", final=False))
    assert second.actions == ()
    third = running.feed(bar("98.5", final=False))
    assert third.actions == ()
    (exit_,) = exits_of(running.feed(bar("99", "100.5", "99", "100.5", day=2)).actions)
    assert (exit_.qty, exit_.price) == (75, 100)


def test_a_target_filled_in_an_earlier_piece_is_not_filled_again() -> None:
    running = running_trade()
    running.feed(bar("113", "113", "110", "110", final=False))
    (exit_,) = exits_of(running.feed(bar("126", "126", "112.5", final=False)).actions)
    assert (exit_.level, exit_.price) == (2, 125)


def test_an_interval_is_judged_with_the_levels_of_now() -> None:
    running = running_trade()
    running.feed(bar("113", "113", "110", "110", interval=True))
    (exit_,) = exits_of(running.feed(bar("99", "112", "98", "112", interval=True)).actions)
    assert (exit_.qty, exit_.price) == (75, 100)


def test_the_running_bar_is_merged() -> None:
    running = running_trade()
    for body in (bar("101", "103", "100", "102"), bar("99", "100", "98"), bar("100.5")):
        running.feed(body)
    seen = running.plan.last_bar
    assert seen is not None
    assert (seen.open, seen.high, seen.low, seen.close) == (102, 103, 98, D("100.5"))
    assert (running.plan.max_profit, running.plan.max_loss) == (D("0.03"), D("-0.02"))
