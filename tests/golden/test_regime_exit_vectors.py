"""Published regime-exit cases to the last digit; each expected number is worked out beside it."""

from datetime import date
from decimal import Decimal

import pytest

from domain.plans.exit_actions import ExitCause, StopCause
from domain.plans.exit_levels import LevelBasis, TrueRangeSource, entry_stop, stop_distance
from domain.plans.price_bar import PriceBody, checked_bar
from domain.plans.regime_exit import ExitMarket, decide
from domain.plans.regime_exit_plan import EntryTerms, open_regime_exit
from domain.plans.regime_rules import ExitProfile, ExitRules
from domain.plans.session_adjustment import SessionAdjustment
from domain.plans.trade_figures import TradeState, trade_figures
from domain.shared.decimals import fraction
from domain.shared.errors import BadInput
from tests.support.exit_trade import (
    BULL,
    CRISIS,
    ENTRY,
    HIGH,
    D,
    Trade,
    bar,
    exits_of,
    opened,
    state,
    stop_moves,
    target_moves,
    target_prices_of,
)
from tests.support.market import xnys

LEGACY = ExitRules(profile=ExitProfile.LEGACY)


@pytest.mark.parametrize("profile", ExitProfile)
def test_c1_bull_levels_in_both_profiles(profile: ExitProfile) -> None:
    market = state("18.5", t2108="45", momentum_ratio="1.2")
    plan = opened("150", "2.5", market=market, rules=ExitRules(profile=profile))
    # distance: max(8 % of 150 = 12, 1.8 · 2.5 = 4.5) = 12; 150 − 12 = 138; 12 / 150 = 8 %
    assert plan.stop.price == D(138)
    # targets: 150·1.12 = 168 against 150 + 5; 150·1.25 = 187.5; 150·1.4 = 210
    assert target_prices_of(plan) == [D(168), D("187.5"), D(210)]
    assert plan.expected_hold_days == 3
    assert plan.adjustments[0].reason == "no_history"
    assert plan.adjustments[0].text == ""


def test_c2_a_quiet_bar_of_the_entry_session() -> None:
    market = state("18.5", t2108="45", momentum_ratio="1.2")
    trade = Trade(opened("150", "2.5", "133", market))
    quiet = state("16.2", t2108="50", momentum_ratio="1.4")
    decision = trade.feed(bar("153.5", "155", "148", day=0), quiet)
    assert decision.actions == ()
    assert not decision.position_closed
    figures = trade_figures(decision.plan, TradeState(trade.qty, trade.realized, D("153.5")))
    # 3.5 / 150; 5 / 150; −2 / 150
    assert fraction(figures.current_pnl or D(0)) == D("0.0233333333")
    assert fraction(figures.max_profit) == D("0.0333333333")
    assert fraction(figures.max_loss) == D("-0.0133333333")
    assert figures.remaining_fraction == 1
    assert figures.realized_pnl == 0
    assert figures.final_pnl is None
    assert decision.plan.running is not None
    assert decision.plan.running.sessions_held == 0


def test_c5_a_stressed_market_takes_the_stressed_row() -> None:
    market = state("18", HIGH, t2108="15", momentum_ratio="0.5")
    plan = opened(market=market)
    # distance: max(6.4, 1.44·2 = 2.88)·0.8 = 5.12
    assert plan.stop.price == D("94.88")
    assert target_prices_of(plan) == [D("109.6"), D(120), D(132)]
    assert plan.regime_at_entry is HIGH


def test_c6_legacy_without_history() -> None:
    plan = opened(market=state("40", HIGH), rules=LEGACY)
    assert plan.stop.price == D(88)
    assert target_prices_of(plan) == [D(115), D(128), D(145)]
    assert plan.expected_hold_days == 3


def test_c7_a_vix_jump_scales_both_profiles_once() -> None:
    jump = {"t2108": "45", "vix_change": "22", "t2108_change": "0"}
    legacy = opened(market=state("40", HIGH, **jump), rules=LEGACY)
    # stop 1.2 + 22/50 = 1.64; 12·1.64 = 19.68; profit 1.1 + 0.22 = 1.32: 15, 28, 45 · 1.32
    assert legacy.adjustments[0].stop_factor == D("1.64")
    assert legacy.adjustments[0].profit_factor == D("1.32")
    assert legacy.stop.price == D("80.32")
    assert target_prices_of(legacy) == [D("119.8"), D("136.96"), D("159.4")]
    standard = opened(market=state("40", CRISIS, **jump))
    # stop 1 + 0.02·7 = 1.14; 15·1.14 = 17.1; profit 1.07: 20, 35, 50 · 1.07
    assert standard.stop.price == D("82.9")
    assert target_prices_of(standard) == [D("121.4"), D("137.45"), D("153.5")]


def test_c8_a_collapse_of_breadth_in_the_legacy_profile() -> None:
    market = state(
        "45",
        HIGH,
        t2108="15",
        momentum_ratio="0.75",
        vix_change="24.5",
        t2108_change="-30.2",
        momentum_previous="1.15",
    )
    plan = opened("100", "8.5", market=market, rules=LEGACY)
    adjustment = plan.adjustments[0]
    # stop (1.2 + 24.5/50 = 1.69)·0.7·0.6; profit (1.1 + 0.245 = 1.345)·0.8·0.7
    assert adjustment.stop_factor == D("0.7098")
    assert adjustment.profit_factor == D("0.7532")
    assert adjustment.emergency is not None
    assert adjustment.emergency.cause == "breadth_collapse"
    # max(12, 2·8.5 = 17)·0.7098 = 12.0666
    assert plan.stop.price == D("87.9334")
    # 8.5·(2.5, 4, 6)·0.7532 = 16.0055, 25.6088, 38.4132, above 15, 28, 45 · 0.7532
    assert target_prices_of(plan) == [D("116.0055"), D("125.6088"), D("138.4132")]
    # momentum 0.652 of before: neutral; urgency 2: floor(3 / 2)
    assert plan.expected_hold_days == 1


@pytest.mark.parametrize(
    ("t2108", "stop"), [("10", "93.6"), ("45", "92"), ("70", "90.4"), (None, "92")]
)
def test_c9_breadth_scales_the_distance(t2108: str | None, stop: str) -> None:
    # 8 % · 0.8 = 6.4, · 1.0 = 8, · 1.2 = 9.6
    assert opened(market=state("18", t2108=t2108)).stop.price == D(stop)


@pytest.mark.parametrize(
    ("t2108", "factor", "distance"),
    [("45", "1", "7.2"), ("10", "1", "5.76"), ("10", "0.6", "5")],
)
def test_c9s_the_floor_of_one_true_range(t2108: str, factor: str, distance: str) -> None:
    # 1.44·5 = 7.2; ·0.8 = 5.76; ·0.6 = 3.456, below one true range of 5
    basis = LevelBasis(
        entry_price=D(100),
        true_range=D(5),
        regime=HIGH,
        adjustment=SessionAdjustment(ENTRY, stop_factor=D(factor)),
        price_step=D("0.0001"),
        rules=ExitRules(),
        t2108=D(t2108),
    )
    assert stop_distance(basis) == D(distance)
    assert entry_stop(basis) == 100 - D(distance)


@pytest.mark.parametrize("day", [0, 1])
@pytest.mark.parametrize(
    ("qty", "slices", "realized"),
    # (50·12 + 50·25 + 100·40) / 20000; (33·12 + 33·25 + 67·40) / 13300 = 3901 / 13300
    [("200", [50, 50, 100], "0.2925"), ("133", [33, 33, 67], "0.2933082707")],
)
def test_c10_one_bar_reaches_all_targets(
    qty: str, slices: list[int], realized: str, day: int
) -> None:
    trade = Trade(opened(qty=qty))
    decision = trade.feed(bar("149", "150", "99", day=day))
    exits = exits_of(decision.actions)
    assert [exit_.qty for exit_ in exits] == slices
    assert [exit_.price for exit_ in exits] == [D(112), D(125), D(140)]
    assert [exit_.kind for exit_ in exits] == [f"PROFIT_TAKING_LEVEL_{i}" for i in (1, 2, 3)]
    assert decision.position_closed
    assert decision.plan.closed_by is ExitCause.PROFIT_TAKING
    figures = trade_figures(decision.plan, TradeState(trade.qty, trade.realized, D(149)))
    assert fraction(figures.realized_pnl) == D(realized)
    assert figures.final_pnl == figures.realized_pnl
    assert figures.remaining_fraction == 0


@pytest.mark.parametrize(("opens", "price", "pnl"), [("95", "92", "-0.08"), ("88", "88", "-0.12")])
def test_c11_c12_the_stop_fills_at_its_level_and_a_gap_at_the_open(
    opens: str, price: str, pnl: str
) -> None:
    trade = Trade(opened())
    decision = trade.feed(bar("86", "101", "85", opens))
    (exit_,) = exits_of(decision.actions)
    assert len(decision.actions) == 1
    assert exit_.kind == "STOP_LOSS_EXECUTED"
    assert exit_.reason == "stop_loss_triggered"
    assert exit_.price == D(price)
    assert exit_.pnl_fraction == D(pnl)
    assert exit_.closed_fraction == 1
    assert decision.position_closed
    assert decision.plan.closed_by == "stop_loss"


def test_c13_a_wider_stop_is_suppressed() -> None:
    trade = Trade(opened())
    crisis = state("36", CRISIS, day=1, t2108="45", vix_change="18")
    decision = trade.feed(bar("99", "101", "98", "100"), crisis)
    (move,) = stop_moves(decision.actions)
    # 1 + 0.02·3 = 1.06; 15·1.06 = 15.9; 84.1 is below 92
    assert move.kind == "REGIME_ADJUSTMENT"
    assert (move.old, move.new) == (D(92), D(92))
    assert move.suppressed_widening
    assert (move.old_regime, move.new_regime) == (BULL, CRISIS)
    assert decision.plan.stop.price == D(92)
    # targets 20, 35, 50 % · 1.03 lie further out and do not move
    assert target_moves(decision.actions) == []


@pytest.mark.parametrize(("close", "stop"), [("103", "93.6"), ("94", "92.12")])
def test_c13t_a_tighter_regime_raises_the_stop_below_the_close(close: str, stop: str) -> None:
    trade = Trade(opened())
    stressed = state("25", HIGH, day=1, t2108="45", vix_change="7")
    decision = trade.feed(bar(close, "103", "94"), stressed)
    (move,) = stop_moves(decision.actions)
    # 6.4 % against 1.44·2: 93.6; 94·0.98 = 92.12
    assert (move.old, move.new) == (D(92), D(stop))
    assert not move.suppressed_widening
    assert exits_of(decision.actions) == []
    # 9.6, 20 and 32 % lie nearer than 12, 25 and 40 %
    assert target_prices_of(decision.plan) == [D("109.6"), D(120), D(132)]
    assert [(m.level, m.old, m.new) for m in target_moves(decision.actions)] == [
        (1, D(112), D("109.6")),
        (2, D(125), D(120)),
        (3, D(140), D(132)),
    ]


def test_c14_stopped_on_the_third_session() -> None:
    trade = Trade(opened("45.66", "1.35", market=state("15.43")))
    # 45.66·0.08 = 3.6528 against 1.8·1.35 = 2.43
    assert trade.plan.stop.price == D("42.0072")
    assert target_prices_of(trade.plan) == [D("51.1392"), D("57.075"), D("63.924")]
    days = [("44.65", "44.65", "43.30"), ("43.57", "46.01", "43.33"), ("42.62", "44.28", "41.70")]
    decisions = [
        trade.feed(bar(close, high, low, day=day), state("15.43", day=day))
        for day, (close, high, low) in enumerate(days)
    ]
    assert [len(decision.actions) for decision in decisions] == [0, 0, 1]
    (exit_,) = exits_of(decisions[2].actions)
    assert exit_.price == D("42.0072")
    assert exit_.pnl_fraction == D("-0.08")


def test_c17_a_bar_without_a_close_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        checked_bar(PriceBody(None), ENTRY)
    assert refused.value.code == "missing_close"


def test_c18_the_same_bar_twice_is_a_replay() -> None:
    trade = Trade(opened())
    first = trade.feed(bar("101", "102", "99"))
    second = trade.feed(bar("101", "102", "99"))
    assert not first.replayed
    assert second.replayed
    assert second.actions == ()
    assert second.plan == first.plan


def test_c19_the_time_exit_counts_sessions_of_the_calendar() -> None:
    entry = date(2025, 7, 2)
    calendar = xnys()
    plan = open_regime_exit(
        EntryTerms(
            D(100),
            entry,
            state("18", t2108="45"),
            D(2),
            TrueRangeSource.REQUEST,
            D("0.0001"),
            D(1),
            ExitRules(),
            D(10),
        )
    )
    trade = Trade(plan)
    outcomes = []
    for session in (entry, date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8)):
        held = calendar.sessions_between(entry, session)
        quiet = checked_bar(PriceBody(D("100.5")), session)
        decision = decide(trade.plan, trade.view, ExitMarket(quiet, None, ExitRules(), held))
        trade.plan = decision.plan
        outcomes.append((held, decision))
    assert [held for held, _ in outcomes] == [0, 1, 2, 3]
    assert [bool(decision.actions) for _, decision in outcomes] == [False, False, False, True]
    (exit_,) = exits_of(outcomes[-1][1].actions)
    assert (exit_.kind, exit_.price) == ("TIME_BASED_EXIT", D("100.5"))
    assert exit_.reason == "max_hold_days_3_reached"
    assert outcomes[-1][1].plan.closed_by == "time_exit"


def test_t1_trailing_after_targets_one_and_two() -> None:
    rules = ExitRules(time_exit_sessions=10)
    trade = Trade(opened(rules=rules), rules)
    first = trade.feed(bar("113", "113", "110", "111"))
    assert [exit_.price for exit_ in exits_of(first.actions)] == [D(112)]
    (move,) = stop_moves(first.actions)
    assert (move.cause, move.old, move.new) == (StopCause.BREAKEVEN_STOP, D(92), D(100))
    second = trade.feed(bar("124", "126", "112", "113", day=2))
    assert [exit_.price for exit_ in exits_of(second.actions)] == [D(125)]
    (move,) = stop_moves(second.actions)
    # 126 − 1.8·2 = 122.4, above target 1 at 112 and below the close
    assert (move.cause, move.old, move.new) == (
        StopCause.TRAILING_STOP_MOVED,
        D(100),
        D("122.4"),
    )


def test_layers_example_the_trailing_stop_ends_one_tick_below_a_close_under_it() -> None:
    """Bars 113/99, 126/108 closing at 120, then 121/101: the stop would be 122.4, above the close."""
    trade = Trade(opened())
    trade.feed(bar("110", "113", "99", "100", day=0))
    trade.feed(bar("120", "126", "108", "110"))
    assert trade.plan.stop.price == D("119.9999")
    decision = trade.feed(bar("104", "121", "101", "120", day=2))
    (exit_,) = exits_of(decision.actions)
    assert exit_.price == D("119.9999")
    # 0.25·12 % + 0.25·25 % + 0.5·19.9999 %
    assert fraction(trade.realized / D(10000)) == Decimal("0.1924995")
