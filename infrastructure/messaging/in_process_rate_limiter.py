"""Exact fixed-window counters in this process.

The in-memory storage of the `limits` package is not used. Back to back it is cheap (8 µs a verdict,
here 1 µs), but at 50 hits a second it starts a thread (or a task, in its async form) for each
hit to expire counters: 430 µs (120 µs) a verdict, here 30 µs. Its refused hits consume budget,
and a verdict with its header figures takes two calls, between which another hit can come.
"""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from application.ports.backend_health import BackendHealth
from application.ports.rate_limiter import RateVerdict
from domain.shared.errors import Defect


def check_hit(window_s: int, cost: int) -> None:
    """Defect `rate_limit_invalid` unless the window is ≥ 1 s and the cost ≥ 0."""
    if cost < 0 or window_s < 1:
        raise Defect("rate_limit_invalid", "A hit needs a window of a second or more, cost ≥ 0.")


def rate_verdict(allowed: bool, limit: int, spent: int, reset_after_s: float) -> RateVerdict:
    """The verdict for a window in which `spent` of `limit` is used up."""
    remaining = limit - spent if spent < limit else 0
    return RateVerdict(allowed, limit, remaining, reset_after_s, 0.0 if allowed else reset_after_s)


class _Window:
    __slots__ = ("ends_at_s", "spent")

    def __init__(self, ends_at_s: float) -> None:
        self.ends_at_s = ends_at_s
        self.spent = 0


class InProcessRateLimiter:
    """RateLimiter without I/O: a hit never awaits, so hits of one loop cannot interleave.

    Each (bucket, window length) keeps its windows in the order they end; opening one drops up to
    two that are over, so memory follows the keys of one window length. Beyond
    `keys_per_bucket_max` live keys the oldest window is forgotten, which gives that key a fresh
    budget rather than letting a flood of made-up keys exhaust memory.
    """

    def __init__(
        self, keys_per_bucket_max: int = 100_000, now_s: Callable[[], float] = monotonic
    ) -> None:
        self._keys_max = keys_per_bucket_max
        self._now_s = now_s
        self._buckets: dict[tuple[str, int], OrderedDict[str, _Window]] = {}

    async def hit(
        self, bucket: str, key: str, limit: int, window_s: int, cost: int = 1
    ) -> RateVerdict:
        check_hit(window_s, cost)
        now_s = self._now_s()
        windows = self._buckets.get((bucket, window_s))
        if windows is None:
            windows = self._buckets[(bucket, window_s)] = OrderedDict()
        window = windows.get(key)
        if window is None or window.ends_at_s <= now_s:
            if cost == 0:
                return rate_verdict(True, limit, 0, 0.0)
            if cost > limit:
                return rate_verdict(False, limit, 0, float(window_s))
            window = self._open(windows, key, now_s, window_s)
        allowed = window.spent + cost <= limit
        if allowed:
            window.spent += cost
        return rate_verdict(allowed, limit, window.spent, window.ends_at_s - now_s)

    def _open(
        self, windows: OrderedDict[str, _Window], key: str, now_s: float, window_s: int
    ) -> _Window:
        windows.pop(key, None)
        for _ in range(2):
            oldest = next(iter(windows), None)
            if oldest is None or (
                windows[oldest].ends_at_s > now_s and len(windows) < self._keys_max
            ):
                break
            del windows[oldest]
        window = windows[key] = _Window(now_s + window_s)
        return window

    def health(self) -> BackendHealth:
        return BackendHealth(backend="in_process")

    async def close(self) -> None:
        self._buckets.clear()
