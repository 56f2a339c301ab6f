"""Dividends and splits on a regime trade: levels follow the price, the trade's result does not."""

from datetime import timedelta

import pytest

from domain.plans.corporate_actions import rescaled_by_split, shifted_by_dividend
from domain.shared.errors import BadInput
from tests.support.exit_trade import (
    ENTRY,
    HIGH,
    LONG_HOLD,
    D,
    Trade,
    bar,
    exits_of,
    opened,
    running_trade,
    state,
    stop_moves,
    target_prices_of,
)

EX_DATE = ENTRY + timedelta(days=2)


def test_a_dividend_moves_levels_down_by_the_gross_amount() -> None:
    running = running_trade()
    running.feed(bar("105", "106", "104"))
    plan = shifted_by_dividend(running.plan, D("0.82"), EX_DATE)
    assert plan.stop.price == D("91.18")
    assert target_prices_of(plan) == [D("111.18"), D("124.18"), D("139.18")]
    assert plan.high_water == D("105.18")
    assert plan.entry_price == 100
    assert plan.max_profit == D("0.06")


def test_a_level_never_falls_under_one_tick() -> None:
    plan = shifted_by_dividend(opened(tick="0.01"), D(95), EX_DATE)
    assert plan.stop.price == D("0.01")
    assert target_prices_of(plan) == [17, 30, 45]


def test_levels_measured_from_the_entry_follow_the_dividend() -> None:
    plan = shifted_by_dividend(opened(rules=LONG_HOLD), D(10), ENTRY + timedelta(days=1))
    running = Trade(plan, LONG_HOLD)
    (move,) = stop_moves(running.feed(bar("91"), state("25", HIGH, day=1)).actions)
    # 100 − 6.4 − 10, not 93.6 cut to 91·0.98 = 89.18
    assert (move.old, move.new) == (82, D("83.6"))
    # 109.6 − 10 is under the entry: a target never falls under the costs; 120 − 10; 132 − 10
    assert target_prices_of(running.plan) == [100, 110, 122]


def test_a_split_rescales_everything_per_share() -> None:
    running = running_trade(true_range="2")
    running.feed(bar("125", "126", "112", "113"))
    plan = rescaled_by_split(running.plan, D(4), EX_DATE)
    assert (plan.entry_price, plan.true_range, plan.initial_qty) == (25, D("0.5"), 400)
    assert plan.stop.price == D("30.6")
    assert target_prices_of(plan) == [28, D("31.25"), 35]
    assert plan.high_water == D("31.5")
    assert plan.max_profit == D("0.26")
    split = Trade(plan, LONG_HOLD)
    split.qty = running.qty * 4
    (exit_,) = exits_of(split.feed(bar("31", "31", "30.5", "31", day=2)).actions)
    # 122.4 / 4
    assert (exit_.qty, exit_.price, exit_.pnl_fraction) == (200, D("30.6"), D("0.112"))


def test_a_reverse_split_rounds_the_stop_down_and_targets_up() -> None:
    plan = rescaled_by_split(opened("33.33", "0.1", tick="0.01"), D(3), EX_DATE)
    # 30.66 / 3 = 10.22; 37.33 / 3 = 12.4433; 41.67 / 3 = 13.89; 46.67 / 3 = 15.5567
    assert plan.stop.price == D("10.22")
    assert target_prices_of(plan) == [D("12.45"), D("13.89"), D("15.56")]
    tenth = rescaled_by_split(opened(), D("0.1"), EX_DATE)
    assert (tenth.entry_price, tenth.stop.price, tenth.initial_qty) == (1000, 920, 10)


def test_a_plan_without_a_quantity_is_rescaled_too() -> None:
    assert rescaled_by_split(opened(qty=None), D(2), EX_DATE).initial_qty is None


def test_bars_in_older_prices_are_refused_afterwards() -> None:
    running = running_trade()
    running.feed(bar("105", final=False))
    running.plan = rescaled_by_split(running.plan, D(4), EX_DATE)
    with pytest.raises(BadInput) as refused:
        running.feed(bar("106"))
    assert refused.value.code == "bar_out_of_order"
    assert running.feed(bar("26", day=2)).actions == ()
