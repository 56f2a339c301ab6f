"""Repositories of users and of what they present to be let in.

`find…` looks across owners and is for authentication only; `get` and `list` see the context's owner
(or the user named in the call) and raise NotFound. `save` raises StaleVersion as everywhere.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.identity.api_token import ApiToken
from application.identity.session import RefreshToken, Session
from application.identity.user import User
from application.ports.repositories import Page
from application.settings.service_settings import ServiceSettings


class Users(Protocol):
    """User names are unique across owners, because a login names no owner."""

    def get(self, user_id: str) -> User:
        """NotFound `user_not_found` unless the user belongs to the context's owner."""
        ...

    def find(self, user_id: str) -> User | None: ...
    def find_by_name(self, username: str) -> User | None: ...
    def founder(self) -> User | None:
        """The first active administrator of the store, None while the store is empty."""
        ...

    def add(self, user: User) -> None:
        """Conflict `username_taken`."""
        ...

    def save(self, user: User) -> None: ...
    def delete(self, user_id: str) -> None:
        """Remove the user with every session and token."""
        ...

    def list(self, page: Page) -> Sequence[User]: ...
    def count(self) -> int:
        """How many `list` goes through."""
        ...

    def active_admin_count(self) -> int:
        """Administrators of the context's owner who can log in."""
        ...


class Sessions(Protocol):
    """Logins and their refresh tokens."""

    def get(self, session_id: str, user_id: str) -> Session:
        """NotFound `session_not_found` unless it is a session of the user."""
        ...

    def find(self, session_id: str) -> Session | None: ...
    def add(self, session: Session) -> None: ...
    def save(self, session: Session) -> None: ...
    def list(self, user_id: str, now: datetime, page: Page) -> Sequence[Session]:
        """Live sessions of the user."""
        ...

    def count(self, user_id: str, now: datetime) -> int:
        """How many `list` goes through."""
        ...

    def revoke_all(self, user_id: str, at: datetime, reason: str) -> int:
        """Revoke every live session of the user; how many."""
        ...

    def add_refresh(self, token: RefreshToken) -> None: ...
    def find_refresh(self, digest: str) -> RefreshToken | None: ...
    def mark_used(self, digest: str, at: datetime) -> None: ...
    def forget_before(self, instant: datetime) -> int:
        """Delete sessions that ended before the instant, with their tokens; how many sessions."""
        ...


class ApiTokens(Protocol):
    """API tokens."""

    def get(self, token_id: str, user_id: str) -> ApiToken:
        """NotFound `token_not_found` unless it is a token of the user."""
        ...

    def find(self, token_id: str) -> ApiToken | None: ...
    def add(self, token: ApiToken) -> None: ...
    def revoke(self, token_id: str, at: datetime) -> None: ...
    def list(self, user_id: str, page: Page) -> Sequence[ApiToken]:
        """Tokens of the user that are not revoked."""
        ...

    def count(self, user_id: str) -> int:
        """How many are not revoked."""
        ...

    def touch(self, token_id: str, at: datetime) -> None:
        """Record a use."""
        ...


class SettingsBook(Protocol):
    """The settings document of the context's owner."""

    def read(self) -> ServiceSettings:
        """The stored document, or the defaults at version 1."""
        ...

    def save(self, settings: ServiceSettings) -> None: ...
