"""Redis clients that fail fast: one short timeout, no retries behind the caller's back.

Only the `redis_*` modules here import the redis package; a service without Redis imports none.
"""

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

DEFAULT_PREFIX = "ballast:"
DEFAULT_TIMEOUT_S = 0.25


def open_client(url: str, timeout_s: float, *, ping_after_idle_s: int = 0) -> "redis.Redis":
    """A thread-safe client with a pool; connects on first use.

    With `ping_after_idle_s` a connection that was idle for that long is checked before use.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=ping_after_idle_s,
    )


def open_async_client(
    url: str, timeout_s: float, connections_max: int = 32
) -> "redis.asyncio.Redis":
    """A client for one event loop; a call waits up to `timeout_s` for a free connection."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=AsyncRetry(NoBackoff(), 0),
    )
    return redis.asyncio.Redis.from_pool(pool)
