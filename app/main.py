"""`create_app(settings)`: the service as an ASGI application."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dishka import Container
from fastapi import APIRouter, FastAPI, Request

from app import __version__
from app.api.dependencies import Dispatch
from app.api.idempotency import Once
from app.api.paging import Cursors
from app.api.portfolio import accounts, changes, evaluations
from app.api.portfolio import routes as portfolio
from app.api.problems import install_problem_handlers
from app.container import build_container
from app.settings import Settings
from application.context import ROLE_SCOPES, Principal, Role
from application.ports.unit_of_work import Store
from infrastructure.persistence.engine import Database
from infrastructure.persistence.store import SqlStore


def create_app(settings: Settings | None = None) -> FastAPI:
    """Wire routes to use cases; nothing is opened before start-up."""
    settings = settings or Settings()
    container = build_container(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        _start(app, container)
        yield
        container.get(SqlStore).close()
        container.close()

    app = FastAPI(
        title="Ballast",
        version=__version__,
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url="/redoc",
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.container = container
    install_problem_handlers(app)
    api = APIRouter()
    for capability in (portfolio, evaluations, changes, accounts):
        api.include_router(capability.router)
    app.include_router(api, prefix="/api/v1")
    app.include_router(api, prefix="/v1", include_in_schema=False)
    return app


def _start(app: FastAPI, container: Container) -> None:
    sys.setswitchinterval(0.001)
    database = container.get(Database)
    from infrastructure.persistence.tables import METADATA

    METADATA.create_all(database.writes)
    app.state.dispatch = Dispatch(container.get(Store), reads_inline=database.is_sqlite)
    app.state.once = Once(app.state.dispatch)
    app.state.cursors = Cursors(b"x" * 32)
    app.state.authenticate = _owner
    app.state.spend = _nothing
    from application.context import RequestContext
    from application.portfolio.accounts import MAIN, OpenAccount
    from domain.shared.errors import Conflict

    try:
        container.get(Store).command(
            lambda u: container.get(OpenAccount)(MAIN, u),
            RequestContext("usr_owner", "usr_owner", "req_x"),
        ).result()
    except Conflict:
        pass


async def _owner(request: Request) -> Principal:
    return Principal("usr_owner", "usr_owner", Role.ADMIN, ROLE_SCOPES[Role.ADMIN], "off")


async def _nothing(request: Request, principal: Principal) -> None:
    return None
