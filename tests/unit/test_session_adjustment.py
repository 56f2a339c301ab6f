"""Each row of the adjustment table at and beyond its threshold, in both profiles."""

from decimal import Decimal

import pytest

from domain.plans.regime_rules import ExitProfile
from domain.plans.session_adjustment import SessionAdjustment, session_adjustment
from tests.support.exit_trade import D, state

STANDARD, LEGACY = ExitProfile.STANDARD, ExitProfile.LEGACY


def adjusted(profile: ExitProfile = STANDARD, vix: str = "25", **numbers: str) -> SessionAdjustment:
    return session_adjustment(state(vix, **numbers), profile)


def factors(found: SessionAdjustment) -> tuple[Decimal, Decimal, Decimal]:
    return found.stop_factor, found.profit_factor, found.urgency


def test_without_history_everything_is_neutral() -> None:
    found = adjusted(t2108="10", momentum_ratio="0.01")
    assert factors(found) == (1, 1, 1)
    assert found.reason == "no_history"


def test_a_calm_session_is_neutral_and_says_so() -> None:
    found = adjusted(vix_change="1")
    assert factors(found) == (1, 1, 1)
    assert (found.reason, found.text) == ("none", "")


@pytest.mark.parametrize("profile", ExitProfile)
@pytest.mark.parametrize(
    "numbers",
    [
        {"vix_change": "15"},
        {"vix_change": "-15"},
        {"t2108_change": "-25"},
        {"t2108_change": "20"},
        {"momentum_ratio": "1", "momentum_previous": "2"},
        {"momentum_ratio": "2", "momentum_previous": "1"},
        {"momentum_ratio": "2", "momentum_previous": "0"},
        {"momentum_previous": "2"},
    ],
)
def test_a_threshold_itself_changes_nothing(profile: ExitProfile, numbers: dict[str, str]) -> None:
    assert factors(adjusted(profile, **numbers)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("profile", "numbers", "expected"),
    [
        # 1 + 0.02·5, 1 + 0.01·5; 1 − 0.02·5, 1 − 0.01·5
        (STANDARD, {"vix_change": "20"}, ("1.1", "1.05", "1")),
        (STANDARD, {"vix_change": "-20"}, ("0.9", "0.95", "1")),
        # 1.2 + 20/50, 1.1 + 20/100; 0.9 − 20/100, 0.95 − 20/200
        (LEGACY, {"vix_change": "20"}, ("1.6", "1.3", "1")),
        (LEGACY, {"vix_change": "-20"}, ("0.7", "0.85", "1")),
        (STANDARD, {"t2108_change": "-25.1"}, ("0.7", "0.8", "2")),
        (LEGACY, {"t2108_change": "20.1"}, ("1", "1.3", "1")),
        (STANDARD, {"momentum_ratio": "0.99", "momentum_previous": "2"}, ("0.8", "1", "1.5")),
        (STANDARD, {"momentum_ratio": "2.01", "momentum_previous": "1"}, ("1", "1.2", "1")),
    ],
)
def test_each_row(
    profile: ExitProfile, numbers: dict[str, str], expected: tuple[str, str, str]
) -> None:
    assert factors(adjusted(profile, **numbers)) == tuple(map(Decimal, expected))


def test_factors_multiply_and_the_largest_urgency_counts() -> None:
    found = adjusted(
        vix_change="20", t2108_change="-26", momentum_ratio="0.5", momentum_previous="2"
    )
    # 1.1·0.7·0.8 = 0.616; 1.05·0.8 = 0.84
    assert factors(found) == (D("0.616"), D("0.84"), D(2))
    assert found.text == (
        "vix_jump: VIX +20 points; breadth_drop: T2108 -26 points; momentum_drop: momentum 2 to 0.5"
    )


def test_only_the_standard_profile_is_clamped() -> None:
    # standard 1 + 0.02·45 = 1.9; legacy 1.2 + 60/50 = 2.4
    assert adjusted(STANDARD, vix_change="60").stop_factor == D("1.5")
    assert adjusted(LEGACY, vix_change="60").stop_factor == D("2.4")
    collapse = {"t2108_change": "-31", "momentum_ratio": "0.05", "momentum_previous": "2"}
    # 0.7·0.8·0.5 = 0.28; 0.8·0.6 = 0.48
    assert factors(adjusted(STANDARD, **collapse)) == (D("0.5"), D("0.5"), D(3))
    assert factors(adjusted(LEGACY, **collapse)) == (D("0.28"), D("0.48"), D(3))


@pytest.mark.parametrize(
    ("vix", "numbers", "protocol"),
    [
        ("25", {"t2108_change": "-30"}, None),
        ("25", {"t2108_change": "-30.1"}, "breadth_collapse"),
        ("60", {"vix_change": "25"}, None),
        ("60.1", {"vix_change": "20"}, None),
        ("60.1", {"vix_change": "20.1"}, "volatility_explosion"),
        ("25", {"momentum_ratio": "0.1", "momentum_previous": "1.1"}, None),
        ("25", {"momentum_ratio": "0.09", "momentum_previous": "1"}, None),
        ("25", {"momentum_ratio": "0.09", "momentum_previous": "1.1"}, "momentum_collapse"),
    ],
)
def test_each_emergency_at_its_threshold(
    vix: str, numbers: dict[str, str], protocol: str | None
) -> None:
    emergency = adjusted(vix=vix, **numbers).emergency
    assert (emergency and emergency.cause) == protocol


def test_the_emergency_with_the_smallest_stop_factor_is_the_one_that_applies() -> None:
    numbers = {
        "vix_change": "30",
        "t2108_change": "-40",
        "momentum_ratio": "0.05",
        "momentum_previous": "2",
    }
    found = adjusted(LEGACY, vix="70", **numbers)
    assert found.emergency is not None
    assert found.emergency.cause == "momentum_collapse"
    # (1.2 + 0.6)·0.7·0.8·0.5; (1.1 + 0.3)·0.8·0.6
    assert factors(found) == (D("0.504"), D("0.672"), D(3))


def test_emergencies_can_be_switched_off_alone() -> None:
    market = state("70", vix_change="30", t2108_change="-40")
    found = session_adjustment(market, LEGACY, with_emergencies=False)
    assert found.emergency is None
    # (1.2 + 0.6)·0.7; (1.1 + 0.3)·0.8
    assert factors(found) == (D("1.26"), D("1.12"), D(2))
