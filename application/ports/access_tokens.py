"""Short-lived signed tokens that carry a session between requests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a verified access token says; session and user rows decide whether it still holds.

    `valid_until` includes the leeway for clocks that disagree.
    """

    user_id: str
    session_id: str
    token_version: int
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class IssuedAccess:
    """A fresh access token."""

    token: str
    expires_at: datetime
    lifetime_s: int


class AccessTokens(Protocol):
    """Thread-safe; verification costs microseconds and no query."""

    def issue(
        self, user_id: str, session_id: str, token_version: int, now: datetime
    ) -> IssuedAccess: ...

    def read(self, token: str, now: datetime) -> AccessClaims:
        """NotAuthenticated `token_expired` past its time, `not_authenticated` for anything else."""
        ...
