"""Access tokens as JWT: HS256 only, every registered claim required and checked."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt

from application.ports.access_tokens import AccessClaims, IssuedAccess
from domain.shared.errors import NotAuthenticated

ALGORITHM = "HS256"
ISSUER = "ballast"
AUDIENCE = "ballast-api"
LIFETIME = timedelta(minutes=30)
LEEWAY = timedelta(seconds=30)
_REQUIRED = ["aud", "iss", "exp", "nbf", "iat", "jti", "sub", "sid", "tv"]


class JwtAccessTokens:
    """`AccessTokens` port. `key` is at least 32 bytes.

    The algorithm is never taken from the token. Times are compared with the service's own clock,
    so that tests and replays decide what now is.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(
        self, user_id: str, session_id: str, token_version: int, now: datetime
    ) -> IssuedAccess:
        """A token of 30 minutes."""
        expires_at = (now + LIFETIME).replace(microsecond=0)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user_id,
            "sid": session_id,
            "tv": token_version,
            "jti": uuid4().hex,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        token = jwt.encode(claims, self._key, algorithm=ALGORITHM)
        return IssuedAccess(token, expires_at, int(LIFETIME.total_seconds()))

    def read(self, token: str, now: datetime) -> AccessClaims:
        """NotAuthenticated `token_expired` past exp + 30 s, `not_authenticated` otherwise."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": _REQUIRED,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            expires_at, not_before = _instant(claims["exp"]), _instant(claims["nbf"])
            version = _whole(claims["tv"])
        except (jwt.InvalidTokenError, _BadClaim) as error:
            raise _refused() from error
        if now < not_before - LEEWAY or not all(
            isinstance(claims[name], str) for name in ("sub", "sid", "jti")
        ):
            raise _refused()
        valid_until = expires_at + LEEWAY
        if now >= valid_until:
            raise NotAuthenticated("token_expired", "The access token is over; refresh it.")
        return AccessClaims(claims["sub"], claims["sid"], version, valid_until)


class _BadClaim(ValueError):
    pass


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**40:
        raise _BadClaim
    return value


def _instant(value: object) -> datetime:
    seconds = _whole(value)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError) as error:
        raise _BadClaim from error


def _refused() -> NotAuthenticated:
    return NotAuthenticated("not_authenticated", "Send a valid access token or API token.")
