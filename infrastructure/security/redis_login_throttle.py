"""Failed logins that all API processes count together, with counts of its own for outages."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar, cast

from redis.exceptions import RedisError

from application.ports.backend_health import BackendHealth
from infrastructure.messaging.outage import Outage
from infrastructure.messaging.redis_connections import (
    DEFAULT_PREFIX,
    DEFAULT_TIMEOUT_S,
    open_client,
)
from infrastructure.security.in_process_login_throttle import InProcessLoginThrottle
from infrastructure.security.login_delays import LoginDelays, login_delayed

T = TypeVar("T")

# The server's clock counts, because those of several machines differ.
_NOW_LUA = """
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
"""
# KEYS: hashes of count and end of the block. ARGV: free failures, first delay, longest delay and
# window, in ms.
_FAIL_LUA = (
    _NOW_LUA
    + """
local free, first_ms, max_ms, window_ms = unpack(ARGV)
for _, key in ipairs(KEYS) do
  local count = redis.call('HINCRBY', key, 'count', 1)
  local delay_ms = 0
  if count >= tonumber(free) then
    delay_ms = math.min(tonumber(max_ms), first_ms * 2 ^ math.min(count - free, 20))
  end
  redis.call('HSET', key, 'until_ms', string.format('%d', now_ms + delay_ms))
  redis.call('PEXPIRE', key, string.format('%d', delay_ms + window_ms))
end
"""
)
# KEYS: as above. Returns the longest remaining block in ms, 0 when none is blocked.
_LOOK_LUA = (
    _NOW_LUA
    + """
local left_ms = 0
for _, key in ipairs(KEYS) do
  local until_ms = redis.call('HGET', key, 'until_ms')
  if until_ms then left_ms = math.max(left_ms, until_ms - now_ms) end
end
return left_ms
"""
)


class RedisLoginThrottle:
    """`LoginThrottle` port with one round trip per call.

    When Redis fails, an in-process throttle that starts empty takes over, and one call a second
    tries Redis again; until then each process counts for itself.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        delays: LoginDelays | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        pause_s: float = 1.0,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._client = open_client(url, timeout_s)
        self._fail = self._client.register_script(_FAIL_LUA)
        self._look = self._client.register_script(_LOOK_LUA)
        self._prefix = f"{prefix}login:"
        self._delays = delays or LoginDelays()
        self._outage = Outage("redis", "login_throttle", pause_s, now_s)
        self._fallback = InProcessLoginThrottle(now_s, self._delays)

    def require_open(self, keys: Sequence[str]) -> None:
        names = self._names(keys)
        left_ms = self._asked(lambda: cast(int, self._look(keys=names)))
        if left_ms is None:
            self._fallback.require_open(keys)
        elif left_ms > 0:
            raise login_delayed(left_ms / 1000)

    def record_failure(self, keys: Sequence[str]) -> None:
        names, delays = self._names(keys), self._delays
        times_ms = [round(s * 1000) for s in (delays.first_s, delays.max_s, delays.window_s)]

        def fail() -> bool:
            self._fail(keys=names, args=[delays.free_failures, *times_ms])
            return True

        if self._asked(fail) is None:
            self._fallback.record_failure(keys)

    def forget(self, key: str) -> None:
        self._fallback.forget(key)
        self._asked(lambda: self._client.delete(*self._names([key])))

    def health(self) -> BackendHealth:
        """Whether Redis answers."""
        return self._outage.health()

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _names(self, keys: Sequence[str]) -> list[str]:
        return [self._prefix + key for key in keys]

    def _asked(self, call: Callable[[], T]) -> T | None:
        if not self._outage.may_try():
            return None
        try:
            answer = call()
        except RedisError as error:
            self._outage.failed(error)
            return None
        self._outage.succeeded()
        return answer
