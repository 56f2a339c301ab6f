"""Whether the person behind a request has proved to be there, lately and by hand."""

from dataclasses import dataclass, replace
from datetime import timedelta

from application.context import SYSTEM, Principal, RequestContext, Scope
from application.identity.password_rules import LENGTH_MAX, normal_password
from application.identity.recording import SESSION, USER, record
from application.identity.second_factor import TotpCodes, use_step
from application.identity.sign_in import throttle_keys
from application.identity.user import User
from application.ports.clock import Clock
from application.ports.hasher import PasswordHasher
from application.ports.login_throttle import LoginThrottle
from application.ports.unit_of_work import Store, UnitOfWork
from domain.shared.errors import AccessDenied, BadInput, Conflict, NotAuthenticated

FRESH_LOGIN = timedelta(minutes=5)
VIA_SESSION = "session"
VIA_TOKEN = "token"  # noqa: S105 - the name of a way in
VIA_OFF = "off"


def require_own_hand(principal: Principal) -> None:
    """AccessDenied for an API token without the admin scope.

    A token made for a script must not mint tokens, end sessions or change how its user logs in.
    """
    if principal.via == VIA_TOKEN and not principal.may(Scope.ADMIN):
        raise AccessDenied(
            "access_denied", "An API token needs the scope admin to manage the login of its user."
        )


def require_fresh_login(principal: Principal, work: UnitOfWork, *, token_scope: Scope) -> None:
    """AccessDenied `reauthentication_required` unless a password or TOTP was shown ≤ 5 min ago.

    An API token passes with `token_scope`; with authentication off there is nothing to show.
    """
    if principal.via == VIA_OFF or (principal.via == VIA_TOKEN and principal.may(token_scope)):
        return
    if principal.via == VIA_SESSION and principal.credential_id is not None:
        session = work.sessions.get(principal.credential_id, principal.user_id)
        if work.now - session.authenticated_at <= FRESH_LOGIN:
            return
    raise AccessDenied("reauthentication_required", "Show your password or a TOTP code again.")


@dataclass(frozen=True, slots=True)
class Proof:
    """A password, a TOTP code or both, and where they came from; what is given must be right."""

    password: str | None
    totp: str | None
    address: str | None
    request_id: str


class ProvePresence:
    """Check the caller's password or TOTP code, throttled like a login. Blocking; hashing lane."""

    def __init__(
        self,
        store: Store,
        hasher: PasswordHasher,
        throttle: LoginThrottle,
        codes: TotpCodes,
        clock: Clock,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._throttle = throttle
        self._codes = codes
        self._clock = clock

    def __call__(self, principal: Principal, proof: Proof) -> User:
        """The user as proved. AccessDenied `wrong_proof`; TooMany `login_delayed`."""
        user = self._store.query(lambda work: work.users.find(principal.user_id), SYSTEM)
        if user is None:
            raise NotAuthenticated("not_authenticated", "This user no longer exists.")
        keys = throttle_keys(user.username, proof.address)
        self._throttle.require_open(keys)
        if self._is_right(user, proof):
            self._throttle.forget(keys[0])
            return user
        self._throttle.record_failure(keys)
        factor = "password" if proof.totp is None else "totp"

        def note(work: UnitOfWork) -> None:
            record(
                work, "login_failed", (USER, user.id), "A proof of presence failed.",
                inputs={"address": proof.address, "factor": factor},
            )  # fmt: skip

        self._store.command(note, _context(user, proof)).result()
        raise AccessDenied("wrong_proof", "The password or the code is wrong, old or already used.")

    def _is_right(self, user: User, proof: Proof) -> bool:
        if proof.password is None and proof.totp is None:
            raise BadInput("proof_missing", "Send the password or a TOTP code.")
        if proof.password is not None:
            given = normal_password(proof.password[: LENGTH_MAX + 1])
            if not self._hasher.verify(user.password_hash, given):
                return False
        return proof.totp is None or self._uses_code(user, proof.totp, proof)

    def _uses_code(self, user: User, code: str, proof: Proof) -> bool:
        if not user.needs_second_factor:
            return False
        step = self._codes.accepted_step(user, code, self._clock.now())
        if step is None:
            return False

        def use(work: UnitOfWork) -> bool:
            used = use_step(work.users.get(user.id), step, work)
            if used is not None:
                work.users.save(replace(used, version=used.version + 1))
            return used is not None

        return self._store.command(use, _context(user, proof)).result()


class Reauthenticate:
    """Mark the caller's session as freshly authenticated, after `ProvePresence`."""

    def __call__(self, principal: Principal, work: UnitOfWork) -> None:
        if principal.via != VIA_SESSION or principal.credential_id is None:
            raise Conflict("not_a_session", "Only a login session can be re-authenticated.")
        session = work.sessions.get(principal.credential_id, principal.user_id)
        work.sessions.save(replace(session, authenticated_at=work.now))
        record(
            work, "session_reauthenticated", (SESSION, session.id), "The user proved presence.",
            outputs={"user_id": session.user_id},
        )  # fmt: skip


def _context(user: User, proof: Proof) -> RequestContext:
    return RequestContext(user.owner_id, user.id, proof.request_id)
