"""Budgets of calls per principal and window, asked on every request."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.backend_health import BackendHealth


@dataclass(frozen=True, slots=True)
class RateVerdict:
    """The answer to one hit and the figures for the RateLimit and Retry-After headers.

    `remaining` never falls below 0; `reset_after_s` is the time until the whole budget is back;
    `retry_after_s` is 0 when allowed, else `reset_after_s`.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_after_s: float
    retry_after_s: float


class RateLimiter(Protocol):
    """Fixed windows that open with the first hit of a key, so clocks need not agree.

    In one window hits of at most `limit` total cost are allowed, exactly, under any concurrency.
    A refused hit costs nothing. Two adjacent windows can together admit twice the limit within
    one window's length. Used from one event loop; a hit never blocks it.
    """

    async def hit(
        self, bucket: str, key: str, limit: int, window_s: int, cost: int = 1
    ) -> RateVerdict:
        """Spend `cost` (≥ 0; 0 only looks) from the budget of `key` in `bucket`.

        `bucket` is a name from the code without a colon; `key` is free text. Another `window_s`
        is another counter. A dead backend never raises: a counter in this process takes over
        and `health` says so. Raises Defect `rate_limit_invalid` for a cost < 0 or window < 1.
        """
        ...

    def health(self) -> BackendHealth: ...

    async def close(self) -> None:
        """Let go of connections. Idempotent."""
        ...
