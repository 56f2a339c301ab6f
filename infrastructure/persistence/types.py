"""Column types that keep values exact on both databases.

Decimals are TEXT in SQLite and NUMERIC(38,18) in PostgreSQL; instants are fixed-width RFC 3339
text in
SQLite (text order is time order) and timestamptz in PostgreSQL; documents are canonical JSON text
on both, because a hash over them must not depend on the database.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import DateTime, Dialect, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.shared.decimals import INTEGER_DIGITS_MAX, ZERO, plain
from domain.shared.errors import Invalid
from domain.shared.instants import from_rfc3339, rfc3339
from domain.shared.json_text import JsonArray, exact_json


def _is_sqlite(dialect: Dialect) -> bool:
    return dialect.name == "sqlite"


class ExactDecimal(TypeDecorator[Decimal]):
    """Decimal that comes back as it went in, trailing zeros aside."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if _is_sqlite(dialect) else Numeric(38, 18))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return _write_text_decimal if _is_sqlite(dialect) else _within_range

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _read_text_decimal if _is_sqlite(dialect) else _read_numeric


def _within_range(value: Decimal | None) -> Decimal | None:
    """Invalid `amount_out_of_range` beyond 20 integer digits: single numbers are bounded when they
    come in, sums and products of them are not.
    """
    if value and value.adjusted() >= INTEGER_DIGITS_MAX:
        raise Invalid(
            "amount_out_of_range",
            f"An amount would have more than {INTEGER_DIGITS_MAX} integer digits.",
        )
    return value


def _write_text_decimal(value: Decimal | None) -> str | None:
    return None if value is None else plain(_within_range(value) or ZERO)


def _read_text_decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _read_numeric(value: Decimal | None) -> Decimal | None:
    """NUMERIC(38,18) pads zeros; the book must look the same on both databases."""
    return None if value is None else Decimal(plain(value))


class Instant(TypeDecorator[datetime]):
    """Aware UTC datetime."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if _is_sqlite(dialect) else DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return _write_text_instant if _is_sqlite(dialect) else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _read_text_instant if _is_sqlite(dialect) else _read_timestamptz


def _write_text_instant(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(value)


def _read_text_instant(value: str | None) -> datetime | None:
    return None if value is None else from_rfc3339(value)


def _read_timestamptz(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class JsonText(TypeDecorator[object]):
    """A JSON document as text; numbers with a fraction come back as Decimal, exactly."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _write_json

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _read_json


def _write_json(value: object) -> str | None:
    return None if value is None else to_json(value)


def _read_json(value: str | None) -> object:
    return None if value is None else from_json(value)


class JsonArrayText(TypeDecorator[Sequence[Any]]):
    """A JSON array as text, read lazily."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _write_array

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return JsonArray


def _write_array(value: Sequence[Any]) -> str:
    return value.text if isinstance(value, JsonArray) else to_json(value)


def to_json(value: object) -> str:
    """JSON text whose numbers are the exact decimals."""
    return orjson.dumps(value, default=_decimal_as_number).decode()


def from_json(text: str) -> Any:
    """Inverse of `to_json`."""
    return exact_json(text)


def _decimal_as_number(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain(value))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, JsonArray):
        return orjson.Fragment(value.text)
    raise TypeError(f"not storable as JSON: {type(value).__name__}")
