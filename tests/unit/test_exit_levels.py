"""Entry levels beyond the published cases: every row, bounds, ticks, merging, slices, R."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.market.market_regime import MarketRegime
from domain.plans.exit_levels import (
    LevelBasis,
    Target,
    TrueRangeSource,
    breakeven_price,
    entry_stop,
    entry_targets,
    resolved_true_range,
    round_trip_costs,
    slice_quantities,
    target_prices,
)
from domain.plans.regime_exit_plan import open_regime_exit, sized
from domain.plans.regime_rules import ExitProfile, ExitRules, rule_for
from domain.plans.session_adjustment import SessionAdjustment
from domain.shared.errors import Invalid
from tests.support.exit_trade import BULL, CRISIS, ENTRY, HIGH, LOW, D, opened, state, terms


def basis(regime: MarketRegime = BULL, true_range: str = "1", **rules: object) -> LevelBasis:
    return LevelBasis(
        entry_price=D(100),
        true_range=D(true_range),
        regime=regime,
        adjustment=SessionAdjustment(ENTRY),
        price_step=D("0.0001"),
        rules=replace(ExitRules(), **rules),
    )


@pytest.mark.parametrize(
    ("regime", "profile", "stop", "targets", "hold", "risk"),
    [
        (CRISIS, "standard", "85", ("120", "135", "150"), 4, "0.5"),
        (HIGH, "standard", "93.6", ("109.6", "120", "132"), 3, "0.6"),
        (HIGH, "legacy", "88", ("115", "128", "145"), 3, "0.6"),
        (BULL, "standard", "92", ("112", "125", "140"), 3, "1"),
        (LOW, "legacy", "95", ("108", "115", "125"), 2, "0.75"),
    ],
)
def test_percent_rows(
    regime: MarketRegime, profile: str, stop: str, targets: tuple[str, ...], hold: int, risk: str
) -> None:
    wanted = basis(regime, profile=ExitProfile(profile))
    assert entry_stop(wanted) == D(stop)
    assert target_prices(wanted) == tuple(map(Decimal, targets))
    rule = rule_for(ExitProfile(profile), regime)
    assert (rule.hold_sessions, rule.risk_multiplier) == (hold, D(risk))


@pytest.mark.parametrize(
    ("regime", "profile", "stop", "targets"),
    [
        # a true range of 8: 2.5·8 = 20; 3, 5 and 7 · 8
        (CRISIS, "standard", "80", ("124", "140", "156")),
        # 1.44·8 = 11.52; 1.6, 2.8 and 4.4 · 8 = 12.8, 22.4, 35.2
        (HIGH, "standard", "88.48", ("112.8", "122.4", "135.2")),
        # 2.0·8 = 16; 2.5, 4 and 6 · 8 = 20, 32, 48
        (HIGH, "legacy", "84", ("120", "132", "148")),
        # 1.8·8 = 14.4; 2, 3.5 and 5.5 · 8 = 16, 28, 44
        (BULL, "standard", "85.6", ("116", "128", "144")),
        # 1.2·8 = 9.6; 1.8, 3 and 4.5 · 8 = 14.4, 24, 36
        (LOW, "standard", "90.4", ("114.4", "124", "136")),
    ],
)
def test_range_rows(
    regime: MarketRegime, profile: str, stop: str, targets: tuple[str, ...]
) -> None:
    wanted = basis(regime, "8", profile=ExitProfile(profile))
    assert entry_stop(wanted) == D(stop)
    assert target_prices(wanted) == tuple(map(Decimal, targets))


@pytest.mark.parametrize(("regime", "first"), [(LOW, "0.30"), (BULL, "0.25"), (CRISIS, "0.25")])
def test_scale_out_fractions(regime: MarketRegime, first: str) -> None:
    fractions = [target.cumulative_fraction for target in entry_targets(basis(regime))]
    assert fractions == [D(first), 2 * D(first), D(1)]


def test_the_distance_is_clamped() -> None:
    # 2.5·12 = 30 % → 25 %; 5 %·0.4 = 2 % of the floor wins over a tighter 1 %
    assert entry_stop(basis(CRISIS, "12")) == 75
    tight = replace(basis(LOW), adjustment=SessionAdjustment(ENTRY, stop_factor=D("0.2")))
    assert entry_stop(tight) == 98
    assert entry_stop(basis(max_stop_distance=D("0.05"))) == 95


def test_the_floor_of_one_range_is_for_the_standard_profile_only() -> None:
    factor = SessionAdjustment(ENTRY, stop_factor=D("0.5"))
    wanted = replace(basis(HIGH, "6"), adjustment=factor)
    # 1.44·6·0.5 = 4.32 < 6; legacy 2·6·0.5 = 6 < 7
    assert entry_stop(wanted) == 94
    legacy = replace(basis(HIGH, "7", profile=ExitProfile.LEGACY), adjustment=factor)
    assert entry_stop(legacy) == 93
    smaller = replace(legacy, adjustment=SessionAdjustment(ENTRY, stop_factor=D("0.25")))
    # 2·7·0.25 = 3.5
    assert entry_stop(smaller) == D("96.5")


def test_breadth_does_not_touch_the_legacy_profile() -> None:
    for t2108 in ("10", "70"):
        wanted = replace(basis(profile=ExitProfile.LEGACY), t2108=D(t2108))
        assert entry_stop(wanted) == 92


@pytest.mark.parametrize(("t2108", "stop"), [("20", "92"), ("60", "92"), ("60.1", "90.4")])
def test_breadth_bounds_are_neutral(t2108: str, stop: str) -> None:
    assert entry_stop(replace(basis(), t2108=D(t2108))) == D(stop)


def test_stops_round_down_and_targets_up() -> None:
    plan = opened("33.33", "0.1", tick="0.01")
    # 33.33·0.92 = 30.6636; ·1.12 = 37.3296; ·1.25 = 41.6625; ·1.4 = 46.662
    assert plan.stop.price == D("30.66")
    assert [t.price for t in plan.targets] == [D("37.33"), D("41.67"), D("46.67")]


def test_capped_targets_merge_with_their_slices() -> None:
    # a range of 40: 100 + 80, 100 + 140, 100 + 220, capped at 200
    merged = entry_targets(basis(true_range="40"))
    assert [(t.level, t.price, t.cumulative_fraction, t.merged_through) for t in merged] == [
        (1, D(180), D("0.25"), 1),
        (2, D(200), D(1), 3),
    ]
    assert slice_quantities(merged, D(133), D(1)) == (33, 100)
    everything = entry_targets(basis(true_range="40", max_profit_target=D("0.1")))
    assert [(t.level, t.price, t.cumulative_fraction) for t in everything] == [(1, D(110), D(1))]


@pytest.mark.parametrize(
    ("qty", "lot", "slices"),
    [
        ("200", "1", ("50", "50", "100")),
        ("133", "1", ("33", "33", "67")),
        ("1", "1", ("0", "0", "1")),
        ("3", "1", ("0", "1", "2")),
        ("0.5", "0.1", ("0.1", "0.1", "0.3")),
        ("0.00000003", "0.00000001", ("0", "0.00000001", "0.00000002")),
    ],
)
def test_slices_are_whole_lots_and_the_last_takes_the_rest(
    qty: str, lot: str, slices: tuple[str, ...]
) -> None:
    targets = tuple(Target(n, D(100 + n), D(f)) for n, f in ((1, "0.25"), (2, "0.5"), (3, "1")))
    assert slice_quantities(targets, D(qty), D(lot)) == tuple(map(Decimal, slices))


def test_where_the_true_range_comes_from() -> None:
    assert resolved_true_range(D(3), D(4), D(150)) == (D(3), TrueRangeSource.REQUEST)
    assert resolved_true_range(None, D(4), D(150)) == (D(4), TrueRangeSource.ATR)
    assert resolved_true_range(None, None, D(150)) == (D(3), TrueRangeSource.DEFAULT)
    assert resolved_true_range(None, D(0), D(150)) == (D(3), TrueRangeSource.DEFAULT)


def test_risk_and_breakeven_carry_the_costs_of_both_sides() -> None:
    rules = ExitRules(commission_rate=D("0.001"), slippage=D("0.0005"))
    assert round_trip_costs(D(100), D(92), ExitRules()) == 0
    # 0.0015·(100 + 92); 100 + 0.0015·200
    assert round_trip_costs(D(100), D(92), rules) == D("0.288")
    assert breakeven_price(D(100), rules) == D("100.3")


@pytest.mark.parametrize(
    ("urgent", "hold"), [({}, 4), ({"t2108_change": "-26"}, 2), ({"t2108_change": "-31"}, 2)]
)
def test_urgency_shortens_the_hold(urgent: dict[str, str], hold: int) -> None:
    assert opened(market=state("40", CRISIS, **urgent)).expected_hold_days == hold


def test_urgency_is_floored_and_leaves_a_session() -> None:
    # floor(3 / 1.5) = 2; floor(2 / 3) = 0 → 1
    momentum = {"momentum_ratio": "0.4", "momentum_previous": "1"}
    assert opened(market=state("18", **momentum)).expected_hold_days == 2
    collapse = {"momentum_ratio": "0.05", "momentum_previous": "2"}
    assert opened(market=state("11", LOW, **collapse)).expected_hold_days == 1


def test_levels_exist_before_the_quantity() -> None:
    plan = open_regime_exit(terms(qty=None))
    assert (plan.stop.price, plan.initial_qty) == (92, None)
    assert sized(plan, D(7)).initial_qty == 7


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "NaN", "Infinity"])
def test_a_quantity_is_whole_lots_above_zero(quantity: str) -> None:
    with pytest.raises(Invalid) as refused:
        sized(opened(qty=None), D(quantity))
    assert refused.value.code == "invalid_plan"


@pytest.mark.parametrize(
    ("entry", "true_range"), [("0", "2"), ("NaN", "2"), ("100", "0"), ("0.0001", "2")]
)
def test_terms_out_of_range_are_refused(entry: str, true_range: str) -> None:
    with pytest.raises(Invalid):
        opened(entry, true_range)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_stop_distance", D(0)),
        ("max_stop_distance", D("0.51")),
        ("min_stop_distance", D("0.25")),
        ("max_profit_target", D(11)),
        ("commission_rate", D("-0.01")),
        ("slippage", D("NaN")),
        ("time_exit_sessions", 0),
    ],
)
def test_rules_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        replace(ExitRules(), **{name: value})
    assert f"/{name}" in [fault.pointer for fault in refused.value.errors]
