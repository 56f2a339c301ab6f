"""Published units and domain units, and what is said about a document that does not fit."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.risk.change_configuration import parse_patch
from application.risk.configuration_document import (
    DEFAULTS,
    FAULTS_MAX,
    checked,
    configuration_of,
    in_domain_units,
    layer_of,
    nested,
    published,
    unit_of,
)
from domain.risk.desktop_configuration import DesktopConfiguration
from domain.risk.desktop_keys import KEY_BY_PATH, KEYS, SECTIONS
from domain.shared.canonical import canonical_json
from domain.shared.errors import FieldFault, Invalid

PUBLISHED = Path(__file__).parents[1] / "data" / "configuration" / "config.json"
D = Decimal


def faults_of(document: object) -> list[tuple[str, str]]:
    faults: list[FieldFault] = []
    layer_of(document, faults)
    return [(fault.pointer, fault.code) for fault in faults]


def test_the_published_file_says_the_defaults() -> None:
    document = json.loads(PUBLISHED.read_text(), parse_float=Decimal)
    faults: list[FieldFault] = []
    layer = layer_of(document, faults)
    assert faults == []
    assert len(layer) == 14
    assert configuration_of({**DEFAULTS, **layer}) == DesktopConfiguration()


def test_defaults_are_shown_in_published_units() -> None:
    assert canonical_json(nested(DEFAULTS)) == canonical_json(
        {
            "position_sizing": {
                "max_position_size": 100, "risk_per_trade": 2, "max_correlation_exposure": 10,
            },
            "regime_overrides": {
                "force_regime": None, "disable_transitions": False, "emergency_protocols": True,
            },
            "performance_targets": {
                "target_roi": 400, "max_drawdown_tolerance": 15, "min_sharpe_ratio": 2,
                "min_win_rate": D("0.6"),
            },
            "risk_limits": {
                "max_stop_distance": 25, "min_stop_distance": 2, "max_profit_target": 100,
                "position_concentration_limit": 20,
            },
            "exits": {"profile": "standard", "trailing": True, "time_exit_sessions": None},
            "execution": {"commission_rate": 0, "slippage_bps": 0},
        }
    )  # fmt: skip
    assert tuple(nested(DEFAULTS)) == SECTIONS


def test_units_follow_from_the_key() -> None:
    units = {key.name: unit_of(key) for key in KEYS}
    assert units["risk_per_trade"] == "percent_of_equity"
    assert units["max_stop_distance"] == "percent_of_entry"
    assert units["min_win_rate"] == "fraction_of_trades"
    assert units["target_roi"] == "percent_per_year"
    assert units["commission_rate"] == "fraction_of_notional"


@pytest.mark.parametrize(
    ("path", "shown", "meant"),
    [
        ("position_sizing.risk_per_trade", "1.5", "0.015"),
        ("risk_limits.max_stop_distance", "0.5", "0.005"),
        ("performance_targets.min_win_rate", "0.55", "0.55"),
        ("performance_targets.target_roi", "120", "120"),
        ("execution.commission_rate", "0.001", "0.001"),
    ],
)
def test_a_published_number_becomes_the_domains_and_comes_back(
    path: str, shown: str, meant: str
) -> None:
    key = KEY_BY_PATH[path]
    assert in_domain_units(key, D(shown)) == D(meant)
    assert published(key, D(meant)) == D(shown)


@pytest.mark.parametrize("value", [2, D("2.00"), "2", "2.0", "2e0", 2.0])
def test_a_number_may_come_as_decimal_text(value: object) -> None:
    kept = checked(KEY_BY_PATH["position_sizing.risk_per_trade"], value)
    assert kept == D(2) and isinstance(kept, Decimal)


def test_a_share_of_trades_given_in_percent_is_told_its_unit() -> None:
    faults: list[FieldFault] = []
    layer_of({"performance_targets": {"min_win_rate": 60}}, faults)
    (fault,) = faults
    assert (fault.pointer, fault.code) == ("/performance_targets/min_win_rate", "out_of_range")
    assert "fraction" in fault.message and "0.6 means 60 %" in fault.message


@pytest.mark.parametrize(
    ("document", "nearest"),
    [
        ({"risk_limits": {"max_stop_distanc": 1}}, "risk_limits.max_stop_distance"),
        ({"risk_limits": {"MIN_STOP": 1}}, "risk_limits.min_stop_distance"),
        ({"risk_limits": {"risk_per_trade": 1}}, "position_sizing.risk_per_trade"),
        ({"risk_limit": {}}, "risk_limits"),
        ({"max_stop_distance": 20}, "risk_limits.max_stop_distance"),
        ({"": {}}, ""),
    ],
)
def test_an_unknown_key_is_told_the_nearest_known_one(document: object, nearest: str) -> None:
    faults: list[FieldFault] = []
    assert layer_of(document, faults) == {}
    (fault,) = faults
    assert fault.code == "unknown_key"
    assert nearest in fault.message


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], [("", "wrong_type")]),
        (None, [("", "wrong_type")]),
        ({"risk_limits": 5}, [("/risk_limits", "wrong_type")]),
        ({"risk_limits": None}, [("/risk_limits", "wrong_type")]),
        (
            {"position_sizing": {"risk_per_trade": 3, "x/y~": 1}, "exits": {"trailing": "on"}},
            [
                ("/position_sizing/risk_per_trade", "out_of_range"),
                ("/position_sizing/x~1y~0", "unknown_key"),
                ("/exits/trailing", "wrong_type"),
            ],
        ),
        (
            {"position_sizing": {"risk_per_trade": None}},
            [("/position_sizing/risk_per_trade", "wrong_type")],
        ),
        (
            {"position_sizing": {"risk_per_trade": True}},
            [("/position_sizing/risk_per_trade", "wrong_type")],
        ),
        (
            {"position_sizing": {"risk_per_trade": D("1.1234567")}},
            [("/position_sizing/risk_per_trade", "too_many_decimals")],
        ),
        (
            {"position_sizing": {"risk_per_trade": D("1e-300")}},
            [("/position_sizing/risk_per_trade", "too_many_decimals")],
        ),
        (
            {"position_sizing": {"risk_per_trade": 10**390}},
            [("/position_sizing/risk_per_trade", "out_of_range")],
        ),
        (
            {"position_sizing": {"risk_per_trade": float("nan")}},
            [("/position_sizing/risk_per_trade", "out_of_range")],
        ),
        (
            {"exits": {"time_exit_sessions": D("2.5")}},
            [("/exits/time_exit_sessions", "wrong_type")],
        ),
        ({"exits": {"time_exit_sessions": 0}}, [("/exits/time_exit_sessions", "out_of_range")]),
        ({"exits": {"profile": ["x"]}}, [("/exits/profile", "unknown_name")]),
        ({"exits": {"profile": {}}}, [("/exits/profile", "unknown_name")]),
        (
            {"regime_overrides": {"force_regime": "BULL_NORMAL"}},
            [("/regime_overrides/force_regime", "unknown_name")],
        ),
    ],
)
def test_every_fault_has_its_pointer(document: object, expected: list[tuple[str, str]]) -> None:
    assert faults_of(document) == expected


def test_looking_for_near_names_ends_after_many_faults() -> None:
    assert len(faults_of({f"k{n}" * 50: {} for n in range(5000)})) == FAULTS_MAX
    many = faults_of({"exits": {f"k{n}" * 5000: 1 for n in range(5000)}})
    assert len(many) == FAULTS_MAX
    assert max(len(pointer) for pointer, _ in many) < 100


def test_null_in_a_patch_gives_back_except_where_null_is_a_value() -> None:
    body: dict[str, Any] = {
        "risk_limits": {"max_stop_distance": None, "min_stop_distance": 3},
        "regime_overrides": {"force_regime": None},
        "exits": None,
        "reason": "  calmer  ",
    }
    patch = parse_patch(body)
    assert patch.values == {
        "risk_limits.min_stop_distance": D(3), "regime_overrides.force_regime": None,
    }  # fmt: skip
    assert patch.dropped == {
        "risk_limits.max_stop_distance", "exits.profile", "exits.trailing",
        "exits.time_exit_sessions",
    }  # fmt: skip
    assert patch.reason == "calmer"


@pytest.mark.parametrize("reason", [5, "x" * 501, ["why"]])
def test_a_reason_is_a_text_of_bounded_length(reason: object) -> None:
    with pytest.raises(Invalid) as refused:
        parse_patch({"reason": reason})
    assert [fault.pointer for fault in refused.value.errors] == ["/reason"]


def test_an_unknown_section_that_is_null_is_still_unknown() -> None:
    with pytest.raises(Invalid, match="nearest known key is risk_limits"):
        parse_patch({"risk_limit": None})
