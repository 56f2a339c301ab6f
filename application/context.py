"""Who asks, and under which request: carried beside every command and query."""

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """viewer ⊂ trader ⊂ risk_manager ⊂ admin."""

    VIEWER = "viewer"
    TRADER = "trader"
    RISK_MANAGER = "risk_manager"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a credential may do; a role implies scopes, an API token lists them."""

    READ = "read"
    TRADE = "trade"
    RISK = "risk"
    ADMIN = "admin"


ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.TRADER: frozenset({Scope.READ, Scope.TRADE}),
    Role.RISK_MANAGER: frozenset({Scope.READ, Scope.TRADE, Scope.RISK}),
    Role.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `owner_id` selects whose objects every repository query sees."""

    user_id: str
    owner_id: str
    role: Role
    scopes: frozenset[Scope]
    via: str
    credential_id: str | None = None

    def may(self, scope: Scope) -> bool:
        """True when the credential carries the scope and the role still allows it."""
        return scope in self.scopes and scope in ROLE_SCOPES[self.role]


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Actor, owner and request id written on every event of the command."""

    owner_id: str
    actor: str
    request_id: str
    scopes: frozenset[Scope] = field(default=frozenset(Scope))


SYSTEM = RequestContext(owner_id="", actor="system", request_id="req_system")
