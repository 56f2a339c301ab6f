"""Layers of the configuration: exact units, key-by-key precedence, all or nothing."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from application.risk.change_configuration import parse_patch
from application.risk.configuration_document import (
    DEFAULTS,
    checked,
    in_domain_units,
    layer_of,
    nested,
    published,
    published_bounds,
)
from application.risk.configuration_version import Layers
from application.risk.effective_configuration import Source, merged
from domain.risk.desktop_keys import KEY_BY_PATH, KEYS, ConfigurationKey, Direction, Unit
from domain.shared.errors import FieldFault, Invalid


def values_of(key: ConfigurationKey) -> st.SearchStrategy[object]:
    """Every published value a key allows, but stops that would cross."""
    null = [st.none()] if key.may_be_null else []
    if key.unit is Unit.SWITCH:
        return st.booleans()
    if key.unit is Unit.NAME:
        return st.one_of(st.sampled_from(key.names), *null)
    low, high, from_included = published_bounds(key)
    if key.unit is Unit.SESSIONS:
        return st.one_of(st.integers(int(low), int(high)), *null)
    if key.name == "min_stop_distance":
        high = Decimal(2)
    if key.name == "max_stop_distance":
        low, from_included = Decimal(2), False
    numbers = st.decimals(low, high, places=6)
    return numbers if from_included else numbers.filter(lambda n: n > low)


def layers() -> st.SearchStrategy[dict[str, object]]:
    """Values of some of the keys."""
    each = {key.path: values_of(key) for key in KEYS}
    return st.fixed_dictionaries({}, optional=each)


@given(st.data())
def test_a_published_value_comes_back_from_domain_units_exactly(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(KEYS))
    value = checked(key, data.draw(values_of(key)))
    assert published(key, in_domain_units(key, value)) == value
    assert key.fault(in_domain_units(key, value)) is None


@given(layers(), layers(), layers())
def test_each_key_has_the_value_of_its_highest_layer(
    file: dict[str, object], changes: dict[str, object], environment: dict[str, object]
) -> None:
    effective = merged(Layers(file, changes, environment), 2)
    order = [
        (Source.ENVIRONMENT, environment), (Source.API, changes), (Source.FILE, file),
        (Source.DEFAULT, DEFAULTS),
    ]  # fmt: skip
    for path, value in effective.values.items():
        source, layer = next((s, layer) for s, layer in order if path in layer)
        assert (value, effective.sources[path]) == (layer[path], source)
        key = KEY_BY_PATH[path]
        assert effective.configuration.value_of(key) == in_domain_units(key, value)


@given(layers(), layers())
def test_the_hash_is_that_of_the_values_whatever_layer_they_come_from(
    one: dict[str, object], other: dict[str, object]
) -> None:
    as_file = merged(Layers({**one, **other}), 2)
    as_changes = merged(Layers(one, other), 3)
    assert as_file.hash == as_changes.hash
    assert (as_file.hash == merged(Layers(), 1).hash) == (as_file.values == DEFAULTS)


@given(layers(), st.data())
def test_one_bad_value_spoils_the_whole_document(
    good: dict[str, object], data: st.DataObject
) -> None:
    bad = data.draw(st.sampled_from([key for key in KEYS if key.unit is not Unit.NAME]))
    document: dict[str, dict[str, object]] = {}
    for path, value in {**good, bad.path: [1]}.items():
        key = KEY_BY_PATH[path]
        document.setdefault(key.section, {})[key.name] = value
    faults: list[FieldFault] = []
    layer_of(document, faults)
    assert [fault.pointer for fault in faults] == [bad.pointer]
    try:
        parse_patch(document)
    except Invalid as refused:
        assert [fault.pointer for fault in refused.errors] == [bad.pointer]
    else:
        raise AssertionError("accepted")


@given(layers(), layers())
def test_a_change_and_its_reverse_cannot_both_be_tightenings(
    before: dict[str, object], after: dict[str, object]
) -> None:
    one, other = merged(Layers(before), 2), merged(Layers(after), 3)
    forth = {str(item["path"]): item["direction"] for item in one.diff(other)}
    back = {str(item["path"]): item["direction"] for item in other.diff(one)}
    assert forth.keys() == back.keys()
    loosened = one.configuration.loosened(other.configuration)
    assert {path for path, way in forth.items() if way == Direction.LOOSER} == set(loosened)
    for path, way in forth.items():
        assert (way, back[path]) != (Direction.TIGHTER, Direction.TIGHTER)
        assert (way == Direction.NEUTRAL) == (back[path] == Direction.NEUTRAL)


@given(layers())
def test_a_document_is_read_back_as_it_was_shown(values: dict[str, object]) -> None:
    shown = nested(merged(Layers(values), 2).values)
    faults: list[FieldFault] = []
    again = layer_of(shown, faults)
    assert faults == []
    assert again == merged(Layers(values), 2).values
