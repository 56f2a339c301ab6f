"""Which fills the band lets through."""

from decimal import Decimal

import pytest

from domain.plans.balancing_plan import Band
from domain.plans.band_rule import is_allowed_by_band


@pytest.mark.parametrize(
    ("before", "after", "is_allowed"),
    [
        ("0.5", "0.755", True),
        ("0.5", "0.7551", False),
        ("0.5", "0.245", True),
        ("0.5", "0.2449", False),
        ("0.10", "0.11", True),
        ("0.10", "0.10", False),
        ("0.10", "0.09", False),
        ("0.90", "0.80", True),
        ("0.90", "0.91", False),
        ("0.90", "0.20", False),
        ("0.10", "0.80", False),
    ],
)
def test_a_fill_stays_near_the_band_or_moves_toward_it(
    before: str, after: str, is_allowed: bool
) -> None:
    assert is_allowed_by_band(Band(), Decimal(before), Decimal(after)) is is_allowed


def test_a_fill_that_leaves_no_equity_is_not_a_breach() -> None:
    assert is_allowed_by_band(Band(), Decimal("0.5"), None)
    assert not is_allowed_by_band(Band(), None, Decimal("0.9"))
