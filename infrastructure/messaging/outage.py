"""Remembers that a backend failed, so that not every caller waits for its timeout again."""

from collections.abc import Callable
from threading import Lock
from time import monotonic

import structlog

from application.ports.backend_health import BackendHealth

_log = structlog.get_logger(__name__)


class Outage:
    """After a failure one caller per `pause_s` may try; the others are told not to.

    Callable from any thread. The start and the end of an outage are logged, not each failure.
    """

    def __init__(
        self, backend: str, part: str, pause_s: float, now_s: Callable[[], float] = monotonic
    ) -> None:
        self._backend = backend
        self._part = part
        self._pause_s = pause_s
        self._now_s = now_s
        self._lock = Lock()
        self._is_down = False
        self._next_try_s = 0.0
        self._failures = 0
        self._last_error: str | None = None

    def may_try(self) -> bool:
        """True when the backend is up, or for one caller when a pause is over."""
        if not self._is_down:
            return True
        with self._lock:
            now_s = self._now_s()
            if now_s < self._next_try_s:
                return False
            self._next_try_s = now_s + self._pause_s
            return True

    def failed(self, error: Exception) -> None:
        """Record a failed call; the next try is `pause_s` from now."""
        with self._lock:
            is_new = not self._is_down
            self._is_down = True
            self._failures += 1
            self._last_error = type(error).__name__
            self._next_try_s = self._now_s() + self._pause_s
        if is_new:
            _log.warning("backend_lost", part=self._part, backend=self._backend, error=str(error))

    def succeeded(self) -> None:
        """Record a call that worked."""
        if not self._is_down:
            return
        with self._lock:
            self._is_down = False
        _log.info("backend_back", part=self._part, backend=self._backend)

    def health(self) -> BackendHealth:
        with self._lock:
            return BackendHealth(self._backend, self._is_down, self._failures, self._last_error)
