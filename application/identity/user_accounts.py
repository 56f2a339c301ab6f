"""Administrators create, change and remove users; one administrator always remains."""

from dataclasses import dataclass, replace

from application.context import Principal, Role
from application.identity.opaque_secrets import new_password
from application.identity.own_account import require_version, with_new_password
from application.identity.password_rules import normal_password, require_strong
from application.identity.recording import USER, record
from application.identity.user import User, required_username
from application.ports.hasher import PasswordHasher
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import Conflict
from domain.shared.ids import Prefix


@dataclass(frozen=True, slots=True)
class NewUser:
    """`password_hash` comes from `prepared`, because hashing must not happen in the writer."""

    username: str
    display_name: str
    role: Role
    password_hash: str


@dataclass(frozen=True, slots=True)
class PreparedPassword:
    """A checked, hashed password; `generated` is its text when the service made it up."""

    password_hash: str
    generated: str | None


class PreparePassword:
    """Check and hash a password for somebody else's account. Blocking; hashing lane."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher

    def __call__(self, password: str | None, username: str) -> PreparedPassword:
        """A random password when none is given; Invalid `weak_password`."""
        chosen = new_password() if password is None else password
        require_strong(chosen, username, pointer="/password")
        hashed = self._hasher.hash(normal_password(chosen))
        return PreparedPassword(hashed, chosen if password is None else None)


class CreateUser:
    """The new user shares the administrator's owner. Conflict `username_taken`."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def __call__(self, new: NewUser, by: Principal, work: UnitOfWork) -> User:
        user = User(
            id=self._ids.new(Prefix.USER), owner_id=by.owner_id,
            username=required_username(new.username), display_name=new.display_name,
            role=new.role, password_hash=new.password_hash, token_version=1, is_active=True,
            created_at=work.now, updated_at=work.now,
        )  # fmt: skip
        work.users.add(user)
        record(
            work, "user_created", (USER, user.id), f"User {user.username} was created.",
            outputs={"username": user.username, "role": user.role.value},
        )  # fmt: skip
        return user


@dataclass(frozen=True, slots=True)
class UserChange:
    """None leaves a field as it is; `reset_totp` switches the second factor off."""

    expected_version: int
    display_name: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    password_hash: str | None = None
    reset_totp: bool = False


class ChangeUser:
    """A new role, password or deactivation revokes access tokens. Conflict `last_admin`."""

    def __call__(self, user_id: str, change: UserChange, work: UnitOfWork) -> User:
        user = work.users.get(user_id)
        require_version(user, change.expected_version)
        changed = replace(
            user,
            display_name=user.display_name if change.display_name is None else change.display_name,
            role=user.role if change.role is None else change.role,
            is_active=user.is_active if change.is_active is None else change.is_active,
            second_factor=None if change.reset_totp else user.second_factor,
            updated_at=work.now,
            version=user.version + 1,
        )
        if _is_admin(user) and not _is_admin(changed):
            _require_another_admin(work)
        if (changed.role, changed.is_active) != (user.role, user.is_active):
            changed = replace(changed, token_version=user.token_version + 1)
        work.users.save(changed)
        self._record(user, changed, work)
        if not changed.is_active and user.is_active:
            work.sessions.revoke_all(user.id, work.now, "user_deactivated")
        if change.password_hash is not None:
            changed = with_new_password(changed, change.password_hash, work)
        return changed

    def _record(self, before: User, after: User, work: UnitOfWork) -> None:
        record(
            work, "user_changed", (USER, after.id), f"User {after.username} was changed.",
            inputs={"role": before.role.value, "is_active": before.is_active,
                    "totp_enabled": before.needs_second_factor},
            outputs={"role": after.role.value, "is_active": after.is_active,
                     "totp_enabled": after.needs_second_factor},
        )  # fmt: skip


class DeleteUser:
    """Remove the user with every session and token; the event log keeps the name."""

    def __call__(self, user_id: str, expected_version: int, work: UnitOfWork) -> None:
        user = work.users.get(user_id)
        require_version(user, expected_version)
        if _is_admin(user):
            _require_another_admin(work)
        work.users.delete(user.id)
        record(
            work, "user_deleted", (USER, user.id), f"User {user.username} was removed.",
            outputs={"username": user.username, "role": user.role.value},
        )  # fmt: skip


def _is_admin(user: User) -> bool:
    return user.role is Role.ADMIN and user.is_active


def _require_another_admin(work: UnitOfWork) -> None:
    if work.users.active_admin_count() <= 1:
        raise Conflict("last_admin", "This is the last administrator who can log in.")
