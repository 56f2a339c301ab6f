"""Log in with user name and password, and the second factor when there is one.

The same work is done for unknown users: one throttle look, one query, one hash, one command.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from application.context import SYSTEM, RequestContext
from application.identity.opaque_secrets import digest, new_refresh_secret
from application.identity.password_rules import LENGTH_MAX, normal_password
from application.identity.recording import LOGIN, SESSION, UNKNOWN_USER, USER, record
from application.identity.second_factor import TotpCodes, use_step
from application.identity.session import (
    REFRESH_LIFETIME,
    SESSION_LIFETIME,
    RefreshToken,
    Session,
)
from application.identity.user import User, normal_username
from application.ports.access_tokens import AccessTokens, IssuedAccess
from application.ports.clock import Clock
from application.ports.hasher import PasswordHasher
from application.ports.ids import Ids
from application.ports.login_throttle import LoginThrottle
from application.ports.unit_of_work import Store, UnitOfWork
from domain.shared.errors import NotAuthenticated
from domain.shared.ids import Prefix

KEEP_ENDED_SESSIONS = timedelta(days=30)
USER_AGENT_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """What the caller sent, and from where."""

    username: str
    password: str
    totp: str | None
    address: str | None
    user_agent: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session with its first pair of tokens."""

    session: Session
    access: IssuedAccess
    refresh_token: str
    user: User


class SignIn:
    """Blocking; run it in the hashing lane, never on the event loop or in the writer."""

    def __init__(
        self,
        store: Store,
        hasher: PasswordHasher,
        throttle: LoginThrottle,
        access_tokens: AccessTokens,
        codes: TotpCodes,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._throttle = throttle
        self._access_tokens = access_tokens
        self._codes = codes
        self._ids = ids
        self._clock = clock

    def __call__(self, attempt: LoginAttempt) -> SignedIn:
        """NotAuthenticated `invalid_login` or `totp_required`; TooMany `login_delayed`."""
        name = normal_username(attempt.username)
        keys = throttle_keys(name, attempt.address)
        self._throttle.require_open(keys)
        user, founder = self._store.query(lambda work: _named(name, work), SYSTEM)
        if not self._password_fits(user, attempt.password) or user is None:
            return self._fail(attempt, user or founder, keys, "password", known=user is not None)
        step = None
        if user.needs_second_factor:
            if not attempt.totp:
                raise NotAuthenticated("totp_required", "Send the TOTP code in the field totp.")
            step = self._codes.accepted_step(user, attempt.totp, self._clock.now())
            if step is None:
                return self._fail(attempt, user, keys, "totp")
        signed_in = self._open(attempt, user, step)
        if signed_in is None:
            return self._fail(attempt, user, keys, "totp")
        self._throttle.forget(keys[0])
        return signed_in

    def _password_fits(self, user: User | None, password: str) -> bool:
        # Cut before hashing: nothing longer can be right, and a megabyte must not cost CPU.
        password = normal_password(password[: LENGTH_MAX + 1])
        if user is None or not user.is_active:
            self._hasher.verify_decoy(password)
            return False
        return self._hasher.verify(user.password_hash, password)

    def _fail(
        self,
        attempt: LoginAttempt,
        told: User | None,
        keys: tuple[str, str],
        factor: str,
        *,
        known: bool = True,
    ) -> SignedIn:
        """Failures of unknown names are told to the founder's owner, without the name: people type
        passwords into the wrong field."""
        self._throttle.record_failure(keys)
        owner_id = "" if told is None else told.owner_id
        aggregate = (USER, told.id) if told is not None and known else (LOGIN, UNKNOWN_USER)
        context = RequestContext(owner_id, "anonymous", attempt.request_id)

        def note(work: UnitOfWork) -> None:
            record(
                work, "login_failed", aggregate, "A login failed.",
                inputs={"address": attempt.address, "factor": factor},
            )  # fmt: skip

        self._store.command(note, context).result()
        raise NotAuthenticated("invalid_login", "User name, password or code is wrong.")

    def _open(self, attempt: LoginAttempt, user: User, step: int | None) -> SignedIn | None:
        rehashed = None
        if self._hasher.is_outdated(user.password_hash):
            rehashed = self._hasher.hash(normal_password(attempt.password))
        context = RequestContext(user.owner_id, user.id, attempt.request_id)

        def open_session(work: UnitOfWork) -> SignedIn | None:
            current = work.users.get(user.id)
            if current.password_hash != user.password_hash or not current.is_active:
                return None
            used = current if step is None else use_step(current, step, work)
            if used is None:
                return None
            return self._session(attempt, used, rehashed, work)

        return self._store.command(open_session, context).result()

    def _session(
        self, attempt: LoginAttempt, user: User, rehashed: str | None, work: UnitOfWork
    ) -> SignedIn:
        now = work.now
        seen = replace(
            user, last_login_at=now, version=user.version + 1,
            password_hash=user.password_hash if rehashed is None else rehashed,
        )  # fmt: skip
        work.users.save(seen)
        work.sessions.forget_before(now - KEEP_ENDED_SESSIONS)
        agent = attempt.user_agent
        session = Session(
            id=self._ids.new(Prefix.SESSION), user_id=user.id, owner_id=user.owner_id,
            created_at=now, authenticated_at=now, last_used_at=now,
            expires_at=now + SESSION_LIFETIME, address=attempt.address,
            user_agent=None if agent is None else agent[:USER_AGENT_LENGTH_MAX],
        )  # fmt: skip
        work.sessions.add(session)
        refresh = add_refresh(session, work)
        record(
            work, "session_opened", (SESSION, session.id), f"{user.username} logged in.",
            inputs={"address": attempt.address}, outputs={"user_id": user.id},
        )  # fmt: skip
        access = self._access_tokens.issue(user.id, session.id, user.token_version, now)
        return SignedIn(session, access, refresh, seen)


def _named(name: str | None, work: UnitOfWork) -> tuple[User | None, User | None]:
    user = None if name is None else work.users.find_by_name(name)
    return user, work.users.founder()


def throttle_keys(username: str | None, address: str | None) -> tuple[str, str]:
    """Keys that failures count on. Names nobody can have share one key."""
    return f"user:{username or ''}", f"address:{address or ''}"


def add_refresh(session: Session, work: UnitOfWork) -> str:
    """Store a fresh refresh token of the session; its secret."""
    secret = new_refresh_secret()
    expires_at = min(work.now + REFRESH_LIFETIME, session.expires_at)
    work.sessions.add_refresh(RefreshToken(digest(secret), session.id, work.now, expires_at))
    return secret
