"""What every user may do with their own login: profile, password, sessions."""

from dataclasses import replace

from application.context import RequestContext
from application.identity.password_rules import normal_password, require_strong
from application.identity.recording import SESSION, USER, record
from application.identity.user import User
from application.ports.hasher import PasswordHasher
from application.ports.unit_of_work import Store, UnitOfWork
from domain.shared.errors import FieldFault, Invalid, StaleVersion

PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
LOGGED_OUT = "logged_out"
ENDED_BY_USER = "ended_by_user"


def require_version(user: User, expected: int) -> None:
    """StaleVersion when the caller read another version."""
    if expected != user.version:
        raise StaleVersion(
            "stale_version",
            f"User {user.id} is at version {user.version}.",
            context={"version": user.version},
        )


class ChangeProfile:
    """Change how the user is called."""

    def __call__(self, user_id: str, display_name: str, expected: int, work: UnitOfWork) -> User:
        user = work.users.get(user_id)
        require_version(user, expected)
        changed = replace(
            user, display_name=display_name, updated_at=work.now, version=user.version + 1
        )
        work.users.save(changed)
        record(
            work, "user_changed", (USER, user.id), "The display name changed.",
            outputs={"display_name": display_name},
        )  # fmt: skip
        return changed


class ChangePassword:
    """New password for a user who has just proved the old one; every session ends.

    API tokens stay: they are separate credentials with their own list and their own DELETE.
    Blocking; hashing lane.
    """

    def __init__(self, store: Store, hasher: PasswordHasher) -> None:
        self._store = store
        self._hasher = hasher

    def __call__(self, user: User, new_password: str, request_id: str) -> None:
        """Invalid `weak_password`; StaleVersion when the user changed meanwhile."""
        require_strong(new_password, user.username)
        if self._hasher.verify(user.password_hash, normal_password(new_password)):
            fault = FieldFault("/new_password", "unchanged", "it is the password you have")
            raise Invalid("weak_password", "The new password is the old one.", errors=(fault,))
        hashed = self._hasher.hash(normal_password(new_password))

        def store(work: UnitOfWork) -> None:
            current = work.users.get(user.id)
            require_version(current, user.version)
            with_new_password(current, hashed, work)

        context = RequestContext(user.owner_id, user.id, request_id)
        self._store.command(store, context).result()


def with_new_password(user: User, password_hash: str, work: UnitOfWork) -> User:
    """Store the hash, revoke sessions and access tokens, and say so."""
    changed = replace(
        user, password_hash=password_hash, token_version=user.token_version + 1,
        updated_at=work.now, version=user.version + 1,
    )  # fmt: skip
    work.users.save(changed)
    ended = work.sessions.revoke_all(user.id, work.now, PASSWORD_CHANGED)
    record(
        work, "password_changed", (USER, user.id), "The password changed and every session ended.",
        outputs={"sessions_revoked": ended},
    )  # fmt: skip
    return changed


class EndSession:
    """Revoke one session of the user; again is fine. NotFound `session_not_found`."""

    def __call__(self, session_id: str, user_id: str, reason: str, work: UnitOfWork) -> None:
        session = work.sessions.get(session_id, user_id)
        if session.revoked_at is not None:
            return
        work.sessions.save(replace(session, revoked_at=work.now, revoke_reason=reason))
        record(
            work, "session_revoked", (SESSION, session_id), "The session was ended.",
            outputs={"user_id": user_id, "reason": reason},
        )  # fmt: skip
