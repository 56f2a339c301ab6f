"""Users, sessions and API tokens on SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, or_, select, update

from application.context import RequestContext, Role, Scope
from application.identity.api_token import ApiToken
from application.identity.session import RefreshToken, Session
from application.identity.user import SecondFactor, User
from application.ports.repositories import Page
from domain.shared.errors import Conflict, NotFound, StaleVersion
from infrastructure.persistence.paging import paged
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables.identity import (
    api_tokens,
    refresh_tokens,
    sessions,
    users,
)

_USER = select(users).where(users.c.id == bindparam("id"))
_USER_BY_NAME = select(users).where(users.c.username == bindparam("username"))
_FOUNDER = (
    select(users)
    .where(users.c.role == Role.ADMIN.value, users.c.is_active == bindparam("active"))
    .order_by(users.c.id)
    .limit(1)
)
_ADD_USER = insert(users)
_SAVE_USER = (
    update(users)
    .where(users.c.id == bindparam("key"), users.c.version == bindparam("before"))
    .values({c.name: bindparam(c.name) for c in users.c if c.name != "id"})
)
_DELETE_USER = delete(users).where(users.c.id == bindparam("key"))
_ADMINS = select(func.count().label("n")).where(
    users.c.owner_id == bindparam("owner_id"),
    users.c.role == Role.ADMIN.value,
    users.c.is_active == bindparam("active"),
)
_COUNT_USERS = select(func.count().label("n")).where(users.c.owner_id == bindparam("owner_id"))
_SESSIONS_OF_USER = select(sessions.c.id).where(sessions.c.user_id == bindparam("key"))
_DELETE_REFRESH_OF_USER = delete(refresh_tokens).where(
    refresh_tokens.c.session_id.in_(_SESSIONS_OF_USER)
)
_DELETE_SESSIONS_OF_USER = delete(sessions).where(sessions.c.user_id == bindparam("key"))
_DELETE_TOKENS_OF_USER = delete(api_tokens).where(api_tokens.c.user_id == bindparam("key"))

_SESSION = select(sessions).where(sessions.c.id == bindparam("id"))
_ADD_SESSION = insert(sessions)
_SAVE_SESSION = (
    update(sessions)
    .where(sessions.c.id == bindparam("key"))
    .values({c.name: bindparam(c.name) for c in sessions.c if c.name != "id"})
)
_REVOKE_SESSIONS = (
    update(sessions)
    .where(sessions.c.user_id == bindparam("user"), sessions.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("revoked_at"), revoke_reason=bindparam("revoke_reason"))
)
_REFRESH = select(refresh_tokens).where(refresh_tokens.c.digest == bindparam("digest"))
_ADD_REFRESH = insert(refresh_tokens)
_USE_REFRESH = (
    update(refresh_tokens)
    .where(refresh_tokens.c.digest == bindparam("key"))
    .values(used_at=bindparam("used_at"))
)
_ENDED = or_(
    sessions.c.expires_at < bindparam("instant"), sessions.c.revoked_at < bindparam("instant")
)
_FORGET_REFRESH = delete(refresh_tokens).where(
    refresh_tokens.c.session_id.in_(select(sessions.c.id).where(_ENDED))
)
_FORGET_SESSIONS = delete(sessions).where(_ENDED)

_TOKEN = select(api_tokens).where(api_tokens.c.id == bindparam("id"))
_ADD_TOKEN = insert(api_tokens)
_REVOKE_TOKEN = (
    update(api_tokens)
    .where(api_tokens.c.id == bindparam("key"))
    .values(revoked_at=bindparam("revoked_at"))
)
_TOUCH_TOKEN = (
    update(api_tokens)
    .where(api_tokens.c.id == bindparam("key"))
    .values(last_used_at=bindparam("last_used_at"))
)
_COUNT_TOKENS = select(func.count().label("n")).where(
    api_tokens.c.user_id == bindparam("user_id"), api_tokens.c.revoked_at.is_(None)
)


class SqlUsers:
    """`Users` on SQL."""

    def __init__(self, session: SqlSession, context: RequestContext) -> None:
        self._session = session
        self._owner_id = context.owner_id

    def get(self, user_id: str) -> User:
        user = self.find(user_id)
        if user is None or user.owner_id != self._owner_id:
            raise NotFound("user_not_found", f"No user {user_id}.")
        return user

    def find(self, user_id: str) -> User | None:
        row = self._session.one(_USER, id=user_id)
        return None if row is None else _user(row)

    def find_by_name(self, username: str) -> User | None:
        row = self._session.one(_USER_BY_NAME, username=username)
        return None if row is None else _user(row)

    def founder(self) -> User | None:
        row = self._session.one(_FOUNDER, active=True)
        return None if row is None else _user(row)

    def add(self, user: User) -> None:
        if self.find_by_name(user.username) is not None:
            raise Conflict("username_taken", f"The user name {user.username} is taken.")
        self._session.run(_ADD_USER, **_user_row(user))

    def save(self, user: User) -> None:
        row = _user_row(user)
        key = row.pop("id")
        if self._session.run(_SAVE_USER, key=key, before=user.version - 1, **row) != 1:
            raise StaleVersion("stale_version", f"User {user.id} changed meanwhile.")

    def delete(self, user_id: str) -> None:
        for statement in (
            _DELETE_REFRESH_OF_USER, _DELETE_SESSIONS_OF_USER, _DELETE_TOKENS_OF_USER, _DELETE_USER
        ):  # fmt: skip
            self._session.run(statement, key=user_id)

    def list(self, page: Page) -> Sequence[User]:
        query = select(users).where(users.c.owner_id == self._owner_id)
        return [_user(row) for row in self._session.built(paged(query, users.c.id, page))]

    def count(self) -> int:
        return _counted(self._session.one(_COUNT_USERS, owner_id=self._owner_id))

    def active_admin_count(self) -> int:
        return _counted(self._session.one(_ADMINS, owner_id=self._owner_id, active=True))


class SqlSessions:
    """`Sessions` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def get(self, session_id: str, user_id: str) -> Session:
        found = self.find(session_id)
        if found is None or found.user_id != user_id:
            raise NotFound("session_not_found", f"No session {session_id}.")
        return found

    def find(self, session_id: str) -> Session | None:
        row = self._session.one(_SESSION, id=session_id)
        return None if row is None else Session(**row)

    def add(self, session: Session) -> None:
        self._session.run(_ADD_SESSION, **_fields(session))

    def save(self, session: Session) -> None:
        row = _fields(session)
        self._session.run(_SAVE_SESSION, key=row.pop("id"), **row)

    def list(self, user_id: str, now: datetime, page: Page) -> Sequence[Session]:
        query = select(sessions).where(*_live_sessions(user_id, now))
        return [Session(**r) for r in self._session.built(paged(query, sessions.c.id, page))]

    def count(self, user_id: str, now: datetime) -> int:
        query = select(func.count().label("n")).where(*_live_sessions(user_id, now))
        return int(self._session.built(query)[0]["n"])

    def revoke_all(self, user_id: str, at: datetime, reason: str) -> int:
        return self._session.run(
            _REVOKE_SESSIONS, user=user_id, revoked_at=at, revoke_reason=reason
        )

    def add_refresh(self, token: RefreshToken) -> None:
        self._session.run(_ADD_REFRESH, **_fields(token))

    def find_refresh(self, digest: str) -> RefreshToken | None:
        row = self._session.one(_REFRESH, digest=digest)
        return None if row is None else RefreshToken(**row)

    def mark_used(self, digest: str, at: datetime) -> None:
        self._session.run(_USE_REFRESH, key=digest, used_at=at)

    def forget_before(self, instant: datetime) -> int:
        self._session.run(_FORGET_REFRESH, instant=instant)
        return self._session.run(_FORGET_SESSIONS, instant=instant)


class SqlApiTokens:
    """`ApiTokens` on SQL."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def get(self, token_id: str, user_id: str) -> ApiToken:
        token = self.find(token_id)
        if token is None or token.user_id != user_id or token.revoked_at is not None:
            raise NotFound("token_not_found", f"No API token {token_id}.")
        return token

    def find(self, token_id: str) -> ApiToken | None:
        row = self._session.one(_TOKEN, id=token_id)
        return None if row is None else _token(row)

    def add(self, token: ApiToken) -> None:
        row = _fields(token)
        row["scopes"] = sorted(scope.value for scope in token.scopes)
        row["addresses"] = list(token.addresses)
        self._session.run(_ADD_TOKEN, **row)

    def revoke(self, token_id: str, at: datetime) -> None:
        self._session.run(_REVOKE_TOKEN, key=token_id, revoked_at=at)

    def list(self, user_id: str, page: Page) -> Sequence[ApiToken]:
        query = select(api_tokens).where(
            api_tokens.c.user_id == user_id, api_tokens.c.revoked_at.is_(None)
        )
        return [_token(row) for row in self._session.built(paged(query, api_tokens.c.id, page))]

    def count(self, user_id: str) -> int:
        return _counted(self._session.one(_COUNT_TOKENS, user_id=user_id))

    def touch(self, token_id: str, at: datetime) -> None:
        self._session.run(_TOUCH_TOKEN, key=token_id, last_used_at=at)


def _live_sessions(user_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        sessions.c.user_id == user_id,
        sessions.c.revoked_at.is_(None),
        sessions.c.expires_at > now,
    )


def _counted(row: Row | None) -> int:
    return 0 if row is None else int(row["n"])


def _fields(value: Session | RefreshToken | ApiToken) -> Row:
    return {name: getattr(value, name) for name in value.__slots__}


def _user_row(user: User) -> Row:
    row: Row = {name: getattr(user, name) for name in user.__slots__ if name != "second_factor"}
    factor = user.second_factor
    row["role"] = user.role.value
    row["totp_salt"] = None if factor is None else factor.salt
    row["totp_confirmed_at"] = None if factor is None else factor.confirmed_at
    row["totp_last_step"] = 0 if factor is None else factor.last_step
    return row


def _user(row: Row) -> User:
    salt, confirmed_at = row.pop("totp_salt"), row.pop("totp_confirmed_at")
    last_step = row.pop("totp_last_step")
    factor = None if salt is None else SecondFactor(salt, confirmed_at, last_step)
    return User(
        **{**row, "role": Role(row["role"]), "is_active": bool(row["is_active"])},
        second_factor=factor,
    )


def _token(row: Row) -> ApiToken:
    scopes = frozenset(Scope(text) for text in row["scopes"])
    return ApiToken(**{**row, "scopes": scopes, "addresses": tuple(row["addresses"])})
