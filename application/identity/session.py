"""A login on one device: a family of refresh tokens of which only the newest is good."""

from dataclasses import dataclass
from datetime import datetime, timedelta

REFRESH_LIFETIME = timedelta(days=14)
SESSION_LIFETIME = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Session:
    """`authenticated_at` is the last proof of password or TOTP: some changes ask how old it is."""

    id: str
    user_id: str
    owner_id: str
    created_at: datetime
    authenticated_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    revoked_at: datetime | None = None
    revoke_reason: str | None = None

    def is_live(self, now: datetime) -> bool:
        """Neither revoked nor over."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One token of the family; only its SHA-256 is stored."""

    digest: str
    session_id: str
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
