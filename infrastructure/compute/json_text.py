"""JSON between the service and its children: numpy values and Decimals in, plain values out."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from domain.shared.decimals import plain

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z


def encode(value: object) -> bytes:
    """JSON bytes; TypeError for what JSON cannot hold. NaN and infinity become null."""
    return orjson.dumps(value, default=_other, option=_OPTIONS)


def decode(data: bytes) -> Any:
    """Numbers with a fraction come back as float: for results, which were floats before."""
    return orjson.loads(data)


def decode_exact(data: bytes) -> Any:
    """Numbers with a fraction come back as Decimal: for specs, which callers typed."""
    return json.loads(data, parse_float=Decimal)


def _other(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain(value))
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"not a JSON value: {type(value).__name__}")
