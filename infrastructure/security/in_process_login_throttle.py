"""Failed logins counted in this process.

In memory on purpose: a count costs no write, a restart is nothing an attacker can order, and a lost
count costs five more guesses. With several API processes each counts for itself, so the budget is
multiplied by their number; the rate limit on the login route is shared through Redis.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

from domain.shared.errors import TooMany

FREE_FAILURES = 5
WINDOW_S = 900.0
FIRST_DELAY_S = 5.0
DELAY_MAX_S = 900.0
KEYS_MAX = 20_000


class _Failures:
    __slots__ = ("blocked_until_s", "count")

    def __init__(self) -> None:
        self.count = 0
        self.blocked_until_s = 0.0


class InProcessLoginThrottle:
    """`LoginThrottle` port: the fifth failure within 15 minutes blocks the key for 5 s, every
    further one for twice as long, up to 15 minutes. A count is forgotten 15 minutes after the last
    failure or block ended. Beyond `KEYS_MAX` keys the one that failed longest ago is forgotten.
    """

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def require_open(self, keys: Sequence[str]) -> None:
        now_s = self._now_s()
        with self._lock:
            until_s = max(
                (f.blocked_until_s for key in keys if (f := self._failures.get(key))), default=0.0
            )
        if until_s > now_s:
            raise TooMany(
                "login_delayed",
                "Too many failed logins; wait before the next try.",
                retry_after_s=until_s - now_s,
            )

    def record_failure(self, keys: Sequence[str]) -> None:
        now_s = self._now_s()
        with self._lock:
            for key in keys:
                failures = self._failures.pop(key, None)
                if failures is None or now_s > failures.blocked_until_s + WINDOW_S:
                    failures = _Failures()
                failures.count += 1
                failures.blocked_until_s = now_s + delay_s(failures.count)
                self._failures[key] = failures
            while len(self._failures) > KEYS_MAX:
                self._failures.popitem(last=False)

    def forget(self, key: str) -> None:
        with self._lock:
            self._failures.pop(key, None)


def delay_s(failures: int) -> float:
    """0 below five failures, then 5 · 2^(n − 5) seconds, at most 900."""
    if failures < FREE_FAILURES:
        return 0.0
    return min(DELAY_MAX_S, FIRST_DELAY_S * 2.0 ** min(failures - FREE_FAILURES, 20))
