"""Delay for those who keep failing to log in."""

from collections.abc import Sequence
from typing import Protocol


class LoginThrottle(Protocol):
    """Counts failures per key; thread-safe. Keys name a user or an address, never a secret."""

    def require_open(self, keys: Sequence[str]) -> None:
        """TooMany `login_delayed` with the longest remaining delay of the keys."""
        ...

    def record_failure(self, keys: Sequence[str]) -> None:
        """Count one failure on every key."""
        ...

    def forget(self, key: str) -> None:
        """Drop the count of a key after a success."""
        ...
