"""Trade a refresh token for the next pair; one that was traded before ends the whole session."""

from dataclasses import replace

from application.context import SYSTEM, RequestContext
from application.identity.opaque_secrets import digest
from application.identity.recording import SESSION, record
from application.identity.session import RefreshToken, Session
from application.identity.sign_in import SignedIn, add_refresh
from application.ports.access_tokens import AccessTokens
from application.ports.unit_of_work import Store, UnitOfWork
from domain.shared.errors import NotAuthenticated

REUSED = "refresh_token_reused"
_Found = tuple[RefreshToken, Session]


class RenewSession:
    """Blocking. Unknown tokens cost one read and no write."""

    def __init__(self, store: Store, access_tokens: AccessTokens) -> None:
        self._store = store
        self._access_tokens = access_tokens

    def __call__(self, presented: str, request_id: str) -> SignedIn:
        """NotAuthenticated: `invalid_refresh_token`, `refresh_token_reused`, `token_expired`."""
        digest_hex = digest(presented)
        found = self._store.query(lambda work: _find(digest_hex, work), SYSTEM)
        if found is None:
            raise _invalid()
        session = found[1]
        context = RequestContext(session.owner_id, session.user_id, request_id)
        outcome = self._store.command(lambda w: self._renew(digest_hex, w), context).result()
        if isinstance(outcome, NotAuthenticated):
            raise outcome
        return outcome

    def _renew(self, digest_hex: str, work: UnitOfWork) -> SignedIn | NotAuthenticated:
        """A refusal is returned, not raised: the revocation that goes with it has to commit."""
        found = _find(digest_hex, work)
        if found is None:
            return _invalid()
        token, session = found
        if token.used_at is not None:
            return _end_family(session, work)
        user = work.users.find(session.user_id)
        if user is None or not user.is_active or session.revoked_at is not None:
            return _invalid()
        if work.now >= token.expires_at:
            return NotAuthenticated("token_expired", "The refresh token is over; log in again.")
        work.sessions.mark_used(token.digest, work.now)
        session = replace(session, last_used_at=work.now)
        work.sessions.save(session)
        access = self._access_tokens.issue(user.id, session.id, user.token_version, work.now)
        return SignedIn(session, access, add_refresh(session, work), user)


def _find(digest_hex: str, work: UnitOfWork) -> _Found | None:
    token = work.sessions.find_refresh(digest_hex)
    session = None if token is None else work.sessions.find(token.session_id)
    return None if token is None or session is None else (token, session)


def _invalid() -> NotAuthenticated:
    return NotAuthenticated("invalid_refresh_token", "This refresh token is not valid.")


def _end_family(session: Session, work: UnitOfWork) -> NotAuthenticated:
    if session.revoked_at is None:
        work.sessions.save(replace(session, revoked_at=work.now, revoke_reason=REUSED))
        record(
            work, "session_revoked", (SESSION, session.id),
            "A refresh token was used twice, so the session was ended.",
            outputs={"user_id": session.user_id, "reason": REUSED},
        )  # fmt: skip
    return NotAuthenticated(REUSED, "This refresh token was used before; the session is over.")
