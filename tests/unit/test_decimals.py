"""Exact numbers: every rounding has a name and a direction, and nothing else rounds."""

import threading
from decimal import Decimal, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.decimals import (
    cash,
    ceil_to,
    decimals_of,
    divide,
    floor_to,
    fraction,
    plain,
    quantity_to_step,
)

D = Decimal
numbers = st.decimals(-(10**15), 10**15, places=12)
steps = st.sampled_from([D("1"), D("0.01"), D("0.25"), D("0.0001"), D("0.00000001"), D(100)])


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.0000005", "0"), ("0.0000015", "0.000002"), ("0.0000025", "0.000002"),
     ("-0.0000015", "-0.000002"), ("2.00000050000001", "2.000001")],
)  # fmt: skip
def test_ledger_cash_is_six_decimals_half_even(amount: str, rounded: str) -> None:
    assert cash(D(amount)) == D(rounded)


def test_a_fraction_is_ten_decimals() -> None:
    assert fraction(D(1) / D(3)) == D("0.3333333333")


@given(numbers, steps)
def test_a_quantity_is_cut_toward_zero_to_a_whole_number_of_steps(
    value: Decimal, step: Decimal
) -> None:
    cut = quantity_to_step(value, step)
    assert cut % step == 0
    assert abs(cut) <= abs(value) < abs(cut) + step
    assert cut == 0 or (cut > 0) == (value > 0)


@given(numbers, steps)
def test_floor_and_ceiling_enclose_the_value_within_one_step(value: Decimal, step: Decimal) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)
    assert low <= value <= high
    assert high - low in (0, step)
    assert low % step == high % step == 0


@pytest.mark.parametrize(
    ("text", "digits"),
    [("1.50", 1), ("100", 0), ("1E+2", 0), ("0", 0), ("0.000", 0), ("1e-18", 18), ("-0.10", 1),
     ("1.5" + "0" * 60 + "1", 62), ("12345678901234567890.1", 1)],
)  # fmt: skip
def test_fraction_digits_are_counted_however_many_there_are(text: str, digits: int) -> None:
    assert decimals_of(D(text)) == digits


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20))
def test_plain_text_is_the_exact_value_without_exponent_or_padding(value: Decimal) -> None:
    text = plain(value)
    assert D(text) == value
    assert "E" not in text.upper()
    assert text != "-0"
    assert "." not in text or not text.endswith(("0", "."))


def test_every_thread_computes_with_fifty_digits() -> None:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(getcontext().prec))
    thread.start()
    thread.join()
    assert [*seen, getcontext().prec] == [50, 50]
    assert str(divide(D(1), D(3))) == "0." + "3" * 50
