"""Levels for the next bar: the market changes, and the stop trails."""

from dataclasses import replace

import pytest

from domain.plans.exit_actions import ExitCause, MoveStop, StopCause
from domain.plans.exit_levels import TargetStatus
from domain.plans.plan import Note, NoteCode
from domain.plans.regime_exit_plan import StopKind
from domain.plans.regime_rules import ExitProfile
from tests.support.exit_trade import (
    BULL,
    CRISIS,
    HIGH,
    LONG_HOLD,
    LOW,
    D,
    bar,
    exits_of,
    running_trade,
    state,
    stop_moves,
    target_moves,
    target_prices_of,
)


def test_an_adjustment_happens_once_per_session() -> None:
    running = running_trade()
    first = running.feed(bar("103"), state("25", HIGH, day=1))
    assert [move.new for move in stop_moves(first.actions)] == [D("93.6")]
    again = running.feed(bar("104"), state("11", LOW, day=1))
    assert again.actions == ()
    assert running.plan.current_regime is HIGH
    later = running.feed(bar("104", day=2), state("11", LOW, day=2))
    assert [move.new for move in stop_moves(later.actions)] == [95]
    assert running.plan.current_regime is LOW


def test_an_unknown_market_changes_nothing() -> None:
    assert running_trade().feed(bar("103"), None).actions == ()


@pytest.mark.parametrize(("vix", "count"), [("33", 0), ("33.1", 1), ("3", 0), ("2.9", 1)])
def test_a_vix_far_from_the_entry_adjusts_within_a_regime(vix: str, count: int) -> None:
    moves = stop_moves(running_trade().feed(bar("103"), state(vix, day=1)).actions)
    assert len(moves) == count
    assert all(not move.suppressed_widening and move.new == 92 for move in moves)


def test_the_same_regime_can_tighten_through_its_adjustment() -> None:
    market = state("18", day=1, t2108="15", t2108_change="-26")
    # nothing asks for it: same regime, same VIX, no emergency
    assert running_trade().feed(bar("103"), market).actions == ()
    collapse = state("18", day=1, t2108="15", t2108_change="-31")
    running = running_trade()
    decision = running.feed(bar("103"), collapse)
    note, move = decision.actions[:2]
    assert note == Note(
        NoteCode.EMERGENCY_PROTOCOL,
        {"protocol": "breadth_collapse", "trigger": "T2108 -31 points"},
    )
    assert isinstance(move, MoveStop)
    # 8·0.8·max(0.5, 0.7·0.6 = 0.42) = 3.2 %; profit max(0.5, 0.8·0.7) = 0.56: 6.72, 14, 22.4
    assert (move.old, move.new) == (D(92), D("96.8"))
    assert target_prices_of(running.plan) == [D("106.72"), D(114), D("122.4")]
    assert running.plan.stop.kind is StopKind.REGIME


def test_an_emergency_of_one_market_row_acts_once() -> None:
    running = running_trade()
    collapse = state("18", day=1, t2108_change="-31")
    assert running.feed(bar("103"), collapse).actions
    assert running.feed(bar("103", day=2), collapse).actions == ()
    assert len(running.plan.adjustments) == 2


def test_the_entry_sessions_own_emergency_is_not_applied_again() -> None:
    collapse = state("18", t2108="15", t2108_change="-31")
    running = running_trade(market=collapse)
    # 8·0.8·0.5
    assert running.plan.stop.price == D("96.8")
    assert running.feed(bar("103", day=0), collapse).actions == ()


def test_emergencies_switched_off_do_not_ask_for_an_adjustment() -> None:
    rules = replace(LONG_HOLD, emergency_protocols=False)
    assert (
        running_trade(rules=rules).feed(bar("103"), state("18", day=1, t2108_change="-31")).actions
        == ()
    )


def test_disabled_transitions_keep_the_entry_rules() -> None:
    rules = replace(LONG_HOLD, disable_transitions=True)
    running = running_trade(rules=rules)
    market = state("40", CRISIS, day=1, vix_change="22", t2108_change="-31")
    assert running.feed(bar("103"), market).actions == ()
    assert running.plan.current_regime is BULL


def test_a_calmer_regime_never_moves_a_target_below_the_costs() -> None:
    rules = replace(LONG_HOLD, commission_rate=D("0.05"), slippage=D("0.01"))
    running = running_trade(rules=rules)
    moves = target_moves(running.feed(bar("103"), state("11", LOW, day=1)).actions)
    # 108 lies under 100·(1 + 2·0.06) = 112: target 1 stays; 115 and 125 lie above
    assert [(move.level, move.new) for move in moves] == [(2, 115), (3, 125)]


def test_the_plans_profile_decides_not_the_configurations() -> None:
    running = running_trade(rules=replace(LONG_HOLD, profile=ExitProfile.LEGACY))
    running.rules = LONG_HOLD
    # legacy stress: 12 % → 88 is wider than 92
    (move,) = stop_moves(running.feed(bar("103"), state("35", HIGH, day=1)).actions)
    assert move.suppressed_widening


def test_an_adjustment_follows_a_partial_exit_in_the_same_bar() -> None:
    running = running_trade()
    decision = running.feed(bar("113", "113", "110", "110"), state("25", HIGH, day=1))
    exit_, adjusted, second, third, trailed = decision.actions
    assert exits_of([exit_])[0].price == 112
    assert stop_moves([adjusted])[0].new == D("93.6")
    assert [(m.level, m.new) for m in target_moves([second, third])] == [(2, 120), (3, 132)]
    assert stop_moves([trailed])[0].cause is StopCause.BREAKEVEN_STOP
    assert target_prices_of(running.plan)[0] == 112


def test_a_close_at_break_even_takes_one_tick_less() -> None:
    (move,) = stop_moves(running_trade().feed(bar("100", "113", "95", "101")).actions)
    assert move.new == D("99.9999")


def test_a_close_under_break_even_takes_one_tick_less() -> None:
    running = running_trade()
    (move,) = stop_moves(running.feed(bar("99", "113", "95", "100")).actions)
    assert move.new == D("98.9999")
    (move,) = stop_moves(running.feed(bar("101", "102", "99.5", "100", day=2)).actions)
    assert (move.cause, move.new) == (StopCause.BREAKEVEN_STOP, 100)


def test_break_even_includes_the_round_trip() -> None:
    rules = replace(LONG_HOLD, commission_rate=D("0.001"))
    (move,) = stop_moves(running_trade(rules=rules).feed(bar("111", "112", "105", "106")).actions)
    assert move.new == D("100.2")


def test_after_target_two_the_stop_is_never_under_target_one() -> None:
    running = running_trade(true_range="6")
    # targets 112, 121?: 6·3.5 = 21 < 25; room 1.8·6 = 10.8: 126 − 10.8 = 115.2; with 122: 111.2
    first = running.feed(bar("124", "126", "112", "113"))
    assert [m.new for m in stop_moves(first.actions)] == [D("115.2")]
    wide = running_trade(true_range="7")
    (move,) = stop_moves(wide.feed(bar("124", "125", "112", "113")).actions)
    # distance 12.6 %; target 1 at max(112, 114) = 114; 125 − 12.6 = 112.4
    assert move.new == 114


def test_the_trailing_stop_follows_new_highs_with_the_current_regime() -> None:
    running = running_trade()
    running.feed(bar("125", "126", "112", "113"))
    assert running.plan.stop.price == D("122.4")
    calmer = running.feed(bar("129", "130", "124", "125", day=2), state("11", LOW, day=2))
    moves = stop_moves(calmer.actions)
    # regime first: 95 is wider; then 130 − 1.2·2 = 127.6
    assert [(m.cause, m.new) for m in moves] == [
        (StopCause.REGIME_ADJUSTMENT, D("122.4")),
        (StopCause.TRAILING_STOP_MOVED, D("127.6")),
    ]
    assert moves[0].suppressed_widening
    # the calmer regime also brought target 3 from 140 to 125, under this open
    (exit_,) = exits_of(running.feed(bar("128.5", "129.5", "128", "128", day=3)).actions)
    assert (exit_.level, exit_.price) == (3, 128)


def test_without_trailing_the_stop_stays() -> None:
    rules = replace(LONG_HOLD, trailing=False)
    running = running_trade(rules=rules)
    running.feed(bar("124", "126", "112", "113"))
    assert running.plan.stop.price == 92


def test_one_share_is_protected_though_its_slices_are_empty() -> None:
    running = running_trade(qty="1")
    decision = running.feed(bar("111", "112", "105", "106"))
    assert exits_of(decision.actions) == []
    assert running.plan.targets[0].status is TargetStatus.SKIPPED
    assert running.plan.stop.price == 100
    (exit_,) = exits_of(running.feed(bar("139", "140", "112", "113", day=2)).actions)
    assert (exit_.level, exit_.qty) == (3, 1)
    assert running.plan.closed_by is ExitCause.PROFIT_TAKING


def test_merged_levels_count_as_reached_together() -> None:
    # a range of 40 caps levels 2 and 3 at 200: one exit of three quarters
    running = running_trade(true_range="40")
    exits = exits_of(running.feed(bar("199", "200", "150", "160")).actions)
    assert [(e.level, e.qty, e.price) for e in exits] == [(1, 25, 180), (2, 75, 200)]
