"""What routes ask for: the caller with a scope, and a way to run commands and queries."""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from fastapi.security.base import SecurityBase

from app.api.budgets import Bucket
from app.api.problems import request_id_of
from application.context import Principal, RequestContext, Scope
from application.ports.unit_of_work import Store, UnitOfWork
from domain.shared.errors import AccessDenied, Fault

T = TypeVar("T")
STEP_ASIDE_S = 0.02
_Reply = Callable[[Any, BaseException | None], None]

bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/login",
    auto_error=False,
    scopes={scope.value: f"{scope.value} access" for scope in Scope},
)


class Authenticator(Protocol):
    """Turns a request's credentials into a principal, or raises NotAuthenticated."""

    async def __call__(self, request: Request) -> Principal: ...


class Requires(SecurityBase):
    """Dependency: the authenticated caller, who must hold the scope.

    It is the security scheme itself rather than a dependency upon one: every layer of dependencies
    is paid for on every request.
    """

    def __init__(self, scope: Scope, bucket: Bucket = Bucket.METHOD) -> None:
        self.scope = scope
        self.bucket = bucket
        self.model = bearer.model
        self.scheme_name = bearer.scheme_name

    async def __call__(self, request: Request) -> Principal:
        principal: Principal = await request.app.state.authenticate(request)
        request.scope["ballast_principal"] = principal
        if not principal.may(self.scope):
            raise AccessDenied(
                "access_denied",
                f"This needs the scope {self.scope.value}.",
                context={"needed": self.scope.value},
            )
        await request.app.state.spend(request, principal, self.bucket)
        return principal


Reader = Annotated[Principal, Depends(Requires(Scope.READ))]
Trader = Annotated[Principal, Depends(Requires(Scope.TRADE))]
RiskManager = Annotated[Principal, Depends(Requires(Scope.RISK))]
Admin = Annotated[Principal, Depends(Requires(Scope.ADMIN))]
OrderSender = Annotated[Principal, Depends(Requires(Scope.TRADE, Bucket.ORDERS))]
RiskReducer = Annotated[Principal, Depends(Requires(Scope.TRADE, Bucket.EXEMPT))]
JobSender = Annotated[Principal, Depends(Requires(Scope.TRADE, Bucket.COMPUTE))]


class Dispatch:
    """Runs use cases for a request: commands on the writer, queries on read connections."""

    def __init__(self, store: Store, *, reads_inline: bool) -> None:
        self._store = store
        self._reads_inline = reads_inline
        self._outcomes: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        # Two: more threads would only pass the interpreter lock around.
        self._executed = threading.Event()
        self._readers = ThreadPoolExecutor(2, "ballast-reads")
        self._loop: asyncio.AbstractEventLoop | None = None
        store.on_settled(self._wake)
        self._waiting: list[tuple[Callable[[UnitOfWork], Any], RequestContext, _Reply]] = []

    def context(self, request: Request, principal: Principal) -> RequestContext:
        """Who asks, for the event log."""
        return RequestContext(
            principal.owner_id, principal.user_id, request_id_of(request), principal.scopes
        )

    async def command(
        self, request: Request, principal: Principal, work: Callable[[UnitOfWork], T]
    ) -> T:
        """Result of a command, after its commit."""
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = self._loop.create_future()
        context = self.context(request, principal)
        self._waiting.append(
            (work, context, lambda result, error: self._reply(future, result, error))
        )
        if len(self._waiting) == 1:
            # Everything that is ready in this turn of the loop goes to the writer together: a
            # batch that starts while requests are still parsed fights them for the interpreter.
            self._loop.call_soon(self._loop.call_soon, self._send)
        return await future

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        last = len(waiting) - 1
        self._executed.clear()
        for number, (work, context, reply) in enumerate(waiting):
            try:
                signal = self._executed if number == last else None
                self._store.post(work, context, reply, signal)
            except Fault as refusal:
                reply(None, refusal)
                self._wake()
                self._executed.set()
        if self._reads_inline:
            # On SQLite the commands of a turn run for well under a millisecond each, and two busy
            # threads only take the interpreter from one another. The loop steps aside until they
            # have run; the commit itself, and anything slow, goes on beside it.
            self._executed.wait(STEP_ASIDE_S)

    def _reply(
        self, future: "asyncio.Future[Any]", result: object, error: BaseException | None
    ) -> None:
        self._outcomes.append((future, result, error))

    def _wake(self) -> None:
        """One wake-up of the loop for all outcomes of a batch."""
        if self._outcomes and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        while self._outcomes:
            future, result, error = self._outcomes.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    async def query(
        self, request: Request, principal: Principal, work: Callable[[UnitOfWork], T]
    ) -> T:
        """Result of a query that may touch many rows, off the event loop."""
        context = self.context(request, principal)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._store.query, work, context)

    async def glance(
        self, request: Request, principal: Principal, work: Callable[[UnitOfWork], T]
    ) -> T:
        """Result of a keyed read: inline on SQLite, where a thread hop costs more than the read."""
        if not self._reads_inline:
            return await self.query(request, principal, work)
        return self._store.query(work, self.context(request, principal))


async def _dispatch(request: Request) -> Dispatch:
    dispatch: Dispatch = request.app.state.dispatch
    return dispatch


Runs = Annotated[Dispatch, Depends(_dispatch)]


def use(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """Dependency: the container's instance of a use case."""

    async def resolve(request: Request) -> T:
        instance: Any = request.app.state.container.get(kind)
        return instance  # type: ignore[no-any-return]

    return resolve
