"""First start: an empty store gets its owner, with a password and a token nobody else has seen."""

from collections.abc import Callable
from dataclasses import dataclass

from application.context import SYSTEM, RequestContext, Role, Scope
from application.identity.api_token import ApiToken
from application.identity.opaque_secrets import PresentedApiToken, digest, new_password
from application.identity.password_rules import normal_password, require_strong
from application.identity.recording import USER, record
from application.identity.user import OWNER_USERNAME, User
from application.ports.clock import Clock
from application.ports.hasher import PasswordHasher
from application.ports.ids import Ids
from application.ports.unit_of_work import Store, UnitOfWork
from domain.shared.ids import Prefix

BOOTSTRAP_REQUEST = "req_first_start"
OWNER_TOKEN_NAME = "owner token of the first start"  # noqa: S105 - a label


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What to tell the person at the console, once. `password` is None when a file preset it."""

    owner_id: str
    username: str
    password: str | None
    api_token: str


class CreateOwner:
    """Runs before the service listens; None when the store already has users."""

    def __init__(self, store: Store, hasher: PasswordHasher, ids: Ids, clock: Clock) -> None:
        self._store = store
        self._hasher = hasher
        self._ids = ids
        self._clock = clock

    def __call__(
        self, preset_password: str | None = None, keep_token: Callable[[str], None] | None = None
    ) -> FirstStart | None:
        """Invalid `weak_password` when the preset one breaks the rules; nothing is written then.

        `keep_token` runs inside the transaction, so there is never an owner whose token was lost:
        if it fails, or the commit after it, the next start begins again.
        """
        if self._store.query(lambda work: work.users.founder(), SYSTEM) is not None:
            return None
        password = new_password() if preset_password is None else preset_password
        require_strong(password, OWNER_USERNAME, pointer="/owner_password_file")
        user = self._owner(self._hasher.hash(normal_password(password)))
        token_id = self._ids.new(Prefix.TOKEN)
        presented = PresentedApiToken.mint(token_id)
        context = RequestContext(user.owner_id, user.id, BOOTSTRAP_REQUEST)
        token = ApiToken(
            id=token_id, user_id=user.id, owner_id=user.owner_id, name=OWNER_TOKEN_NAME,
            digest=digest(presented.secret), scopes=frozenset(Scope), addresses=(),
            created_at=user.created_at,
        )  # fmt: skip

        def create(work: UnitOfWork) -> bool:
            created = _store(user, token, work)
            if created and keep_token is not None:
                keep_token(presented.text)
            return created

        if not self._store.command(create, context).result():
            return None
        shown = password if preset_password is None else None
        return FirstStart(user.owner_id, user.username, shown, presented.text)

    def _owner(self, password_hash: str) -> User:
        user_id = self._ids.new(Prefix.USER)
        now = self._clock.now()
        return User(
            id=user_id, owner_id=user_id, username=OWNER_USERNAME, display_name="Owner",
            role=Role.ADMIN, password_hash=password_hash, token_version=1, is_active=True,
            created_at=now, updated_at=now,
        )  # fmt: skip


def _store(user: User, token: ApiToken, work: UnitOfWork) -> bool:
    """False when another process was first."""
    if work.users.founder() is not None:
        return False
    work.users.add(user)
    work.api_tokens.add(token)
    record(
        work, "user_created", (USER, user.id), "First start created the owner.",
        outputs={"username": user.username, "role": user.role.value, "token_id": token.id},
    )  # fmt: skip
    return True
