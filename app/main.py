"""`create_app(settings)`: the service as an ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from dishka import Container
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from app import __version__
from app.api.compat import configuration as desktop_configuration
from app.api.compat import health as desktop_health
from app.api.compat import performance as desktop_performance
from app.api.compat import reports as desktop_reports
from app.api.compat import trades as desktop_trades
from app.api.corporate_actions import dividends, splits
from app.api.events import routes as events
from app.api.jobs import routes as jobs
from app.api.market import breadth, imports, market_state, regimes
from app.api.market import routes as market
from app.api.plans import routes as plans
from app.api.portfolio import (
    accounts,
    cell_cash,
    changes,
    evaluations,
    opening,
    orders,
    performance,
    trades,
)
from app.api.portfolio import routes as portfolio
from app.api.problems import install_problem_handlers
from app.api.risk import configuration
from app.api.routing import PREFIX, with_trailing_slash
from app.api.simulation import confirmations
from app.api.simulation import orders as simulation_orders
from app.api.simulation import routes as simulation
from app.api.status import routes as status
from app.container import build_container
from app.docs_assets import install_docs
from app.guards import CrossOrigin, HostAndOriginGuard
from app.identity_provider import ROUTERS as IDENTITY_ROUTERS
from app.lifecycle import Lifecycle
from app.logging import Logs
from app.metrics import Metrics
from app.middleware import RequestBoundary
from app.openapi_document import install_openapi
from app.path_alias import PathAlias
from app.service import Service
from app.settings import Settings

ALIAS = "/v1"
UPLOAD_TEMPLATES = (f"{PREFIX}/data/imports", f"{PREFIX}/breadth/import")
# What a page of another origin may send beyond the ordinary, and may read.
REQUEST_HEADERS = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match",
    "Last-Event-ID", "Prefer", "X-Correlation-ID",
)  # fmt: skip
ANSWER_HEADERS = (
    "ETag", "Idempotency-Replayed", "Link", "Location", "Preference-Applied", "RateLimit",
    "RateLimit-Policy", "Retry-After", "X-Correlation-ID", "X-Total-Count",
)  # fmt: skip

ROUTERS: tuple[APIRouter, ...] = (
    portfolio.router,
    opening.router,
    trades.router,
    orders.router,
    evaluations.router,
    changes.router,
    cell_cash.router,
    accounts.router,
    simulation.router,
    simulation_orders.router,
    confirmations.router,
    performance.router,
    plans.router,
    dividends.router,
    splits.router,
    market.router,
    imports.router,
    market_state.router,
    breadth.router,
    regimes.router,
    jobs.router,
    events.router,
    *IDENTITY_ROUTERS,
    configuration.router,
    status.router,
)
COMPAT_ROUTERS: tuple[APIRouter, ...] = (
    desktop_configuration.router,
    desktop_performance.router,
    desktop_reports.router,
    desktop_trades.router,
    desktop_health.router,
)
"""Served at the root: the desktop's own paths."""

SLASHED = with_trailing_slash(simulation.router, simulation_orders.router)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Wire routes to use cases; nothing is opened before start-up."""
    settings = settings or Settings()
    container = build_container(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        lifecycle = Lifecycle(app, settings, container)
        await asyncio.to_thread(lifecycle.start)
        yield
        await asyncio.to_thread(lifecycle.stop)

    app = Service(
        title="Ballast",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.container = container
    install_problem_handlers(app)
    install_docs(app)
    install_openapi(app)
    # As they are: including a router would plan each of its routes a second time.
    for router in (status.root, *COMPAT_ROUTERS, *ROUTERS, SLASHED):
        app.router.routes.extend(router.routes)

    app.enter_by(_entrance(settings, container))
    return app


def _entrance(settings: Settings, container: Container) -> Callable[[ASGIApp], ASGIApp]:
    def entrance(inner: ASGIApp) -> ASGIApp:
        if settings.cors_origins:
            inner = CrossOrigin(
                inner,
                allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=REQUEST_HEADERS,
                expose_headers=ANSWER_HEADERS,
            )
        guarded = HostAndOriginGuard(
            inner, hosts=settings.allowed_hosts, origins=settings.cors_origins
        )
        boundary = RequestBoundary(
            guarded,
            times=container.get(Metrics).requests,
            logs=container.get(Logs),
            upload_templates=UPLOAD_TEMPLATES,
        )
        return PathAlias(boundary, ALIAS, PREFIX, own=(status.VERSIONED_LIVENESS,))

    return entrance
