"""The desktop configuration as it is published: percent points where a share or distance is meant.

A layer holds published values by path (`risk_limits.max_stop_distance`); later layers win. The unit
of a number follows from its key, never from its size.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice

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
from domain.risk.desktop_keys import (
    DECIMALS_MAX,
    KEY_BY_PATH,
    KEYS,
    SECTIONS,
    ConfigurationKey,
    ExitProfile,
    Unit,
)
from domain.shared.decimals import EXACT, INTEGER_DIGITS_MAX, ONE, decimals_of, plain
from domain.shared.errors import Defect, FieldFault

Layer = Mapping[str, object]
_HUNDRED = Decimal(100)
_TEXT_MAX = 64
_SHOWN_MAX = 64
FAULTS_MAX = 50
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)

PUBLISHED_UNITS: dict[Unit, str] = {
    Unit.FRACTION_OF_EQUITY: "percent_of_equity",
    Unit.FRACTION_OF_ENTRY: "percent_of_entry",
    Unit.FRACTION_OF_PEAK: "percent_of_peak",
    Unit.FRACTION_OF_TRADES: "fraction_of_trades",
    Unit.FRACTION_OF_NOTIONAL: "fraction_of_notional",
    Unit.PERCENT_PER_YEAR: "percent_per_year",
    Unit.RATIO: "ratio",
    Unit.BASIS_POINTS: "basis_points",
    Unit.SESSIONS: "sessions",
    Unit.SWITCH: "boolean",
    Unit.NAME: "name",
}
_IN_PERCENT = (Unit.FRACTION_OF_EQUITY, Unit.FRACTION_OF_ENTRY, Unit.FRACTION_OF_PEAK)
_SECTION_TYPES = {
    "position_sizing": PositionSizing,
    "regime_overrides": RegimeOverrides,
    "performance_targets": PerformanceTargets,
    "risk_limits": RiskLimits,
    "exits": Exits,
    "execution": Execution,
}


class Unreadable(ValueError):
    """A value that is not one of its key; `code` and the sentence never show the value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def unit_of(key: ConfigurationKey) -> str:
    """`percent_of_equity`: what a published number of the key measures."""
    return PUBLISHED_UNITS[key.unit]


def published(key: ConfigurationKey, value: object) -> object:
    """The published form of a value in domain units."""
    if isinstance(value, Decimal) and key.unit in _IN_PERCENT:
        value = EXACT.multiply(value, _HUNDRED)
    if isinstance(value, Decimal):
        return Decimal(plain(value))
    return str(value) if key.unit is Unit.NAME and value is not None else value


def in_domain_units(key: ConfigurationKey, value: object) -> object:
    """The domain's form of a published value that `checked` has accepted."""
    if value is None or key.unit is Unit.SWITCH:
        return value
    if key.unit is Unit.NAME:
        return ExitProfile(str(value)) if key.name == "profile" else MarketRegime(str(value))
    if key.unit is Unit.SESSIONS:
        return int(str(value))
    number = Decimal(str(value))
    return EXACT.divide(number, _HUNDRED) if key.unit in _IN_PERCENT else number


def checked(key: ConfigurationKey, value: object) -> object:
    """The published value as it is kept; numbers may come as decimal text.

    Raises Unreadable `wrong_type`, `out_of_range`, `too_many_decimals` or `unknown_name`.
    """
    if value is None and key.may_be_null:
        return None
    if key.unit is Unit.SWITCH:
        if not isinstance(value, bool):
            raise Unreadable("wrong_type", "true or false")
        return value
    if key.unit is Unit.NAME:
        if value not in key.names:
            raise Unreadable("unknown_name", allowed(key))
        return value
    number = _number(value)
    if number is None:
        raise Unreadable("wrong_type", allowed(key))
    return _checked_number(key, number)


def _checked_number(key: ConfigurationKey, number: Decimal) -> object:
    if not number.is_finite() or number.adjusted() >= INTEGER_DIGITS_MAX:
        raise Unreadable("out_of_range", allowed(key))
    if key.unit is Unit.SESSIONS:
        if decimals_of(number):
            raise Unreadable("wrong_type", allowed(key))
        whole = int(number)
        if key.fault(whole):
            raise Unreadable("out_of_range", allowed(key))
        return whole
    decimals = DECIMALS_MAX - 2 if key.unit in _IN_PERCENT else DECIMALS_MAX
    if decimals_of(number) > decimals:
        raise Unreadable("too_many_decimals", f"at most {decimals} decimals")
    if key.fault(in_domain_units(key, number)):
        raise Unreadable("out_of_range", allowed(key))
    return Decimal(plain(number))


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str) and len(value) <= _TEXT_MAX and _NUMBER.fullmatch(value):
        return Decimal(value)
    return None


def allowed(key: ConfigurationKey) -> str:
    """The key's range in its published unit, as a sentence without its full stop."""
    or_null = ", or null" if key.may_be_null else ""
    if key.unit is Unit.SWITCH:
        return "true or false"
    if key.unit is Unit.NAME:
        return f"one of: {', '.join(key.names)}{or_null}"
    bounds = published_bounds(key)
    low, high = plain(bounds[0]), plain(bounds[1])
    span = f"from {low} to {high}" if bounds[2] else f"above {low} and at most {high}"
    words = unit_of(key).replace("_", " ")
    if key.unit is Unit.FRACTION_OF_TRADES:
        return f"a {words} {span}, not percent: 0.6 means 60 %"
    if key.unit is Unit.FRACTION_OF_NOTIONAL:
        return f"a {words} {span}, not percent: 0.001 means 0.1 %"
    if key.unit is Unit.RATIO:
        return f"a ratio {span}"
    return f"{span} {words}{or_null}"


def published_bounds(key: ConfigurationKey) -> tuple[Decimal, Decimal, bool]:
    """Bounds of a number in its published unit, and whether the lower one is included."""
    if key.range is None:
        raise Defect("no_range", f"{key.path} is no number.")
    by = _HUNDRED if key.unit in _IN_PERCENT else ONE
    low, high = (EXACT.multiply(bound, by) for bound in (key.range.low, key.range.high))
    return low, high, key.range.from_included


def unknown(pointer: str, name: str, known: Mapping[str, str]) -> FieldFault:
    """The fault of a key that does not exist; `known` gives the shown name by what is compared."""
    nearest = difflib.get_close_matches(name[:_SHOWN_MAX].lower(), known, n=1, cutoff=0.0)
    return FieldFault(
        pointer, "unknown_key", f"unknown key; the nearest known key is {known[nearest[0]]}"
    )


def layer_of(document: object, faults: list[FieldFault]) -> dict[str, object]:
    """The values a document of sections holds; what is wrong goes to `faults`, all of it."""
    values: dict[str, object] = {}
    for key, value in members_of(document, faults):
        try:
            values[key.path] = checked(key, value)
        except Unreadable as reason:
            faults.append(FieldFault(key.pointer, reason.code, str(reason)))
    return values


def members_of(
    document: object, faults: list[FieldFault]
) -> Iterator[tuple[ConfigurationKey, object]]:
    """Every known key that the document names, with its raw value.

    Looks no further after FAULTS_MAX faults: finding the nearest name costs time.
    """
    if not isinstance(document, Mapping):
        faults.append(FieldFault("", "wrong_type", "an object of sections"))
        return
    for section, members in document.items():
        if len(faults) >= FAULTS_MAX:
            return
        pointer = _pointer(section)
        if section not in SECTIONS:
            faults.append(unknown(pointer, str(section), _nearest_for_section()))
        elif not isinstance(members, Mapping):
            faults.append(FieldFault(pointer, "wrong_type", "an object of keys"))
        else:
            for name, value in islice(members.items(), FAULTS_MAX):
                key = KEY_BY_PATH.get(f"{section}.{name}")
                if key is None:
                    below = _pointer(section, name)
                    faults.append(unknown(below, str(name), _nearest_for_key(section)))
                else:
                    yield key, value


def _pointer(*steps: object) -> str:
    texts = (str(step)[:_SHOWN_MAX] for step in steps)
    return "".join("/" + text.replace("~", "~0").replace("/", "~1") for text in texts)


def _nearest_for_section() -> dict[str, str]:
    """A key that was written outside of its section is told where it belongs."""
    return {name: name for name in SECTIONS} | {key.name: key.path for key in KEYS}


def _nearest_for_key(section: str) -> dict[str, str]:
    others = {key.name: key.path for key in KEYS if key.section != section}
    return others | {key.name: key.path for key in KEYS if key.section == section}


def configuration_of(values: Layer) -> DesktopConfiguration:
    """The value that rules read. Invalid `invalid_configuration` for values that do not fit."""
    sections = {
        section: kind(
            **{
                key.attribute: in_domain_units(key, values[key.path])
                for key in KEYS
                if key.section == section
            }
        )
        for section, kind in _SECTION_TYPES.items()
    }
    return DesktopConfiguration(**sections)


def nested(values: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """Values by path as a document of sections, in the published order."""
    return {
        section: {key.name: values[key.path] for key in KEYS if key.section == section}
        for section in SECTIONS
    }


DEFAULTS: Layer = {key.path: published(key, DesktopConfiguration().value_of(key)) for key in KEYS}
