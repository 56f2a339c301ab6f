"""Frozen dataclasses as JSON values and back, by their own type hints.

Decimal, int, bool, str, enums of text, dates, instants, optional values, tuples and nested
dataclasses; a key that the class does not know is ignored and a missing one keeps its default, so
rows written by an older release stay readable.
"""

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from domain.shared.instants import from_rfc3339, rfc3339

T = TypeVar("T")
_Read = Callable[[Any], Any]
_AS_THEY_ARE = frozenset({Decimal, str, int, bool, type(None)})


def to_plain(value: object) -> object:
    """The value as JSON holds it."""
    if type(value) in _AS_THEY_ARE:
        return value
    if is_dataclass(value):
        kind: Any = type(value)
        return {name: to_plain(getattr(value, name)) for name in _names(kind)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.isoformat() if isinstance(value, date) else value


def from_plain(kind: type[T], value: dict[str, Any]) -> T:
    """Inverse of `to_plain` for a dataclass."""
    of_class: Any = kind
    readers = _readers(of_class)
    return kind(**{name: readers[name](item) for name, item in value.items() if name in readers})


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.init)


@cache
def _readers(kind: Any) -> dict[str, _Read]:
    hints = get_type_hints(kind)
    return {name: _reader(hints[name]) for name in _names(kind)}


def _reader(hint: Any) -> _Read:
    if get_origin(hint) in (Union, types.UnionType):
        inner = next(arm for arm in get_args(hint) if arm is not type(None))
        return _optional(_reader(inner))
    if get_origin(hint) is tuple:
        return _tuple_of(_reader(get_args(hint)[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        of_class: Any = hint
        return partial(from_plain, of_class)
    if hint is datetime:
        return from_rfc3339
    if hint is date:
        return date.fromisoformat
    if hint is Decimal or (isinstance(hint, type) and issubclass(hint, Enum)):
        return hint
    return _as_is


def _optional(read: _Read) -> _Read:
    return lambda value: None if value is None else read(value)


def _tuple_of(read: _Read) -> _Read:
    return lambda values: tuple(read(value) for value in values)


def _as_is(value: Any) -> Any:
    return value
