"""What validation found, as faults of fields: pointers name only members and indices of a request.

Validation also names its own steps (the branch of a union, a function around a type), which no
client knows. Branches of one field that all refuse it are one fault.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.shared.decimals import plain
from domain.shared.errors import FieldFault

_CODES = {
    "missing": ("missing", "required"),
    "extra_forbidden": ("unknown_field", "not a field of this request"),
    "json_invalid": ("malformed_json", "not valid JSON"),
}
_DECIMAL = re.compile(r"Decimal\('([^']+)'\)")

Location = Sequence[str | int]


def field_faults(found: Sequence[Mapping[str, Any]], body: object) -> tuple[FieldFault, ...]:
    """One fault per pointer, in the order they were found; `body` is what was sent."""
    by_pointer: dict[str, list[FieldFault]] = {}
    for item in found:
        fault = _fault(item, body)
        by_pointer.setdefault(fault.pointer, []).append(fault)
    return tuple(_merged(faults) for faults in by_pointer.values())


def _fault(item: Mapping[str, Any], body: object) -> FieldFault:
    location = item["loc"]
    if location and location[0] == "body":
        is_absent = item["type"] == "missing"
        parts = _members(location[1:], body, is_absent=is_absent)
        # The whole body is the empty pointer.
        pointer = "".join(f"/{_escaped(part)}" for part in parts)
    else:
        pointer = ".".join(_parameter(location[1:])) or str(location[0])
    message = _DECIMAL.sub(lambda number: plain(Decimal(number[1])), item["msg"])
    return FieldFault(pointer, *_CODES.get(item["type"], (item["type"], message)))


def _members(location: Location, sent: object, *, is_absent: bool) -> list[str]:
    """The parts of the location that lead through what was sent; an absent one is the last."""
    parts = []
    for number, part in enumerate(location, start=1):
        is_last = number == len(location)
        if isinstance(sent, Mapping) and part in sent:
            sent = sent[part]
        elif isinstance(sent, list) and isinstance(part, int):
            sent = sent[part] if part < len(sent) else None
        elif not (is_absent and is_last):
            continue
        parts.append(str(part))
    return parts


def _parameter(location: Location) -> list[str]:
    return [str(part) for n, part in enumerate(location) if n == 0 or isinstance(part, int)]


def _escaped(part: str) -> str:
    """As RFC 6901 writes it."""
    return part.replace("~", "~0").replace("/", "~1")


def _merged(faults: Sequence[FieldFault]) -> FieldFault:
    first = faults[0]
    messages = dict.fromkeys(fault.message for fault in faults)
    return FieldFault(first.pointer, first.code, ", or ".join(messages))
