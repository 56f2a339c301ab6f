"""Turns the Authorization header into a principal, usually without touching the store.

A credential that held is remembered for at most five seconds, by its SHA-256. Whatever changes
users, sessions or tokens in this process calls `forget` and the memory is empty at once; another
process sees the change within those five seconds.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from time import monotonic

import structlog
from starlette.requests import HTTPConnection

from application.context import SYSTEM, Principal
from application.identity.api_token import is_inside
from application.identity.credentials import (
    Credential,
    not_authenticated,
    of_access_token,
    of_api_token,
    of_owner,
)
from application.identity.opaque_secrets import API_TOKEN_MARK, PresentedApiToken
from application.identity.proof import VIA_TOKEN
from application.ports.access_tokens import AccessTokens
from application.ports.clock import Clock
from application.ports.unit_of_work import Store, UnitOfWork
from domain.shared.errors import Fault, NotAuthenticated

REMEMBERED_S = 5.0
REMEMBERED_MAX = 4096
USE_RECORDED_EVERY = timedelta(minutes=1)
CREDENTIAL_LENGTH_MAX = 4096
log = structlog.get_logger("ballast.authentication")


@dataclass(frozen=True, slots=True)
class _Remembered:
    credential: Credential
    until_s: float


class Authentication:
    """`app.state.authenticate`; also for sockets, which are HTTP connections before the upgrade.

    With `required` off every caller is the owner.
    """

    def __init__(
        self,
        store: Store,
        access_tokens: AccessTokens,
        clock: Clock,
        *,
        required: bool = True,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._access_tokens = access_tokens
        self._clock = clock
        self._required = required
        self._now_s = now_s
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._generation = 0
        self._use_recorded: OrderedDict[str, datetime] = OrderedDict()

    async def __call__(self, request: HTTPConnection) -> Principal:
        """NotAuthenticated unless the header carries a credential that holds, from where it may."""
        text = bearer_credential(request) if self._required else ""
        return await self.principal_of(text, address_of(request))

    async def principal_of(self, text: str, address: str | None) -> Principal:
        """The principal of a credential's text, for callers that find it elsewhere."""
        digest = sha256(text.encode("utf-8", "surrogatepass")).digest()
        known = self._remembered.get(digest)
        if known is None or known.until_s <= self._now_s():
            credential = await self._look_up(digest, text)
        else:
            credential = known.credential
            if credential.expires_at is not None and self._clock.now() >= credential.expires_at:
                self._remembered.pop(digest, None)
                raise NotAuthenticated("token_expired", "The token is over.")
        if credential.networks and not is_inside(address, credential.networks):
            raise not_authenticated()
        return credential.principal

    def forget(self) -> None:
        """Forget every credential; call it after a commit that changed who may do what."""
        self._generation += 1
        self._remembered.clear()

    async def _look_up(self, digest: bytes, text: str) -> Credential:
        generation = self._generation
        question = self._question(text)
        credential = await asyncio.to_thread(self._store.query, question, SYSTEM)
        # A credential read before a concurrent `forget` must not outlive it.
        if generation == self._generation:
            self._remembered[digest] = _Remembered(credential, self._now_s() + REMEMBERED_S)
            self._remembered.move_to_end(digest)
            while len(self._remembered) > REMEMBERED_MAX:
                self._remembered.popitem(last=False)
        self._record_use(credential)
        return credential

    def _question(self, text: str) -> Callable[[UnitOfWork], Credential]:
        if not self._required:
            return of_owner
        if text.startswith(f"{API_TOKEN_MARK}_"):
            presented = PresentedApiToken.parse(text)
            if presented is None:
                raise not_authenticated()
            return lambda work: of_api_token(presented, work)
        claims = self._access_tokens.read(text, self._clock.now())
        return lambda work: of_access_token(claims, work)

    def _record_use(self, credential: Credential) -> None:
        """Queue a write of the last use, at most once a minute per token; nobody waits for it."""
        token_id = credential.principal.credential_id
        if credential.principal.via != VIA_TOKEN or token_id is None:
            return
        now = self._clock.now()
        last = self._use_recorded.get(token_id) or credential.last_used_at
        if last is not None and now - last < USE_RECORDED_EVERY:
            return
        self._use_recorded[token_id] = now
        while len(self._use_recorded) > REMEMBERED_MAX:
            self._use_recorded.popitem(last=False)
        try:
            self._store.command(lambda work: work.api_tokens.touch(token_id, work.now), SYSTEM)
        except Fault as fault:
            log.warning("last_use_not_recorded", token_id=token_id, code=fault.code)


def bearer_credential(request: HTTPConnection) -> str:
    """The text after `Bearer`; NotAuthenticated without one."""
    headers = request.headers.getlist("authorization")
    scheme, _, text = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    text = text.strip()
    if scheme.lower() != "bearer" or not text or len(text) > CREDENTIAL_LENGTH_MAX:
        raise not_authenticated()
    return text


def address_of(request: HTTPConnection) -> str | None:
    """Address of the peer; behind a proxy the server puts the forwarded one there."""
    return None if request.client is None else request.client.host
