"""Answers to bars in memory."""

from collections.abc import Mapping
from datetime import date

from infrastructure.persistence.memory.tables import Tables
from infrastructure.persistence.types import from_json, to_json


class MemoryBarAnswers:
    """`BarAnswers` in memory."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.bar_answers

    def find(self, position_id: str, session: date, signature: str) -> Mapping[str, object] | None:
        return self._rows.get((position_id, session, signature))

    def put(
        self, position_id: str, session: date, signature: str, answer: Mapping[str, object]
    ) -> None:
        # What a document store gives back, not the objects that were put in.
        self._rows.put((position_id, session, signature), from_json(to_json(answer)))

    def forget_before(self, position_id: str, session: date) -> None:
        old = [key for key, _ in self._rows.items() if key[0] == position_id and key[1] < session]
        for key in old:
            self._rows.drop(key)
