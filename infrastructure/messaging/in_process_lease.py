"""Leases between the threads of one process."""

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from time import monotonic, time_ns

from application.ports.lease import LeaseGrant
from domain.shared.errors import Defect


def checked_ttl_s(ttl_s: float) -> float:
    """The time to live itself; Defect `lease_ttl_invalid` unless it is > 0."""
    if not ttl_s > 0:
        raise Defect("lease_ttl_invalid", "A lease needs a time to live above zero.")
    return ttl_s


class InProcessLease:
    """Lease for a service of one process.

    The first token of a name is the wall clock in microseconds, so tokens that a database
    remembers stay smaller than those of the next start.
    """

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        self._lock = Lock()
        self._held: dict[str, LeaseGrant] = {}
        self._last_token: dict[str, int] = {}

    def acquire(self, name: str, owner: str, ttl_s: float) -> LeaseGrant | None:
        ttl_s = checked_ttl_s(ttl_s)
        with self._lock:
            if self._current(name) is not None:
                return None
            token = max(self._last_token.get(name, 0) + 1, time_ns() // 1000)
            grant = LeaseGrant(name, owner, token, self._now_s() + ttl_s)
            self._last_token[name] = token
            self._held[name] = grant
            return grant

    def renew(self, grant: LeaseGrant, ttl_s: float) -> LeaseGrant | None:
        ttl_s = checked_ttl_s(ttl_s)
        with self._lock:
            if not self._is_held(grant):
                return None
            renewed = replace(grant, valid_until_monotonic_s=self._now_s() + ttl_s)
            self._held[grant.name] = renewed
            return renewed

    def release(self, grant: LeaseGrant) -> bool:
        with self._lock:
            if not self._is_held(grant):
                return False
            del self._held[grant.name]
            return True

    def _current(self, name: str) -> LeaseGrant | None:
        held = self._held.get(name)
        if held is None or held.valid_until_monotonic_s <= self._now_s():
            return None
        return held

    def _is_held(self, grant: LeaseGrant) -> bool:
        held = self._current(grant.name)
        return held is not None and held.fencing_token == grant.fencing_token

    def close(self) -> None:
        """Nothing to let go of; grants run out by themselves."""
