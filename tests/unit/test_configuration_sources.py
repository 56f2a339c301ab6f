"""The configuration file and the environment's pins: what is accepted, and where a fault lies."""

from decimal import Decimal
from pathlib import Path

import pytest

from application.risk.configuration_sources import StartSources, environment_layer, file_layer
from application.risk.configuration_variables import variable_of
from application.risk.configuration_version import Layers
from application.risk.effective_configuration import Source, merged
from domain.risk.desktop_keys import KEYS
from domain.shared.errors import Invalid

PUBLISHED = Path(__file__).parents[1] / "data" / "configuration" / "config.json"
D = Decimal


def test_the_published_file_is_read_verbatim() -> None:
    layer = file_layer(PUBLISHED.read_text(), "config.json")
    effective = merged(Layers(layer), 2)
    assert effective.hash == merged(Layers(), 1).hash
    assert {effective.sources[path] for path in layer} == {Source.FILE}


def test_a_file_with_one_key_keeps_every_other_default() -> None:
    layer = file_layer('\ufeff{"risk_limits": {"max_stop_distance": 20.0}}', "config.json")
    effective = merged(Layers(layer), 2)
    assert effective.configuration.risk_limits.max_stop_distance == D("0.2")
    assert effective.configuration.risk_limits.min_stop_distance == D("0.02")
    assert file_layer('{"risk_limits": {}}', "config.json") == {}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"risk_limits": {"max_stop_distance": 20,}}', 1, 42),
        ('{\n "exits": {\n  "trailing": yes\n }\n}', 3, 15),
        ("", 1, 1),
        ('{"exits": {}}\n}', 2, 1),
        ('{"risk_limits":\n {"max_stop_distance": NaN}}', 2, 24),
        ('{"a": "NaN", "risk_limits":\n {"max_stop_distance": -Infinity}}', 2, 24),
    ],
)
def test_bad_json_is_named_with_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(Invalid) as refused:
        file_layer(text, "config.json")
    assert refused.value.code == "malformed_configuration"
    assert f"config.json is not valid JSON: line {line} column {column}: " in refused.value.message
    assert "\n" not in refused.value.message


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(Invalid, match="the key trailing is there twice"):
        file_layer('{"exits": {"trailing": true, "trailing": false}}', "config.json")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Invalid):
        file_layer('{"exits": ' + "[" * 200_000, "config.json")


def test_invalid_content_is_one_line_with_every_pointer() -> None:
    with pytest.raises(Invalid) as refused:
        file_layer(
            '{"risk_limits": {"max_stop": 20}, "performance_targets": {"min_win_rate": 60}}',
            "config.json",
        )
    assert refused.value.code == "invalid_configuration"
    message = refused.value.message
    assert message.startswith("config.json is not valid: /risk_limits/max_stop: unknown key")
    assert "/performance_targets/min_win_rate: a fraction of trades" in message
    assert "\n" not in message


def test_variables_pin_keys() -> None:
    layer = environment_layer(
        {
            "BALLAST_CONFIG__RISK_LIMITS__MAX_STOP_DISTANCE": " 12.5 ",
            "ballast_config__exits__trailing": "off",
            "BALLAST_CONFIG__REGIME_OVERRIDES__FORCE_REGIME": "null",
            "BALLAST_CONFIG__EXITS__TIME_EXIT_SESSIONS": "5",
            "BALLAST_CONFIG__EXITS__PROFILE": "legacy",
            "BALLAST_CONFIG_FILE": "/somewhere",
            "PATH": "/bin",
        }
    )
    assert layer == {
        "risk_limits.max_stop_distance": D("12.5"), "exits.trailing": False,
        "regime_overrides.force_regime": None, "exits.time_exit_sessions": 5,
        "exits.profile": "legacy",
    }  # fmt: skip


def test_every_key_has_a_variable_of_its_own() -> None:
    assert len({variable_of(key.path) for key in KEYS}) == len(KEYS)
    assert variable_of("risk_limits.max_stop_distance") == (
        "BALLAST_CONFIG__RISK_LIMITS__MAX_STOP_DISTANCE"
    )


@pytest.mark.parametrize(
    ("variable", "value", "code", "said"),
    [
        (
            "BALLAST_CONFIG__RISK_LIMITS__MAX_STOP", "5", "unknown_key",
            "BALLAST_CONFIG__RISK_LIMITS__MAX_STOP_DISTANCE",
        ),
        ("BALLAST_CONFIG__EXITS__TRAILING", "maybe", "wrong_type", "true or false"),
        ("BALLAST_CONFIG__EXITS__TRAILING", "", "wrong_type", "true or false"),
        ("BALLAST_CONFIG__POSITION_SIZING__RISK_PER_TRADE", "5", "out_of_range", "at most 2"),
        ("BALLAST_CONFIG__POSITION_SIZING__RISK_PER_TRADE", "null", "wrong_type", "at most 2"),
        ("BALLAST_CONFIG__PERFORMANCE_TARGETS__MIN_WIN_RATE", "60", "out_of_range", "fraction"),
    ],
)  # fmt: skip
def test_a_bad_variable_is_named_and_told_what_is_allowed(
    variable: str, value: str, code: str, said: str
) -> None:
    with pytest.raises(Invalid) as refused:
        environment_layer({variable: value})
    (fault,) = refused.value.errors
    assert (fault.pointer, fault.code) == (variable, code)
    assert said in fault.message


def test_later_layers_win_key_by_key() -> None:
    path = "risk_limits.max_stop_distance"
    effective = merged(Layers({path: D(30)}, {path: D(28)}, {path: D(26)}), 2)
    assert effective.values[path] == D(26)
    assert effective.sources[path] is Source.ENVIRONMENT
    assert merged(Layers({path: D(30)}, {path: D(28)}), 2).values[path] == D(28)
    assert merged(Layers({path: D(30)}), 2).sources["exits.profile"] is Source.DEFAULT


def test_two_layers_that_do_not_fit_together_are_both_named() -> None:
    sources = StartSources(
        {"risk_limits.max_stop_distance": D(5)}, {"risk_limits.min_stop_distance": D(10)}
    )
    with pytest.raises(Invalid, match="set by environment and file"):
        sources.require_valid()
