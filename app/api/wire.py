"""JSON on the wire: strict in, exact out.

In: one value per key, finite numbers only, valid UTF-8 without NUL or lone surrogates, at most 32
levels deep; numbers with a fraction become Decimal without passing through binary floating point.
Out: a Decimal is a JSON number whose text is the exact decimal.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from domain.shared.decimals import (
    FRACTION_DIGITS_MAX,
    INTEGER_DIGITS_MAX,
    decimals_of,
    plain,
)
from domain.shared.json_text import JsonArray

NESTING_MAX = 32
# Possessive, and a text may stay open: a hostile body is scanned once, not once per quote.
_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DAY_YEAR_MIN, DAY_YEAR_MAX = 1970, 2199
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class MalformedJson(ValueError):
    """The body is not JSON as this service accepts it; the message is safe to show."""


def parse_json(body: bytes) -> Any:
    """Parsed body; MalformedJson for anything ambiguous or unrepresentable."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("The body is not valid UTF-8.") from None
    if _depth(text) > NESTING_MAX:
        raise MalformedJson(f"The body is nested deeper than {NESTING_MAX} levels.")
    try:
        value = json.loads(
            text,
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except (json.JSONDecodeError, RecursionError) as error:
        detail = error.msg if isinstance(error, json.JSONDecodeError) else "too deep"
        raise MalformedJson(f"The body is not valid JSON: {detail}.") from None
    if "\\u" in text or "\x00" in text:
        _refuse_bad_text(value)
    return value


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= NESTING_MAX:
        return 0
    depth = deepest = 0
    for bracket in _TEXT.sub("", text):
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in "]}":
            depth -= 1
    return deepest


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise MalformedJson("A number in the body is out of range.") from None
    if abs(value.adjusted()) > 400:
        raise MalformedJson("A number in the body is out of range.")
    return value


def _integer(text: str) -> int:
    if len(text) > 400:
        raise MalformedJson("A number in the body is out of range.")
    return int(text)


def _refuse_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not a JSON number.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("An object in the body repeats a key.")
    return members


def _refuse_bad_text(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise MalformedJson("A text in the body holds NUL or a lone surrogate.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_bad_text(key)
            _refuse_bad_text(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_bad_text(item)


def encode(value: object) -> bytes:
    """JSON bytes of a model or plain value; Decimal as its exact text, instants in RFC
    3339 with Z.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True)
    return orjson.dumps(value, default=_encode_other, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _encode_other(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain(value))
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, JsonArray):
        return orjson.Fragment(value.text.encode())
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"not JSON: {type(value).__name__}")


def instant_text(instant: datetime) -> str:
    """RFC 3339 UTC with Z; microseconds only when there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


class ExactJsonResponse(Response):
    """application/json rendered by `encode`."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else encode(content)


def decimal_of(value: Any) -> Any:
    """The Decimal that a text spells; any other value as it is."""
    if isinstance(value, str) and len(value) <= 64 and _NUMBER.fullmatch(value):
        return Decimal(value)
    return value


def _to_decimal(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "a number or a decimal string")
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    spelt = decimal_of(value)
    if isinstance(spelt, Decimal):
        return spelt
    raise PydanticCustomError("number_type", "a number or a decimal string")


def _in_range(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise PydanticCustomError("finite_number", "a finite number")
    if value.adjusted() >= INTEGER_DIGITS_MAX or decimals_of(value) > FRACTION_DIGITS_MAX:
        raise PydanticCustomError("out_of_range", "at most 20 integer and 18 fraction digits")
    return value


_NUMBER_OR_STRING = {
    "anyOf": [
        {"type": "number"},
        {
            "type": "string",
            "maxLength": 64,
            "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$",
        },
    ]
}

Exact = Annotated[
    Decimal,
    BeforeValidator(_to_decimal),
    AfterValidator(_in_range),
    WithJsonSchema(_NUMBER_OR_STRING, mode="validation"),
    WithJsonSchema({"type": "number"}, mode="serialization"),
]
"""A decimal in a request: JSON number or decimal string, exact."""

Number = Annotated[
    Decimal,
    PlainSerializer(lambda d: d, when_used="unless-none"),
    WithJsonSchema({"type": "number"}),
]
"""A decimal in an answer."""


def _text_instant(value: Any) -> Any:
    """A bare number would be taken for seconds or milliseconds by its size."""
    if isinstance(value, datetime) or (isinstance(value, str) and _INSTANT.match(value)):
        return value
    raise PydanticCustomError("datetime_type", "an instant such as 2026-01-05T15:00:00Z")


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("timezone_required", "an instant with an offset, such as Z")
    # Years that every time zone, calendar and database here can represent.
    if not 1900 <= value.year <= 2200:
        raise PydanticCustomError("out_of_range", "an instant between the years 1900 and 2200")
    return value.astimezone(UTC)


Moment = Annotated[
    datetime,
    BeforeValidator(_text_instant),
    AfterValidator(_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant in a request or answer: RFC 3339 with an offset, kept in UTC."""


def _day(value: Any) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = date.min
        if DAY_YEAR_MIN <= day.year <= DAY_YEAR_MAX:
            return day
    raise PydanticCustomError("date", "a date such as 2025-03-20, from 1970 to 2199")


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A calendar day in a request."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class RequestModel(BaseModel):
    """Base of request bodies: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_max_length=4096)

    @model_validator(mode="before")
    @classmethod
    def _no_number(cls, value: Any) -> Any:
        """The framework reads members off any object, and an exact number is one without them."""
        if isinstance(value, Decimal):
            raise PydanticCustomError("model_type", "an object, not a number")
        return value


class AnswerModel(BaseModel):
    """Base of answers; built by presenters from read models, so validation already happened."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
