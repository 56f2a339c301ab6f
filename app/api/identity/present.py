"""Entities of identity as answers."""

from app.api.identity import schemas as s
from application.context import Principal, Scope
from application.identity.api_token import ApiToken
from application.identity.session import Session
from application.identity.sign_in import SignedIn
from application.identity.user import User


def tokens_out(signed_in: SignedIn) -> s.TokensOut:
    """The pair of tokens."""
    return s.TokensOut(
        access_token=signed_in.access.token,
        expires_in=signed_in.access.lifetime_s,
        expires_at=signed_in.access.expires_at,
        refresh_token=signed_in.refresh_token,
        session_id=signed_in.session.id,
    )


def user_out(user: User) -> s.UserOut:
    """A user."""
    return s.UserOut(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        role=user.role,
        is_active=user.is_active,
        totp_enabled=user.needs_second_factor,
        created_at=user.created_at,
        updated_at=user.updated_at,
        last_login_at=user.last_login_at,
        version=user.version,
    )


def created_user_out(user: User, generated_password: str | None) -> s.CreatedUserOut:
    """A new user."""
    return s.CreatedUserOut(**user_out(user).model_dump(), password=generated_password)


def me_out(user: User, caller: Principal) -> s.MeOut:
    """The caller."""
    return s.MeOut(
        **user_out(user).model_dump(),
        scopes=in_order(caller.scopes),
        via=caller.via,
        credential_id=caller.credential_id,
    )


def session_out(session: Session, caller: Principal) -> s.SessionOut:
    """A session, marked when it is the caller's own."""
    return s.SessionOut(
        id=session.id,
        created_at=session.created_at,
        authenticated_at=session.authenticated_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        address=session.address,
        user_agent=session.user_agent,
        current=session.id == caller.credential_id,
    )


def token_out(token: ApiToken) -> s.TokenOut:
    """An API token."""
    return s.TokenOut(
        id=token.id,
        name=token.name,
        scopes=in_order(token.scopes),
        addresses=list(token.addresses),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


def created_token_out(token: ApiToken, text: str | None) -> s.CreatedTokenOut:
    """A new API token with its text, or without it in what is stored for replays."""
    return s.CreatedTokenOut(**token_out(token).model_dump(), token=text)


def in_order(scopes: frozenset[Scope]) -> list[Scope]:
    """Scopes from read to admin."""
    return [scope for scope in Scope if scope in scopes]
