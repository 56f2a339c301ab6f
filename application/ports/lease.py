"""Who may run a singleton process right now, with a token that outlived holders cannot forge."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LeaseGrant:
    """Proof of holding `name`.

    `fencing_token` grows with every grant of the same name; a store that remembers the largest
    token it saw can refuse a holder that is late. `valid_until_monotonic_s` is on this process's
    `time.monotonic()` and counts from before the call was sent: stop working at that time
    unless a renewal came back.
    """

    name: str
    owner: str
    fencing_token: int
    valid_until_monotonic_s: float


class Lease(Protocol):
    """Mutual exclusion by expiry. Synchronous, callable from any thread, bounded by a timeout.

    A backend that does not answer raises Unavailable `lease_backend_unavailable`: the outcome is
    then unknown, and a holder keeps its lease only until `valid_until_monotonic_s`.
    A `ttl_s` that is not > 0 is Defect `lease_ttl_invalid`.
    """

    def acquire(self, name: str, owner: str, ttl_s: float) -> LeaseGrant | None:
        """A grant, or None while anybody holds the name, the same owner included."""
        ...

    def renew(self, grant: LeaseGrant, ttl_s: float) -> LeaseGrant | None:
        """The same token for `ttl_s` from now, or None if the grant is no longer held."""
        ...

    def release(self, grant: LeaseGrant) -> bool:
        """True if this call ended the grant; False if it had ended before. Idempotent."""
        ...

    def close(self) -> None:
        """Let go of connections; grants run out by themselves. Idempotent."""
        ...
