"""The configuration in domain units: defaults, ranges, cross checks, and which way a key loosens."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.market.market_regime import MarketRegime
from domain.risk.desktop_configuration import (
    DesktopConfiguration,
    Execution,
    Exits,
    PerformanceTargets,
    PositionSizing,
    RegimeOverrides,
    RiskLimits,
)
from domain.risk.desktop_keys import KEY_BY_PATH, KEYS, Direction, ExitProfile
from domain.shared.errors import Invalid

D = Decimal
DEFAULT = DesktopConfiguration()


def changed(path: str, value: Any) -> DesktopConfiguration:
    key = KEY_BY_PATH[path]
    section = replace(getattr(DEFAULT, key.section), **{key.attribute: value})
    return replace(DEFAULT, **{key.section: section})


def test_defaults_are_the_published_ones_as_fractions() -> None:
    assert DEFAULT.position_sizing == PositionSizing(D(1), D("0.02"), D("0.1"))
    assert DEFAULT.regime_overrides == RegimeOverrides(None, False, True)
    assert DEFAULT.performance_targets == PerformanceTargets(D(400), D("0.15"), D(2), D("0.6"))
    assert DEFAULT.risk_limits == RiskLimits(D("0.25"), D("0.02"), D(1), D("0.2"))
    assert DEFAULT.exits == Exits(ExitProfile.STANDARD, True, None)
    assert DEFAULT.execution == Execution(D(0), D(0))
    assert not DEFAULT.execution.is_configured
    assert Execution(slippage_bps=D(1)).is_configured


def test_every_field_of_every_section_is_a_key() -> None:
    fields = {
        (section, field)
        for section in DEFAULT.__dataclass_fields__
        for field in getattr(DEFAULT, section).__dataclass_fields__
    }
    assert {(key.section, key.attribute) for key in KEYS} == fields
    assert len(KEYS) == len(fields)


@pytest.mark.parametrize(
    ("path", "inside", "outside"),
    [
        ("position_sizing.max_position_size", "0.00000001 1", "0 -0.1 1.00000001"),
        ("position_sizing.risk_per_trade", "0.00000001 0.02", "0 0.02000001"),
        ("position_sizing.max_correlation_exposure", "0.01 1", "0 1.01"),
        ("performance_targets.target_roi", "0 100000", "-1 100001 NaN Infinity"),
        ("performance_targets.max_drawdown_tolerance", "0.01 1", "0 1.01"),
        ("performance_targets.min_sharpe_ratio", "0 100", "-0.1 101"),
        ("performance_targets.min_win_rate", "0 1", "-0.01 1.01 60"),
        ("risk_limits.max_stop_distance", "0.03 0.5", "0 0.51"),
        ("risk_limits.min_stop_distance", "0.0001 0.24", "0 0.51"),
        ("risk_limits.max_profit_target", "0.01 10", "0 10.01"),
        ("risk_limits.position_concentration_limit", "0.01 1", "0 1.01"),
        ("execution.commission_rate", "0 0.5", "-0.1 0.51"),
        ("execution.slippage_bps", "0 1000", "-1 1001"),
    ],
)
def test_numbers_are_held_to_their_range(path: str, inside: str, outside: str) -> None:
    for text in inside.split():
        assert changed(path, D(text)).value_of(KEY_BY_PATH[path]) == D(text)
    for text in outside.split():
        with pytest.raises(Invalid) as refused:
            changed(path, D(text))
        assert refused.value.code == "invalid_configuration"
        (fault,) = refused.value.errors
        assert (fault.pointer, fault.code) == (KEY_BY_PATH[path].pointer, "out_of_range")


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("position_sizing.risk_per_trade", 0.01, "wrong_type"),
        ("position_sizing.risk_per_trade", None, "wrong_type"),
        ("position_sizing.risk_per_trade", D("0.000000001"), "too_many_decimals"),
        ("exits.trailing", 1, "wrong_type"),
        ("exits.time_exit_sessions", True, "wrong_type"),
        ("exits.time_exit_sessions", 0, "out_of_range"),
        ("exits.time_exit_sessions", 1001, "out_of_range"),
        ("exits.profile", "fast", "unknown_name"),
        ("exits.profile", None, "wrong_type"),
        ("regime_overrides.force_regime", "bull", "unknown_name"),
    ],
)
def test_values_of_another_kind_are_refused(path: str, value: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        changed(path, value)
    assert [fault.code for fault in refused.value.errors] == [code]


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        DesktopConfiguration(
            position_sizing=PositionSizing(risk_per_trade=D(2)),
            performance_targets=PerformanceTargets(min_win_rate=D(60)),
        )
    assert [fault.pointer for fault in refused.value.errors] == [
        "/position_sizing/risk_per_trade", "/performance_targets/min_win_rate",
    ]  # fmt: skip


@pytest.mark.parametrize("narrowest", ["0.25", "0.3"])
def test_the_narrowest_stop_must_be_narrower_than_the_widest(narrowest: str) -> None:
    with pytest.raises(Invalid) as refused:
        DesktopConfiguration(risk_limits=RiskLimits(min_stop_distance=D(narrowest)))
    (fault,) = refused.value.errors
    assert (fault.pointer, fault.code) == ("/risk_limits/min_stop_distance", "min_above_max")


def test_a_cap_that_can_never_bind_is_a_warning() -> None:
    (default,) = DEFAULT.warnings()
    assert default.pointer == "/position_sizing/max_position_size"
    assert "risk_limits.position_concentration_limit" in default.message
    assert changed("position_sizing.max_position_size", D("0.2")).warnings() == ()
    tight = DesktopConfiguration(position_sizing=PositionSizing(D("0.2"), D("0.02"), D("0.01")))
    assert [warning.pointer for warning in tight.warnings()] == ["/position_sizing/risk_per_trade"]


LOW, BULL = MarketRegime.LOW_VOL_COMPLACENCY, MarketRegime.BULL_NORMAL


@pytest.mark.parametrize(
    ("path", "tight", "loose"),
    [
        ("position_sizing.max_position_size", D("0.5"), D("0.6")),
        ("position_sizing.risk_per_trade", D("0.01"), D("0.02")),
        ("position_sizing.max_correlation_exposure", D("0.05"), D("0.1")),
        ("performance_targets.max_drawdown_tolerance", D("0.1"), D("0.15")),
        ("risk_limits.max_stop_distance", D("0.1"), D("0.2")),
        ("risk_limits.min_stop_distance", D("0.03"), D("0.02")),
        ("risk_limits.max_profit_target", D("0.5"), D("1")),
        ("risk_limits.position_concentration_limit", D("0.1"), D("0.2")),
        ("regime_overrides.disable_transitions", False, True),
        ("regime_overrides.emergency_protocols", True, False),
        ("exits.profile", ExitProfile.STANDARD, ExitProfile.LEGACY),
        ("exits.trailing", True, False),
        ("exits.time_exit_sessions", 2, 3),
    ],
)
def test_a_key_loosens_one_way_and_tightens_the_other(path: str, tight: Any, loose: Any) -> None:
    key = KEY_BY_PATH[path]
    narrow, wide = changed(path, tight), changed(path, loose)
    assert narrow.loosened(wide) == (path,)
    assert wide.loosened(narrow) == ()
    assert key.direction(tight, loose) is Direction.LOOSER
    assert key.direction(loose, tight) is Direction.TIGHTER


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("regime_overrides.force_regime", None, BULL),
        ("regime_overrides.force_regime", LOW, BULL),
        ("exits.time_exit_sessions", None, 1),
    ],
)
def test_where_either_way_may_loosen_both_count_as_loosening(
    path: str, one: Any, other: Any
) -> None:
    assert changed(path, one).loosened(changed(path, other)) == (path,)
    assert changed(path, other).loosened(changed(path, one)) == (path,)


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("performance_targets.target_roi", D(400), D(50)),
        ("performance_targets.min_sharpe_ratio", D(2), D(1)),
        ("performance_targets.min_win_rate", D("0.6"), D("0.4")),
        ("execution.commission_rate", D(0), D("0.001")),
        ("execution.slippage_bps", D(5), D(1)),
    ],
)
def test_targets_and_costs_are_neither_tighter_nor_looser(path: str, one: Any, other: Any) -> None:
    assert changed(path, one).loosened(changed(path, other)) == ()
    assert changed(path, other).loosened(changed(path, one)) == ()
    assert KEY_BY_PATH[path].direction(one, other) is Direction.NEUTRAL
