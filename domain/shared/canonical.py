"""Canonical JSON: one byte string per value, so hashes and signatures compare meaning, not
spelling.

Keys sorted by code point, no spaces, numbers without exponent or trailing zeros (1.50 equals 1.5
equals 1.5e0), UTF-8. The same rule serves idempotency signatures and the event hash chain.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring
from types import NoneType

from domain.shared.decimals import plain


def canonical_json(value: object) -> str:
    """Canonical text of a JSON value whose numbers are int, Decimal or finite float."""
    write = _WRITERS.get(type(value))
    return _of_another_type(value) if write is None else write(value)


def _object(value: Mapping[str, object]) -> str:
    members = [f"{_name(key)}:{canonical_json(value[key])}" for key in sorted(value)]
    return "{" + ",".join(members) + "}"


def _array(value: Sequence[object]) -> str:
    return "[" + ",".join([canonical_json(item) for item in value]) + "]"


# Member names are few and come again with every event.
@lru_cache(maxsize=4096)
def _name(key: object) -> str:
    return encode_basestring(str(key))


_WRITERS: dict[type, Callable[..., str]] = {
    str: encode_basestring,
    Decimal: plain,
    NoneType: lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: str,
    float: lambda value: plain(Decimal(repr(value))),
    dict: _object,
    list: _array,
    tuple: _array,
}


def _of_another_type(value: object) -> str:
    """Subclasses (enums among them) and other mappings and sequences."""
    for kind in (str, Decimal, int, float):
        if isinstance(value, kind):
            return _WRITERS[kind](value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, Sequence):
        return _array(value)
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def signature(value: object) -> str:
    """SHA-256 of the canonical JSON, hex."""
    return sha256(canonical_json(value).encode()).hexdigest()
