"""Leases between the processes of a service.

One Redis server decides. If it loses its memory or a replica takes over, two holders can overlap
for one time to live; the fencing token, which never falls below the server's clock in
microseconds, lets a store refuse the older one.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from redis.commands.core import Script
from redis.exceptions import RedisError

from application.ports.lease import LeaseGrant
from domain.shared.errors import Unavailable
from infrastructure.messaging.in_process_lease import checked_ttl_s
from infrastructure.messaging.redis_connections import DEFAULT_PREFIX, open_client

# KEYS: the lease, its last token. ARGV: owner, ttl in ms. Returns the token, or 0 if held.
_ACQUIRE_LUA = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local now = redis.call('TIME')
local clock_us = tonumber(now[1]) * 1000000 + tonumber(now[2])
local token = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, clock_us)
local text = string.format('%.0f', token)
redis.call('SET', KEYS[2], text)
redis.call('SET', KEYS[1], text .. ':' .. ARGV[1], 'NX', 'PX', ARGV[2])
return token
"""
# KEYS: the lease. ARGV: token and owner, ttl in ms. Returns 1 if extended.
_RENEW_LUA = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
# KEYS: the lease. ARGV: token and owner. Returns 1 if deleted.
_RELEASE_LUA = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RedisLease:
    """Lease on one Redis key per name, changed only by scripts that compare the token first."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        timeout_s: float = 1.0,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._client = open_client(url, timeout_s)
        self._acquire = self._client.register_script(_ACQUIRE_LUA)
        self._renew = self._client.register_script(_RENEW_LUA)
        self._release = self._client.register_script(_RELEASE_LUA)
        self._prefix = f"{prefix}lease:"
        self._now_s = now_s

    def acquire(self, name: str, owner: str, ttl_s: float) -> LeaseGrant | None:
        asked_at_s = self._now_s()
        keys = (self._key(name), self._key(name) + ":token")
        token = _run(self._acquire, keys, (owner, _ttl_ms(ttl_s)))
        if token == 0:
            return None
        return LeaseGrant(name, owner, token, asked_at_s + ttl_s)

    def renew(self, grant: LeaseGrant, ttl_s: float) -> LeaseGrant | None:
        asked_at_s = self._now_s()
        if not _run(self._renew, (self._key(grant.name),), (_stamp(grant), _ttl_ms(ttl_s))):
            return None
        return replace(grant, valid_until_monotonic_s=asked_at_s + ttl_s)

    def release(self, grant: LeaseGrant) -> bool:
        return bool(_run(self._release, (self._key(grant.name),), (_stamp(grant),)))

    def _key(self, name: str) -> str:
        # The braces keep both keys of a name on one node of a Redis cluster.
        return f"{self._prefix}{{{name}}}"

    def close(self) -> None:
        self._client.close()


def _stamp(grant: LeaseGrant) -> str:
    return f"{grant.fencing_token}:{grant.owner}"


def _ttl_ms(ttl_s: float) -> int:
    return max(1, round(checked_ttl_s(ttl_s) * 1000))


def _run(script: Script, keys: Sequence[str], args: Sequence[str | int]) -> int:
    try:
        return int(script(keys=list(keys), args=list(args)))
    except RedisError as error:
        raise Unavailable(
            "lease_backend_unavailable",
            "The lease backend did not answer; whether the call took effect is unknown.",
            context={"backend": "redis", "error": type(error).__name__},
            retry_after_s=1.0,
        ) from error
