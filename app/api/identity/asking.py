"""What identity routes need beside the caller: hashing lane, login budget, the cache to empty."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import SecretStr

from app.api.authentication import Authentication, address_of
from app.api.budgets import leave_headers, policy
from app.api.dependencies import Reader, Runs, use
from application.context import Principal
from application.identity.proof import require_own_hand
from application.identity.user_accounts import PreparedPassword, PreparePassword
from application.ports.rate_limiter import RateLimiter
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import TooMany, Unavailable

T = TypeVar("T")
LANE_WIDTH = 2
LANE_WAITING_MAX = 32
LOGIN_WINDOW_S = 900
REFRESH_WINDOW_S = 60


class HashingLane:
    """Two threads of their own for password work, and a short queue before them.

    Password work on the shared thread pool would let a flood of logins stop every query.
    """

    def __init__(self, width: int = LANE_WIDTH, waiting_max: int = LANE_WAITING_MAX) -> None:
        self._threads = ThreadPoolExecutor(width, thread_name_prefix="ballast-hashing")
        self._room = width + waiting_max
        self._inside = 0
        self._lock = Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """Result of blocking work; Unavailable `queue_full` when the queue is full."""
        with self._lock:
            if self._inside >= self._room:
                raise Unavailable("queue_full", "Too many logins are waiting.", retry_after_s=1)
            self._inside += 1
        future = self._threads.submit(work)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _future: "Future[T]") -> None:
        with self._lock:
            self._inside -= 1

    def close(self) -> None:
        """Let running work finish, drop what waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class LoginBudget:
    """Rate limits of the two routes that have no principal yet; both count per address."""

    def __init__(
        self, limiter: RateLimiter, *, logins_per_15_minutes: int, refreshes_per_minute: int
    ) -> None:
        self._limiter = limiter
        self._logins = logins_per_15_minutes
        self._refreshes = refreshes_per_minute

    async def spend_login(self, request: Request) -> None:
        """TooMany `rate_limited` beyond the budget."""
        await self._spend(request, "auth", self._logins, LOGIN_WINDOW_S)

    async def spend_refresh(self, request: Request) -> None:
        """TooMany `rate_limited` beyond the budget."""
        await self._spend(request, "refresh", self._refreshes, REFRESH_WINDOW_S)

    async def _spend(self, request: Request, bucket: str, limit: int, window_s: int) -> None:
        address = address_of(request) or "unknown"
        verdict = await self._limiter.hit(bucket, address, limit, window_s)
        leave_headers(request, bucket, verdict, policy(bucket, limit, window_s))
        if not verdict.allowed:
            raise TooMany(
                "rate_limited",
                "Too many calls from this address.",
                context={"limit": limit, "window_s": window_s},
                retry_after_s=verdict.retry_after_s,
            )


async def _own_hand(caller: Reader) -> Principal:
    require_own_hand(caller)
    return caller


class Alteration:
    """Runs a command that changes who may do what, then empties the cache of credentials."""

    def __init__(
        self, runs: Runs, gatekeeper: Annotated[Authentication, Depends(use(Authentication))]
    ) -> None:
        self._runs = runs
        self._gatekeeper = gatekeeper

    async def __call__(
        self, request: Request, caller: Principal, work: Callable[[UnitOfWork], T]
    ) -> T:
        """Result of the command, after its commit."""
        done = await self._runs.command(request, caller, work)
        self._gatekeeper.forget()
        return done

    async def query(
        self, request: Request, caller: Principal, work: Callable[[UnitOfWork], T]
    ) -> T:
        """Result of a query."""
        return await self._runs.query(request, caller, work)


class NewPasswords:
    """Checks and hashes passwords for other people's accounts, in the lane."""

    def __init__(
        self,
        lane: Annotated[HashingLane, Depends(use(HashingLane))],
        prepare: Annotated[PreparePassword, Depends(use(PreparePassword))],
    ) -> None:
        self._lane = lane
        self._prepare = prepare

    async def __call__(self, chosen: SecretStr | None, username: str) -> PreparedPassword:
        """Invalid `weak_password`; a random one when none was chosen."""
        text = None if chosen is None else chosen.get_secret_value()
        return await self._lane.run(lambda: self._prepare(text, username))


AccountHolder = Annotated[Principal, Depends(_own_hand)]
"""A person, or a token that may act for one."""
Lane = Annotated[HashingLane, Depends(use(HashingLane))]
Budget = Annotated[LoginBudget, Depends(use(LoginBudget))]
Alters = Annotated[Alteration, Depends()]
Passwords = Annotated[NewPasswords, Depends()]
Gatekeeper = Annotated[Authentication, Depends(use(Authentication))]
