"""Failed logins counted in this process.

In memory on purpose: a count costs no write, a restart is nothing an attacker can order, and a lost
count costs five more guesses. Several API processes share their counts through Redis.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

from infrastructure.security.login_delays import LoginDelays, login_delayed

KEYS_MAX = 20_000


class _Failures:
    __slots__ = ("blocked_until_s", "count")

    def __init__(self) -> None:
        self.count = 0
        self.blocked_until_s = 0.0


class InProcessLoginThrottle:
    """`LoginThrottle` port. Beyond `KEYS_MAX` keys the one that failed longest ago is forgotten."""

    def __init__(
        self, now_s: Callable[[], float] = monotonic, delays: LoginDelays | None = None
    ) -> None:
        self._now_s = now_s
        self._delays = delays or LoginDelays()
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def require_open(self, keys: Sequence[str]) -> None:
        now_s = self._now_s()
        with self._lock:
            until_s = max(
                (f.blocked_until_s for key in keys if (f := self._failures.get(key))), default=0.0
            )
        if until_s > now_s:
            raise login_delayed(until_s - now_s)

    def record_failure(self, keys: Sequence[str]) -> None:
        now_s = self._now_s()
        with self._lock:
            for key in keys:
                failures = self._failures.pop(key, None)
                if failures is None or now_s > failures.blocked_until_s + self._delays.window_s:
                    failures = _Failures()
                failures.count += 1
                failures.blocked_until_s = now_s + self._delays.delay_s(failures.count)
                self._failures[key] = failures
            while len(self._failures) > KEYS_MAX:
                self._failures.popitem(last=False)

    def forget(self, key: str) -> None:
        with self._lock:
            self._failures.pop(key, None)
