"""Rate-limit counters that all API processes share, with a counter of its own for outages.

The Redis storage of the `limits` package is not used: a verdict with its header figures takes
three round trips there (increment, read, time to live), and refused hits consume budget.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import cast

from redis.exceptions import RedisError

from application.ports.backend_health import BackendHealth
from application.ports.rate_limiter import RateVerdict
from infrastructure.messaging.in_process_rate_limiter import (
    InProcessRateLimiter,
    check_hit,
    rate_verdict,
)
from infrastructure.messaging.outage import Outage
from infrastructure.messaging.redis_connections import (
    DEFAULT_PREFIX,
    DEFAULT_TIMEOUT_S,
    open_async_client,
)

# KEYS: the window. ARGV: limit, window in ms, cost. Returns allowed (0 or 1), spent, ms to reset.
_HIT_LUA = """
local limit, window_ms, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local spent = tonumber(redis.call('GET', KEYS[1]) or '0')
local left_ms = redis.call('PTTL', KEYS[1])
if left_ms < 0 then
  if cost == 0 then return {1, 0, 0} end
  if cost > limit then return {0, 0, window_ms} end
  redis.call('SET', KEYS[1], cost, 'PX', window_ms)
  return {1, cost, window_ms}
end
if spent + cost > limit then return {0, spent, left_ms} end
if cost > 0 then spent = redis.call('INCRBY', KEYS[1], cost) end
return {1, spent, left_ms}
"""


class RedisRateLimiter:
    """RateLimiter with one script call, so one round trip, per hit.

    When Redis fails, an in-process counter that starts empty judges the hits, and one hit a
    second tries Redis again; until then the limit holds per process, not for all of them.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        pause_s: float = 1.0,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._client = open_async_client(url, timeout_s)
        self._script = self._client.register_script(_HIT_LUA)
        self._prefix = f"{prefix}rate:"
        self._timeout_s = timeout_s
        self._outage = Outage("redis", "rate_limiter", pause_s, now_s)
        self._fallback = InProcessRateLimiter()

    async def hit(
        self, bucket: str, key: str, limit: int, window_s: int, cost: int = 1
    ) -> RateVerdict:
        check_hit(window_s, cost)
        if not self._outage.may_try():
            return await self._fallback.hit(bucket, key, limit, window_s, cost)
        name = f"{self._prefix}{bucket}:{window_s}:{key}"
        try:
            call = self._script(keys=[name], args=[limit, window_s * 1000, cost])
            # The pool's wait, a connect and a read each have their own timeout; this one caps
            # the sum.
            async with asyncio.timeout(2 * self._timeout_s):
                answer = await cast(Awaitable[list[int]], call)
        except (RedisError, TimeoutError) as error:
            self._outage.failed(error)
            return await self._fallback.hit(bucket, key, limit, window_s, cost)
        self._outage.succeeded()
        allowed, spent, left_ms = answer
        return rate_verdict(bool(allowed), limit, spent, left_ms / 1000)

    def health(self) -> BackendHealth:
        return self._outage.health()

    async def close(self) -> None:
        await self._client.aclose()
        await self._fallback.close()
