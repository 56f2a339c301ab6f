"""Mint and revoke API tokens. A token can never do more than the credential that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.context import Principal, Scope
from application.identity.api_token import TOKENS_PER_USER_MAX, ApiToken, parsed_networks
from application.identity.opaque_secrets import PresentedApiToken, digest
from application.identity.proof import require_own_hand
from application.identity.recording import API_TOKEN, record
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import AccessDenied, Conflict, FieldFault, Invalid
from domain.shared.ids import Prefix


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """What the caller asks for."""

    name: str
    scopes: frozenset[Scope]
    expires_at: datetime | None = None
    addresses: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MintedApiToken:
    """The stored token and its text, which nobody can read again."""

    token: ApiToken
    text: str


class CreateApiToken:
    """AccessDenied `scope_not_allowed` beyond the creator's scopes; Conflict `too_many_tokens`."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def __call__(self, new: NewApiToken, by: Principal, work: UnitOfWork) -> MintedApiToken:
        require_own_hand(by)
        _require_sound(new, by, work)
        presented = PresentedApiToken.mint(self._ids.new(Prefix.TOKEN))
        token = ApiToken(
            id=presented.token_id, user_id=by.user_id, owner_id=by.owner_id, name=new.name,
            digest=digest(presented.secret), scopes=new.scopes,
            addresses=tuple(str(network) for network in parsed_networks(new.addresses)),
            created_at=work.now, expires_at=new.expires_at,
        )  # fmt: skip
        work.api_tokens.add(token)
        record(
            work, "token_created", (API_TOKEN, token.id), f"API token {new.name} was created.",
            outputs={"user_id": by.user_id, "scopes": sorted(s.value for s in new.scopes),
                     "addresses": list(token.addresses)},
        )  # fmt: skip
        return MintedApiToken(token, presented.text)


class RevokeApiToken:
    """NotFound `token_not_found` for another user's token and for one revoked before."""

    def __call__(self, token_id: str, by: Principal, work: UnitOfWork) -> None:
        if by.credential_id != token_id:
            require_own_hand(by)
        token = work.api_tokens.get(token_id, by.user_id)
        work.api_tokens.revoke(token.id, work.now)
        record(
            work, "token_revoked", (API_TOKEN, token.id), f"API token {token.name} was revoked.",
            outputs={"user_id": by.user_id},
        )  # fmt: skip


def _require_sound(new: NewApiToken, by: Principal, work: UnitOfWork) -> None:
    beyond = sorted(scope.value for scope in new.scopes if not by.may(scope))
    if beyond:
        raise AccessDenied(
            "scope_not_allowed",
            f"You cannot give what you do not have: {', '.join(beyond)}.",
            context={"scopes": beyond},
        )
    if new.expires_at is not None and new.expires_at <= work.now:
        fault = FieldFault("/expires_at", "in_the_past", "an instant in the future")
        raise Invalid("invalid_request", "The token would be over already.", errors=(fault,))
    if work.api_tokens.count(by.user_id) >= TOKENS_PER_USER_MAX:
        raise Conflict("too_many_tokens", f"A user has at most {TOKENS_PER_USER_MAX} API tokens.")
