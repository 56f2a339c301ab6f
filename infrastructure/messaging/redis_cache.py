"""A cache that all processes of a service share."""

from redis.exceptions import RedisError

from application.ports.backend_health import BackendHealth
from infrastructure.messaging.in_process_cache import checked_ttl_s
from infrastructure.messaging.outage import Outage
from infrastructure.messaging.redis_connections import (
    DEFAULT_PREFIX,
    DEFAULT_TIMEOUT_S,
    open_client,
)


class RedisCache:
    """Cache on Redis strings with PX. While Redis is down only one call a second tries it."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        pause_s: float = 1.0,
    ) -> None:
        self._client = open_client(url, timeout_s)
        self._prefix = f"{prefix}cache:"
        self._outage = Outage("redis", "cache", pause_s)

    def get(self, key: str) -> bytes | None:
        if not self._outage.may_try():
            return None
        try:
            value = self._client.get(self._prefix + key)
        except RedisError as error:
            self._outage.failed(error)
            return None
        self._outage.succeeded()
        return value if isinstance(value, bytes) else None

    def set(self, key: str, value: bytes, ttl_s: float) -> None:
        ttl_ms = max(1, round(checked_ttl_s(ttl_s) * 1000))
        if not self._outage.may_try():
            return
        try:
            self._client.set(self._prefix + key, value, px=ttl_ms)
        except RedisError as error:
            self._outage.failed(error)
            return
        self._outage.succeeded()

    def delete(self, key: str) -> None:
        if not self._outage.may_try():
            return
        try:
            self._client.delete(self._prefix + key)
        except RedisError as error:
            self._outage.failed(error)
            return
        self._outage.succeeded()

    def health(self) -> BackendHealth:
        return self._outage.health()

    def close(self) -> None:
        self._client.close()
