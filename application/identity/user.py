"""A person who may log in, with one role inside one owner's book."""

import re
from dataclasses import dataclass
from datetime import datetime

from application.context import ROLE_SCOPES, Role, Scope
from domain.shared.errors import FieldFault, Invalid

OWNER_USERNAME = "owner"
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """TOTP enrolment. `salt` derives the secret from the service's key; `last_step` is used up."""

    salt: str
    confirmed_at: datetime | None
    last_step: int

    @property
    def is_confirmed(self) -> bool:
        """True once a first code proved that the enrolment works."""
        return self.confirmed_at is not None


@dataclass(frozen=True, slots=True)
class User:
    """`token_version` is stamped on access tokens: raising it revokes every one of them."""

    id: str
    owner_id: str
    username: str
    display_name: str
    role: Role
    password_hash: str
    token_version: int
    is_active: bool
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None = None
    second_factor: SecondFactor | None = None
    version: int = 1

    @property
    def scopes(self) -> frozenset[Scope]:
        """Scopes of the role."""
        return ROLE_SCOPES[self.role]

    @property
    def needs_second_factor(self) -> bool:
        """True when a login must bring a TOTP code."""
        return self.second_factor is not None and self.second_factor.is_confirmed


def normal_username(text: str) -> str | None:
    """The one spelling of a user name, None when it cannot be one."""
    name = text.strip().lower()
    return name if _USERNAME.fullmatch(name) else None


def required_username(text: str) -> str:
    """Invalid `invalid_username` unless 2 to 32 of a-z, 0-9, dot, dash, underscore."""
    name = normal_username(text)
    if name is None:
        fault = FieldFault(
            "/username", "invalid_username", "2 to 32 of a-z 0-9 . - _, starting with a-z 0-9"
        )  # fmt: skip
        raise Invalid("invalid_username", "This is not a user name.", errors=(fault,))
    return name
