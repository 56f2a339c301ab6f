"""Replays, bars in the wrong place and exits by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.plans.exit_actions import ExitCause
from domain.plans.regime_exit import ManualClose, close_by_hand
from domain.plans.regime_exit_plan import StopKind
from domain.shared.errors import BadInput, Conflict, Defect, Invalid
from tests.support.exit_trade import (
    ENTRY,
    D,
    bar,
    exits_of,
    running_trade,
    state,
)


def test_a_replay_is_recognised_after_the_position_closed() -> None:
    closed = running_trade()
    body = bar("90", "91", "89", "90")
    assert closed.feed(body).position_closed
    again = closed.feed(body)
    assert again.replayed
    assert again.position_closed
    assert again.actions == ()
    with pytest.raises(Conflict) as refused:
        closed.feed(bar("91"))
    assert refused.value.code == "position_closed"


def test_the_callers_digest_names_the_body() -> None:
    running = running_trade()
    running.feed(bar("101"), body_digest="a")
    assert not running.feed(bar("101"), body_digest="b").replayed
    assert running.feed(bar("102"), body_digest="b").replayed


def test_equal_prices_in_another_market_or_another_session_are_another_body() -> None:
    running = running_trade()
    running.feed(bar("101"), state("18", day=1))
    assert not running.feed(bar("101"), state("19", day=1)).replayed
    assert not running.feed(bar("101", day=2), state("18", day=1)).replayed
    assert not running.feed(bar("101", day=2, final=False), state("18", day=1)).replayed
    equal = bar("101.0", day=2, final=False), state("18.00", day=1)
    assert running.feed(*equal).replayed


def test_an_older_interval_with_equal_prices_is_judged() -> None:
    running = running_trade()
    low_first = bar("113", "113", "99", "110", interval=True)
    running.feed(low_first)
    running.feed(bar("112", interval=True))
    decision = running.feed(low_first)
    assert not decision.replayed
    assert exits_of(decision.actions)[0].price == 100


def test_a_price_that_returns_is_judged_as_news() -> None:
    running = running_trade()
    for close in ("103", "104", "103"):
        decision = running.feed(bar(close))
        assert not decision.replayed
        assert decision.plan.last_bar is not None
        assert decision.plan.last_bar.close == Decimal(close)
    assert running.feed(bar("103")).replayed


def test_what_a_person_changed_makes_the_last_answer_old() -> None:
    running = running_trade()
    running.feed(bar("103"))
    half = close_by_hand(running.plan, running.view, ManualClose(Decimal(103), Decimal("0.5")))
    assert half.plan.running is not None
    assert half.plan.running.bodies == ()
    whole = close_by_hand(running.plan, running.view, ManualClose(Decimal(103)))
    running.plan = whole.plan
    with pytest.raises(Conflict) as refused:
        running.feed(bar("103"))
    assert refused.value.code == "position_closed"


@pytest.mark.parametrize(
    ("day", "code"), [(-1, "bar_before_entry"), (1, "bar_out_of_order"), (5, "bar_in_future")]
)
def test_a_bar_in_the_wrong_place_changes_nothing(day: int, code: str) -> None:
    running = running_trade()
    running.feed(bar("101", day=2))
    kept = running.plan
    with pytest.raises(BadInput) as refused:
        running.feed(bar("101", day=day), today=date(2026, 1, 9))
    assert refused.value.code == code
    assert running.plan == kept


def test_a_bar_of_an_hour_before_the_entry_is_refused() -> None:
    entry = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
    running = running_trade()
    running.plan = replace(running.plan, opened_at=entry)
    with pytest.raises(BadInput, match="before the entry"):
        running.feed(bar("101", day=0, as_of=entry.replace(hour=14)))


def test_a_plan_without_a_quantity_decides_nothing() -> None:
    unsized = running_trade(qty=None)
    unsized.qty = D(1)
    with pytest.raises(Defect):
        unsized.feed(bar("101"))


def test_a_partial_close_keeps_the_slices_that_are_left() -> None:
    running = running_trade(qty="101")
    half = close_by_hand(running.plan, running.view, ManualClose(D(105), D("0.5")))
    (exit_,) = exits_of(half.actions)
    assert (exit_.kind, exit_.qty, exit_.remaining_qty) == ("MANUAL_CLOSE", 50, 51)
    assert exit_.pnl_amount == 250
    assert not half.position_closed
    running.qty = exit_.remaining_qty
    exits = exits_of(running.feed(bar("139", "140", "100", "106")).actions)
    assert [e.qty for e in exits] == [25, 25, 1]


def test_a_target_sells_at_most_what_is_left() -> None:
    running = running_trade()
    most = close_by_hand(running.plan, running.view, ManualClose(D(105), D("0.8")))
    running.qty = exits_of(most.actions)[0].remaining_qty
    decision = running.feed(bar("126", "127", "100", "106"))
    assert [(e.level, e.qty, e.remaining_qty) for e in exits_of(decision.actions)] == [(1, 20, 0)]
    assert decision.position_closed
    assert decision.plan.closed_by is ExitCause.PROFIT_TAKING


def test_closing_everything_closes() -> None:
    running = running_trade()
    decision = close_by_hand(running.plan, running.view, ManualClose(D(105)))
    assert decision.position_closed
    assert decision.plan.closed_by == "manual_close"
    with pytest.raises(Conflict):
        close_by_hand(decision.plan, running.view, ManualClose(D(105)))


@pytest.mark.parametrize(
    ("price", "share", "code"),
    [
        ("105", "0.009", "size_below_minimum"),
        ("105", "0", "invalid_plan"),
        ("105", "1.01", "invalid_plan"),
        ("0", "1", "invalid_plan"),
        ("NaN", "1", "invalid_plan"),
    ],
)
def test_a_close_by_hand_out_of_range_is_refused(price: str, share: str, code: str) -> None:
    running = running_trade()
    with pytest.raises(Invalid) as refused:
        close_by_hand(running.plan, running.view, ManualClose(D(price), D(share)))
    assert refused.value.code == code


def test_actions_say_when_the_stop_was_set() -> None:
    running = running_trade()
    assert (running.plan.stop.kind, running.plan.stop.active_from) == (StopKind.INITIAL, ENTRY)
    running.feed(bar("111", "112", "105", "106", day=2))
    assert running.plan.stop.kind is StopKind.BREAKEVEN
    assert running.plan.stop.active_from == date(2026, 1, 7)
