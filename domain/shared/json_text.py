"""JSON that is kept as its text, because most readers only pass it on."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast, overload

INT64_DIGITS = 18


class JsonArray(Sequence[Mapping[str, object]]):
    """An array of JSON objects, parsed only when somebody looks inside.

    `text` is what the store keeps and the answer holds, to the letter.
    """

    __slots__ = ("_items", "text")

    def __init__(self, text: str) -> None:
        """`text` is a JSON array of objects."""
        self.text = text
        self._items: list[Mapping[str, object]] | None = None

    def _parsed(self) -> list[Mapping[str, object]]:
        if self._items is None:
            self._items = cast(list[Mapping[str, object]], exact_json(self.text))
        return self._items

    @overload
    def __getitem__(self, index: int) -> Mapping[str, object]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, object]]: ...
    def __getitem__(
        self, index: int | slice
    ) -> Mapping[str, object] | Sequence[Mapping[str, object]]:
        return self._parsed()[index]

    def __len__(self) -> int:
        return len(self._parsed())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._parsed() == list(other)

    def __hash__(self) -> int:
        return hash(self.text)


def exact_json(text: str) -> object:
    """The value of a JSON text, its numbers exact: whole ones beyond 64 bits and those with a
    fraction are Decimal, which every encoder takes.
    """
    return json.loads(text, parse_float=Decimal, parse_int=_integer)


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= INT64_DIGITS else Decimal(text)
