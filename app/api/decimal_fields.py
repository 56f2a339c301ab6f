"""Which members of a body are decimals, so that 1.5 and "1.5" there are one request.

Read from the body's model once per route; the body itself is looked at member by member, and what
was absent stays absent, what was null stays null.
"""

import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from app.api.wire import decimal_of

Read = Callable[[Any], Any]
"""A JSON value with the decimal strings in it as numbers; the value itself when there are none."""


def decimal_reader(annotation: Any) -> Read | None:
    """How to read a body of this type; None when nothing in it is a decimal.

    A member that some member of a union takes as text is left as it is.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        return decimal_reader(get_args(annotation)[0])
    if annotation is Decimal:
        return decimal_of
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_members(_members(annotation))
    if origin in (Union, types.UnionType):
        return _of_union(get_args(annotation))
    if origin in (list, tuple):
        return _of_items(decimal_reader(get_args(annotation)[0]))
    return None


def _members(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _of_union(options: tuple[Any, ...]) -> Read | None:
    bare = [get_args(o)[0] if get_origin(o) is Annotated else o for o in options]
    given = [option for option in bare if option is not type(None)]
    if len(given) == 1:
        return decimal_reader(given[0])
    models = [o for o in given if isinstance(o, type) and issubclass(o, BaseModel)]
    if len(models) < len(given):
        return None
    names = [_members(model) for model in models]
    merged = {
        name: kind
        for members in names
        for name, kind in members.items()
        if all(name not in other or _is_read_alike(other[name], kind) for other in names)
    }
    return _of_members(merged)


def _is_read_alike(one: Any, other: Any) -> bool:
    return (decimal_reader(one) is None) == (decimal_reader(other) is None)


def _of_members(members: Mapping[str, Any]) -> Read | None:
    readers = tuple(
        (name, reader)
        for name, kind in members.items()
        if (reader := decimal_reader(kind)) is not None
    )
    if not readers:
        return None

    def read(body: Any) -> Any:
        if type(body) is not dict:
            return body
        changed = None
        for name, reader in readers:
            value = body.get(name)
            if type(value) in _SPELT:
                known = reader(value)
                if known is not value:
                    changed = changed or dict(body)
                    changed[name] = known
        return changed or body

    return read


# What a decimal may be spelt as, or may be inside of; numbers are canonical already.
_SPELT = frozenset({str, dict, list})


def _of_items(reader: Read | None) -> Read | None:
    if reader is None:
        return None

    def read(items: Any) -> Any:
        return [reader(item) for item in items] if type(items) is list else items

    return read
