"""Once per key: the first answer is stored in the transaction of its effect and replayed
afterwards.

Scope = owner + route template + parent id. Signature = SHA-256 of the canonical body (1.5 equals
1.50, and "1.5" where the field is a decimal).
First → the route's status; same key and body → 200 with `Idempotency-Replayed: true` (a refusal
keeps its status); other body → 409; still running after `WAIT_S` → 409 `request_in_progress`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from app.api.dependencies import Dispatch
from app.api.problems import PROBLEM_JSON, problem_of, request_id_of, shaped
from app.api.wire import encode
from application.context import Principal
from application.ports.repositories import StoredAnswer
from application.ports.unit_of_work import UnitOfWork
from domain.shared.canonical import signature
from domain.shared.errors import BadInput, Conflict, RuleRefused

T = TypeVar("T")
WAIT_S = 5.0
KEY_LENGTH_MAX = 128
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Presented:
    """What a command's result looks like on the wire."""

    status: int
    body: BaseModel | dict[str, object]


def _checked(key: str | None) -> str | None:
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not all("!" <= c <= "~" for c in key):
        raise BadInput(
            "invalid_idempotency_key", "Idempotency-Key is 1 to 128 visible ASCII characters."
        )
    return key


async def optional_key(
    idempotency_key: Annotated[
        str | None, Header(description="Makes a retry safe: same key, same answer.")
    ] = None,
) -> str | None:
    """Dependency for routes that honour the header."""
    return _checked(idempotency_key)


async def required_key(
    idempotency_key: Annotated[
        str | None, Header(description="Required. Makes a retry safe: same key, same answer.")
    ] = None,
) -> str:
    """Dependency for routes that move money or risk."""
    key = _checked(idempotency_key)
    if key is None:
        raise BadInput(
            "missing_idempotency_key", "missing idempotency key: send the header Idempotency-Key."
        )
    return key


class Once:
    """Executes keyed commands at most once; one instance per process."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._running: dict[tuple[str, str, str], asyncio.Future[None]] = {}

    async def __call__(
        self,
        request: Request,
        principal: Principal,
        key: str | None,
        work: Callable[[UnitOfWork], T],
        present: Callable[[T], Presented],
        *,
        parent: str = "",
        before: Callable[[UnitOfWork], object] | None = None,
    ) -> Response:
        """Run `work` once for the key; without a key just run it.

        `before` runs ahead of the key's look-up, so that a missing parent answers 404 first.
        """
        if key is None:
            done = await self._dispatch.command(request, principal, lambda u: present(work(u)))
            return Response(encode(done.body), done.status, media_type=_media(done.status))
        scope = f"{request.method} {_template(request)} {parent}"
        lock = (principal.owner_id, scope, key)
        await self._wait_for_twin(lock)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running[lock] = mine
        slot = _Slot(scope, key, signature(_signed_body(request)))

        def command(uow: UnitOfWork) -> tuple[StoredAnswer, bool]:
            if before is not None:
                before(uow)
            return slot.found(uow) or slot.fill(present(work(uow)), uow)

        try:
            answer, replayed = await self._dispatch.command(request, principal, command)
        except RuleRefused as refusal:
            # Its transaction is undone; the refusal itself is final, so it is what the key answers.
            problem = shaped(problem_of(refusal, request_id_of(request)), request)
            said = Presented(problem.status, problem)
            answer, replayed = await self._dispatch.command(
                request, principal, lambda uow: slot.found(uow) or slot.fill(said, uow)
            )
        finally:
            self._running.pop(lock, None)
            mine.set_result(None)
        return _response(answer, replayed=replayed)

    async def replayed(
        self, request: Request, principal: Principal, key: str | None, *, parent: str = ""
    ) -> Response | None:
        """What the key was answered before, for work that is done ahead of its command."""
        if key is None:
            return None
        scope = f"{request.method} {_template(request)} {parent}"
        slot = _Slot(scope, key, signature(request.scope.get("ballast_json")))
        found = await self._dispatch.query(request, principal, slot.found)
        return None if found is None else _response(found[0], replayed=True)

    async def _wait_for_twin(self, lock: tuple[str, str, str]) -> None:
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while (twin := self._running.get(lock)) is not None:
            left = deadline - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait((twin,), timeout=max(0.0, left))
            if not done:
                raise Conflict(
                    "request_in_progress",
                    "The first request with this key is still running.",
                    retry_after_s=1,
                )


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where the answer of one key is kept."""

    scope: str
    key: str
    signature: str

    def found(self, uow: UnitOfWork) -> tuple[StoredAnswer, bool] | None:
        """The stored answer as a replay; Conflict when the key was used with another body."""
        stored = uow.idempotency.find(self.scope, self.key)
        if stored is None:
            return None
        if stored.signature != self.signature:
            raise Conflict(
                "idempotency_signature_mismatch",
                "This Idempotency-Key was used with another body.",
            )
        return stored, True

    def fill(self, said: Presented, uow: UnitOfWork) -> tuple[StoredAnswer, bool]:
        """Store what is said now, in this transaction."""
        media_type = _media(said.status)
        answer = StoredAnswer(self.signature, said.status, encode(said.body), media_type)
        uow.idempotency.store(self.scope, self.key, answer)
        return answer, False


def _media(status: int) -> str:
    return JSON if status < 400 else PROBLEM_JSON


def _response(answer: StoredAnswer, *, replayed: bool) -> Response:
    status = 200 if replayed and answer.status < 400 else answer.status
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    return Response(answer.body, status, headers, answer.media_type)


def _signed_body(request: Request) -> object:
    """What was sent, with decimals as numbers however they were spelt."""
    body: object = request.scope.get("ballast_json")
    read = getattr(request.scope.get("route"), "read_decimals", None)
    return body if read is None else read(body)


def _template(request: Request) -> str:
    route = request.scope.get("route")
    path: str = request.scope["path"] if route is None else route.path
    return path.removeprefix("/api")


async def _once(request: Request) -> Once:
    once: Once = request.app.state.once
    return once


OnceOnly = Annotated[Once, Depends(_once)]
Key = Annotated[str, Depends(required_key)]
OptionalKey = Annotated[str | None, Depends(optional_key)]
