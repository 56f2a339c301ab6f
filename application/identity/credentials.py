"""What a presented credential is worth right now: queries of the request boundary."""

from dataclasses import dataclass
from datetime import datetime

from application.context import Principal
from application.identity.api_token import Network, parsed_networks
from application.identity.opaque_secrets import PresentedApiToken, matches
from application.identity.proof import VIA_OFF, VIA_SESSION, VIA_TOKEN
from application.identity.user import User
from application.ports.access_tokens import AccessClaims
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import NotAuthenticated, Unavailable


@dataclass(frozen=True, slots=True)
class Credential:
    """A principal, until when at most, from where, and when it was last seen."""

    principal: Principal
    expires_at: datetime | None = None
    networks: tuple[Network, ...] = ()
    last_used_at: datetime | None = None


def not_authenticated() -> NotAuthenticated:
    """One answer for every bad credential: it does not say which part was wrong."""
    return NotAuthenticated("not_authenticated", "Send a valid access token or API token.")


def of_api_token(presented: PresentedApiToken, work: UnitOfWork) -> Credential:
    """The token's holder with the scopes that token and role both allow."""
    token = work.api_tokens.find(presented.token_id)
    if token is None or not matches(token.digest, presented.secret) or token.revoked_at is not None:
        raise not_authenticated()
    if not token.is_live(work.now):
        raise NotAuthenticated("token_expired", "This API token is over.")
    user = work.users.find(token.user_id)
    if user is None or not user.is_active:
        raise not_authenticated()
    principal = Principal(
        user.id, user.owner_id, user.role, token.scopes & user.scopes, VIA_TOKEN, token.id
    )
    return Credential(
        principal, token.expires_at, parsed_networks(token.addresses), token.last_used_at
    )


def of_access_token(claims: AccessClaims, work: UnitOfWork) -> Credential:
    """The session's user, while session and token version still hold."""
    session = work.sessions.find(claims.session_id)
    user = work.users.find(claims.user_id)
    if session is None or user is None or session.user_id != user.id or not user.is_active:
        raise not_authenticated()
    if not session.is_live(work.now) or user.token_version != claims.token_version:
        raise not_authenticated()
    return Credential(_principal(user, VIA_SESSION, session.id), claims.valid_until)


def of_owner(work: UnitOfWork) -> Credential:
    """The founder, when authentication is off."""
    founder = work.users.founder()
    if founder is None:
        raise Unavailable("store_unavailable", "The store has no owner yet.", retry_after_s=1)
    return Credential(_principal(founder, VIA_OFF, None))


def _principal(user: User, via: str, credential_id: str | None) -> Principal:
    return Principal(user.id, user.owner_id, user.role, user.scopes, via, credential_id)
