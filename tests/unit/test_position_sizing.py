"""Sizes of desktop trades: the published figures, every cap, the throttle, the rounding."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from domain.risk.sizing import (
    Cap,
    SizeWish,
    SizingBook,
    SizingLimits,
    SizingWarning,
    TradeRisk,
    drawdown_throttle,
    position_size,
)
from domain.shared.errors import Invalid

BOOK = SizingBook(equity=D(100_000), available_cash=D(100_000))
LIMITS = SizingLimits()
AAPL = TradeRisk(entry=D(150), stop=D(138))


def caps(size):
    return {cap.name.value: cap.quantity for cap in size.caps}


def test_the_published_open_takes_133_shares_bound_by_concentration():
    size = position_size(AAPL, SizeWish(), LIMITS, BOOK)
    assert (size.quantity, size.notional, size.risk_money) == (133, 19950, 1596)
    assert (size.applied_fraction, size.risk_fraction) == (D("0.1995"), D("0.01596"))
    assert size.binding is Cap.POSITION_CONCENTRATION_LIMIT
    assert size.warnings == (SizingWarning.POSITION_SIZE_CLIPPED,)
    assert caps(size) == {
        "risk_per_trade": 166,
        "max_position_size": 666,
        "position_concentration_limit": 133,
        "requested": 666,
        "buying_power": 666,
        "max_correlation_exposure": 833,
    }
    assert D("166.66") < size.risk_budget / size.per_share_risk < D("166.67")


def test_stress_shrinks_the_size_and_risk_binds():
    stress = TradeRisk(entry=D(150), stop=D("140.4"))
    size = position_size(stress, SizeWish(regime_multiplier=D("0.6")), LIMITS, BOOK)
    assert (size.quantity, size.binding) == (125, Cap.RISK_PER_TRADE)
    assert size.regime_multiplier == D("0.6")


def test_a_regime_never_grows_a_size():
    usual = position_size(AAPL, SizeWish(), LIMITS, BOOK)
    grown = position_size(AAPL, SizeWish(regime_multiplier=D(3)), LIMITS, BOOK)
    assert grown.caps == usual.caps
    assert grown.regime_multiplier == 1


def test_the_request_is_an_upper_bound_and_binding_it_warns_of_nothing():
    size = position_size(AAPL, SizeWish(requested=D("0.1")), LIMITS, BOOK)
    assert (size.quantity, size.binding, size.warnings) == (66, Cap.REQUESTED, ())


def test_cash_left_after_fees_binds():
    poor = replace(BOOK, available_cash=D(1515))
    size = position_size(replace(AAPL, commission_rate=D("0.01")), SizeWish(), LIMITS, poor)
    assert (size.quantity, size.binding) == (10, Cap.BUYING_POWER)


def test_what_is_held_already_counts_against_concentration():
    size = position_size(AAPL, SizeWish(), LIMITS, replace(BOOK, held_qty=D(100)))
    assert size.quantity == 33
    full = position_size(AAPL, SizeWish(), LIMITS, replace(BOOK, held_qty=D(500)))
    assert (full.quantity, caps(full)["position_concentration_limit"]) == (0, 0)


def test_five_trades_of_two_percent_fill_one_cluster():
    wide = TradeRisk(entry=D(100), stop=D(80))
    limits = replace(LIMITS, position_concentration_limit=D(1))
    risk, taken = D(0), []
    for _ in range(6):
        size = position_size(wide, SizeWish(), limits, replace(BOOK, cluster_risk=risk))
        taken.append(size.quantity)
        risk += size.risk_money
    assert taken == [100, 100, 100, 100, 100, 0]
    assert risk == D(10_000)


def test_costs_of_the_round_trip_are_part_of_the_loss():
    costly = replace(AAPL, round_trip_costs=D(3))
    size = position_size(
        costly, SizeWish(), replace(LIMITS, position_concentration_limit=D(1)), BOOK
    )
    assert (size.per_share_risk, size.quantity, size.risk_money) == (15, 133, 1995)


def test_a_smaller_lot_gives_a_finer_size():
    wish = SizeWish(lot_step=D("0.001"))
    assert position_size(AAPL, wish, LIMITS, BOOK).quantity == D("133.333")


@pytest.mark.parametrize(
    ("drawdown", "expected"),
    [("0", "1"), ("0.075", "1"), ("0.1125", "0.625"), ("0.15", "0.25"), ("0.4", "0.25")],
)
def test_drawdown_throttles_from_half_of_the_limit(drawdown, expected):
    assert drawdown_throttle(D(drawdown), D("0.15")) == D(expected)


def test_an_unknown_drawdown_or_no_limit_throttles_nothing():
    assert drawdown_throttle(None, D("0.15")) == 1
    assert drawdown_throttle(D("0.9"), None) == 1


def test_the_throttle_reaches_the_budget():
    size = position_size(AAPL, SizeWish(), LIMITS, replace(BOOK, drawdown=D("0.15")))
    assert (size.risk_budget, size.quantity) == (D(500), 41)


@pytest.mark.parametrize(
    ("trade", "book", "code"),
    [
        (replace(AAPL, stop=D(150)), BOOK, "invalid_stop"),
        (replace(AAPL, stop=D(160)), BOOK, "invalid_stop"),
        (replace(AAPL, stop=D(151), round_trip_costs=D(5)), BOOK, "invalid_stop"),
        (AAPL, replace(BOOK, equity=D(0)), "no_equity"),
        (AAPL, replace(BOOK, equity=D(-5)), "no_equity"),
    ],
)
def test_impossible_trades_are_refused(trade, book, code):
    with pytest.raises(Invalid) as refused:
        position_size(trade, SizeWish(), LIMITS, book)
    assert refused.value.code == code
