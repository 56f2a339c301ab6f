"""Identity as tests drive it: the real routes, use cases and store, with a clock that tests move."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dishka import Provider, Scope, make_container, provide
from fastapi import FastAPI, Request
from httpx import Response
from starlette.testclient import TestClient

from app.api.authentication import Authentication
from app.api.dependencies import Dispatch
from app.api.idempotency import Once
from app.api.paging import Cursors
from app.api.problems import install_problem_handlers
from app.container import Foundation
from app.identity_provider import ROUTERS, Identity
from app.settings import Settings
from application.context import Principal
from application.identity.bootstrap import CreateOwner, FirstStart
from application.identity.second_factor import TotpCodes
from application.ports.access_tokens import AccessTokens
from application.ports.clock import Clock
from application.ports.hasher import PasswordHasher
from application.ports.login_throttle import LoginThrottle
from application.ports.rate_limiter import RateLimiter
from application.ports.repositories import EventFilter
from application.ports.unit_of_work import Store
from domain.shared.events import LoggedEvent
from infrastructure.messaging.in_process_rate_limiter import InProcessRateLimiter
from infrastructure.persistence.engine import Database
from infrastructure.persistence.store import SqlStore
from infrastructure.persistence.tables import METADATA
from infrastructure.security.argon2_hasher import Argon2Hasher
from infrastructure.security.in_process_login_throttle import InProcessLoginThrottle

OWNER_PASSWORD = "brass lantern over the quay"
START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


class MovableClock:
    """Stands still until a test moves it; serves as wall clock and as monotonic clock."""

    def __init__(self) -> None:
        self.instant = START

    def now(self) -> datetime:
        return self.instant

    def now_s(self) -> float:
        return self.instant.timestamp()

    def pass_time(self, **by: float) -> None:
        self.instant += timedelta(**by)


class CountingHasher(Argon2Hasher):
    """Argon2 with toy parameters that counts the hashes it computes."""

    def __init__(self) -> None:
        super().__init__(memory_kib=8, time_cost=1)
        self.verified = 0

    def verify(self, password_hash: str, password: str) -> bool:
        self.verified += 1
        return super().verify(password_hash, password)


class Doubles(Provider):
    """Time and hashing cost are the only things that are not real."""

    scope = Scope.APP

    def __init__(self, clock: MovableClock, hasher: CountingHasher, required: bool) -> None:
        super().__init__()
        self._clock, self._hasher, self._required = clock, hasher, required

    @provide(override=True)
    def clock(self) -> Clock:
        return self._clock

    @provide(override=True)
    def hasher(self) -> PasswordHasher:
        return self._hasher

    @provide(override=True)
    def throttle(self) -> LoginThrottle:
        return InProcessLoginThrottle(self._clock.now_s)

    @provide(override=True)
    def authentication(self, store: Store, tokens: AccessTokens, clock: Clock) -> Authentication:
        return Authentication(
            store, tokens, clock, required=self._required, now_s=self._clock.now_s
        )

    @provide(override=True)
    def limiter(self) -> RateLimiter:
        return InProcessRateLimiter(now_s=self._clock.now_s)


@dataclass
class IdentityService:
    """A running service with its owner, and short ways to ask it things."""

    client: TestClient
    container: Any
    clock: MovableClock
    hasher: CountingHasher
    first: FirstStart

    @property
    def store(self) -> SqlStore:
        store: SqlStore = self.container.get(SqlStore)
        return store

    @property
    def codes(self) -> TotpCodes:
        codes: TotpCodes = self.container.get(TotpCodes)
        return codes

    def call(
        self, method: str, path: str, token: str | None = None, body: object = None, **headers: str
    ) -> Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return self.client.request(method, f"/api/v1{path}", json=body, headers=sent)

    def login(
        self, username: str = "owner", password: str = OWNER_PASSWORD, **more: str
    ) -> Response:
        form = {"username": username, "password": password, **more}
        return self.client.post("/api/v1/auth/login", data=form)

    def session(self, username: str = "owner", password: str = OWNER_PASSWORD) -> dict[str, Any]:
        answer = self.login(username, password)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def access(self, username: str = "owner", password: str = OWNER_PASSWORD) -> str:
        return str(self.session(username, password)["access_token"])

    def user(self, username: str, role: str, password: str = "winter harbour bells") -> str:
        """Access token of a new user."""
        body = {"username": username, "role": role, "password": password}
        made = self.call("POST", "/users", self.first.api_token, body)
        assert made.status_code == 201, made.text
        return self.access(username, password)

    def token(self, *scopes: str, by: str | None = None, **more: Any) -> str:
        """Text of a new API token."""
        body = {"name": "script", "scopes": list(scopes), **more}
        made = self.call("POST", "/auth/tokens", by or self.first.api_token, body)
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def tag(self, user_id: str) -> str:
        """If-Match of the user as it is now."""
        listed = self.call("GET", "/users?limit=500", self.first.api_token).json()["items"]
        return next(f'"{user["version"]}"' for user in listed if user["id"] == user_id)

    def events(self, *types: str) -> list[LoggedEvent]:
        from application.context import RequestContext

        context = RequestContext(self.first.owner_id, "test", "req_test")
        where = EventFilter(types=types, limit=500)
        return list(self.store.query(lambda work: work.events.list(where), context))


@contextmanager
def identity_service(
    folder: Path, *, auth: str = "on", address: str = "", peer: str = "127.0.0.1", **settings: Any
) -> Iterator[IdentityService]:
    """The identity and settings routes on an empty store."""
    chosen = {"rate_auth_per_15_minutes": 1000, "rate_write_per_minute": 1000, **settings}
    known = Settings(
        data_dir=folder, auth=auth, database_url=address, secret="0123456789abcdef" * 4, **chosen
    )
    clock, hasher = MovableClock(), CountingHasher()
    container = make_container(
        Foundation(known), Identity(), Doubles(clock, hasher, required=auth == "on")
    )
    METADATA.create_all(container.get(Database).writes)
    first = container.get(CreateOwner)(OWNER_PASSWORD)
    assert first is not None
    try:
        with TestClient(
            _app(container), base_url="http://127.0.0.1:8000", client=(peer, 50000)
        ) as client:
            yield IdentityService(client, container, clock, hasher, first)
    finally:
        container.get(SqlStore).close()
        container.close()


def _app(container: Any) -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    install_problem_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    app.state.container = container
    app.state.dispatch = Dispatch(
        container.get(Store), reads_inline=container.get(Database).is_sqlite
    )
    app.state.once = Once(app.state.dispatch)
    app.state.cursors = Cursors(b"k" * 32)
    app.state.authenticate = container.get(Authentication)
    app.state.spend = _nothing
    return app


async def _nothing(request: Request, principal: Principal, bucket: object) -> None:
    return None
