"""Bytes that may vanish at any moment; never the truth about anything."""

from typing import Protocol

from application.ports.backend_health import BackendHealth


class Cache(Protocol):
    """Synchronous, callable from any thread; a call takes at most the adapter's short timeout.

    A dead backend reads as a miss and swallows writes: it is logged and counted in `health`,
    never an error to the caller. A value may be dropped before its time is over.
    """

    def get(self, key: str) -> bytes | None:
        """The stored bytes, or None when absent, expired or out of reach."""
        ...

    def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Replace the value for `ttl_s` seconds (> 0, else Defect `cache_ttl_invalid`)."""
        ...

    def delete(self, key: str) -> None:
        """Forget the key; an unknown key is fine."""
        ...

    def health(self) -> BackendHealth: ...

    def close(self) -> None:
        """Let go of connections. Idempotent."""
        ...
