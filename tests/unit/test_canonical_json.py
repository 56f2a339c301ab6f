"""Canonical JSON: one text per meaning, so equal requests sign equally and others do not."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.canonical import canonical_json, signature

D = Decimal
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(-(10**9), 10**9, places=9)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (D("1.5"), D("1.50")),
        (1, D("1.000")),
        (D("1E+2"), 100),
        (1.5, D("1.5")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ((1, 2), [1, 2]),
        (D("-0"), 0),
    ],
)
def test_spellings_of_one_meaning_sign_equally(one: object, other: object) -> None:
    assert canonical_json(one) == canonical_json(other)
    assert signature(one) == signature(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, "1"), (None, 0), (False, 0), (True, 1), ([], {}), (None, "null"), ([1, 2], [2, 1]),
     ({"a": None}, {}), ("é", "e\u0301"), (D("0.1"), D("0.10000000000000000001"))],
)  # fmt: skip
def test_different_meanings_sign_differently(one: object, other: object) -> None:
    assert signature(one) != signature(other)


@given(documents)
def test_the_text_is_json_and_reading_it_back_gives_the_same_text(document: object) -> None:
    text = canonical_json(document)
    assert canonical_json(json.loads(text, parse_float=Decimal)) == text
    assert text.encode().decode() == text


def test_keys_are_sorted_and_nothing_is_padded() -> None:
    document = {"b": [1, D("2.50"), None], "a": {"z": True, "é": "ü\n"}}
    assert canonical_json(document) == '{"a":{"z":true,"é":"ü\\n"},"b":[1,2.5,null]}'


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json({"deep": [value]})
