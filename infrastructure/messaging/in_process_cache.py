"""A bounded cache in this process: least recently used values go first."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from time import monotonic

from application.ports.backend_health import BackendHealth
from domain.shared.errors import Defect


def checked_ttl_s(ttl_s: float) -> float:
    """The time to live itself; Defect `cache_ttl_invalid` unless it is > 0."""
    if not ttl_s > 0:
        raise Defect("cache_ttl_invalid", "A cached value needs a time to live above zero.")
    return ttl_s


class InProcessCache:
    """Cache whose keys and values stay under `bytes_max`; a larger single value is not kept."""

    def __init__(
        self, bytes_max: int = 64 * 1024 * 1024, now_s: Callable[[], float] = monotonic
    ) -> None:
        self._bytes_max = bytes_max
        self._now_s = now_s
        self._lock = Lock()
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._bytes_used = 0

    def get(self, key: str) -> bytes | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            value, expires_at_s = entry
            if expires_at_s <= self._now_s():
                self._forget(key)
                return None
            self._entries.move_to_end(key)
            return value

    def set(self, key: str, value: bytes, ttl_s: float) -> None:
        expires_at_s = self._now_s() + checked_ttl_s(ttl_s)
        with self._lock:
            self._forget(key)
            if _size_bytes(key, value) > self._bytes_max:
                return
            self._entries[key] = (bytes(value), expires_at_s)
            self._bytes_used += _size_bytes(key, value)
            while self._bytes_used > self._bytes_max:
                self._forget(next(iter(self._entries)))

    def delete(self, key: str) -> None:
        with self._lock:
            self._forget(key)

    def _forget(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes_used -= _size_bytes(key, entry[0])

    def health(self) -> BackendHealth:
        return BackendHealth(backend="in_process")

    def close(self) -> None:
        with self._lock:
            self._entries.clear()
            self._bytes_used = 0


# About what CPython keeps beside the text and the bytes: two headers, a tuple and a dict slot.
_ENTRY_OVERHEAD_BYTES = 200


def _size_bytes(key: str, value: bytes) -> int:
    return len(key) + len(value) + _ENTRY_OVERHEAD_BYTES
