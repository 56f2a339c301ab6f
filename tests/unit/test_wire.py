"""The wire: strict in, exact out."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.api.wire import Exact, MalformedJson, Moment, encode, parse_json

D = Decimal
EXACT = TypeAdapter(Exact)
MOMENT = TypeAdapter(Moment)


@given(st.decimals(-(10**12), 10**12, places=8))
def test_a_decimal_survives_the_wire_digit_for_digit(value: Decimal) -> None:
    read = parse_json(encode({"x": value}))["x"]
    assert Decimal(read) == value
    assert EXACT.validate_python(read) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("0.10"), b"0.1"),
        (D("1E+3"), b"1000"),
        (D("-0.0"), b"0"),
        (datetime(2026, 1, 5, 15, tzinfo=UTC), b'"2026-01-05T15:00:00Z"'),
        (datetime(2026, 1, 5, 15, 0, 0, 250000, tzinfo=UTC), b'"2026-01-05T15:00:00.250000Z"'),
        ((1, D("2.5")), b"[1,2.5]"),
    ],
)
def test_answers_are_exact_text(value: object, text: bytes) -> None:
    assert encode(value) == text


@pytest.mark.parametrize("depth", [1, 31, 32])
def test_nesting_up_to_the_limit_is_read(depth: int) -> None:
    assert parse_json(b"[" * depth + b"]" * depth) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"[" * 40 + b'"' + b'\\"' * 50_000,
        b"[" * 100_000,
        b'{"a":1,"a":1}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"\xff",
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b'["\\u0000"]',
        b"1" * 500,
        b"1e999999999999999999999",
        b"",
        b"{",
        b"'a'",
        b"[1,]",
        b"01",
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_ambiguous_or_unrepresentable_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        parse_json(body)


def test_brackets_inside_texts_are_no_nesting() -> None:
    text = "[{" * 50 + '"' + "]}" * 50 + "\\"
    assert parse_json(encode({"a": text, "b": [text] * 3}))["a"] == text


def test_a_surrogate_pair_is_one_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize(
    ("given_value", "read"),
    [(1, "1"), (D("1.50"), "1.5"), ("1.50", "1.5"), ("-2e3", "-2000"), (0.1, "0.1"), ("+1", "1"),
     (10**19, "1e19"), ("0.000000000000000001", "1e-18")],
)  # fmt: skip
def test_numbers_and_decimal_texts_are_read_exactly(given_value: object, read: str) -> None:
    assert EXACT.validate_python(given_value) == D(read)


@pytest.mark.parametrize(
    "value",
    [True, None, "", " 1", "1 ", "1,5", "1_000", "١", "NaN", "Infinity", "0x10", "1e9999", "--1",
     10**20, D("1e-19"), D("NaN"), D("Infinity"), D("1.5" + "0" * 55 + "1"), "9" * 65, [], {}],
)  # fmt: skip
def test_what_is_no_exact_number_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        EXACT.validate_python(value)


@pytest.mark.parametrize(
    "value",
    ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "now", ""],
)
def test_an_instant_needs_an_offset_and_a_year_every_calendar_knows(value: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(value)


def test_instants_are_kept_in_utc() -> None:
    assert MOMENT.validate_python("2026-01-05T10:00:00-05:00") == datetime(
        2026, 1, 5, 15, tzinfo=UTC
    )
    assert MOMENT.validate_python("2026-01-05T10:00:00-05:00").tzinfo is UTC
