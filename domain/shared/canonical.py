"""Canonical JSON: one byte string per value, so hashes and signatures compare meaning, not
spelling.

Keys sorted by code point, no spaces, numbers without exponent or trailing zeros (1.50 equals 1.5
equals 1.5e0), UTF-8. The same rule serves idempotency signatures and the event hash chain.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from json.encoder import encode_basestring

from domain.shared.decimals import plain


def canonical_json(value: object) -> str:
    """Canonical text of a JSON value whose numbers are int, Decimal or finite float."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, Decimal):
        return plain(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        members = [f"{encode_basestring(str(k))}:{canonical_json(value[k])}" for k in sorted(value)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, float):
        return plain(Decimal(repr(value)))
    if isinstance(value, Sequence):
        return "[" + ",".join([canonical_json(item) for item in value]) + "]"
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def signature(value: object) -> str:
    """SHA-256 of the canonical JSON, hex."""
    return sha256(canonical_json(value).encode()).hexdigest()
