"""Identifiers come in from outside, so replays and tests can be deterministic."""

from typing import Protocol

from domain.shared.ids import Prefix


class Ids(Protocol):
    """Thread-safe source of fresh, time-sorted identifiers."""

    def new(self, prefix: Prefix) -> str:
        """`{prefix}_{UUIDv7 hex}`, unique for ever."""
        ...
