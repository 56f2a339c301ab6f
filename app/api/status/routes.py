"""Health, readiness, metrics and logs. `root` goes without a prefix, `router` under /api/v1."""

import asyncio
import ipaddress
import platform
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from starlette.responses import Response

from app.api.dependencies import Admin, Reader
from app.api.routing import capability_router, refusals, root_router
from app.api.status import schemas as s
from app.health import Condition, Health
from app.metrics import CONTENT_TYPE
from app.operations import Operations
from application.context import Scope
from domain.shared.errors import AccessDenied, Unavailable

router = capability_router("status", under="/status")
root = root_router("status")
VERSIONED_LIVENESS = "/v1/healthz"

PUBLIC_OPERATIONS = frozenset(
    {"liveness", "liveness_v1", "livez", "readyz", "welcome", "get_health"}
)
"""Operations that answer without a credential; every other one needs its scope."""


async def _operations(request: Request) -> Operations:
    operations: Operations = request.app.state.operations
    return operations


Ops = Annotated[Operations, Depends(_operations)]


@root.get("/", operation_id="welcome", summary="What this is and where its documentation is")
async def welcome(ops: Ops) -> s.Welcome:
    return s.Welcome(
        message="Ballast trading-risk service",
        version=ops.facts.version,
        timestamp=datetime.now(UTC),
        docs="/docs",
        dashboard=None,
    )


@root.get("/healthz", operation_id="liveness", summary="The process answers")
async def liveness() -> s.Alive:
    return s.Alive()


@root.get(VERSIONED_LIVENESS, operation_id="liveness_v1", summary="The process answers, versioned")
async def liveness_v1() -> s.AliveVersioned:
    return s.AliveVersioned()


@root.get("/livez", operation_id="livez", summary="The process need not be restarted")
async def livez() -> s.Alive:
    return s.Alive()


@root.get(
    "/readyz",
    operation_id="readyz",
    summary="The service can take traffic",
    responses=refusals("503 not_ready"),
)
async def readyz(ops: Ops) -> s.Alive:
    reasons = ops.readiness.reasons()
    health = await ops.board.ask()
    if health.condition is Condition.UNHEALTHY:
        reasons["unhealthy"] = "A part the service cannot do without is down."
    if reasons:
        raise Unavailable(
            "not_ready", " ".join(reasons.values()), context={"reasons": reasons}, retry_after_s=2
        )
    return s.Alive()


@root.get(
    "/metrics",
    operation_id="prometheus_metrics",
    summary="Metrics for Prometheus; from this machine, or with a credential that may read",
    response_class=Response,
    responses={
        **refusals(),
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
    },
)
async def prometheus_metrics(request: Request, ops: Ops) -> Response:
    if not (ops.facts.trusts_loopback and _is_from_this_machine(request)):
        principal = await request.app.state.authenticate(request)
        if not principal.may(Scope.READ):
            raise AccessDenied("access_denied", "This needs the scope read.")
    text = await asyncio.to_thread(ops.metrics.text)
    return Response(text, media_type=CONTENT_TYPE)


@router.get(
    "/health",
    operation_id="get_health",
    summary="Healthy or degraded; 503 when unhealthy",
    responses=refusals("503 unhealthy"),
)
async def get_health(ops: Ops) -> s.HealthOut:
    health = await _sound(ops)
    return s.HealthOut(
        status=_status(health),
        timestamp=health.checked_at,
        version=ops.facts.version,
        uptime_s=ops.uptime_s,
    )


@router.get(
    "/health/detailed",
    operation_id="get_detailed_health",
    summary="Every probe's reading; 503 when unhealthy, with the readings in the context",
    responses=refusals("503 unhealthy"),
)
async def get_detailed_health(ops: Ops, _caller: Reader) -> s.DetailedHealthOut:
    health = await _sound(ops, with_components=True)
    return s.DetailedHealthOut(
        status=_status(health),
        timestamp=health.checked_at,
        version=ops.facts.version,
        uptime_s=ops.uptime_s,
        components=_components(health),
    )


@router.get(
    "/metrics",
    operation_id="get_metrics_digest",
    summary="The most asked-for metrics as JSON",
    responses=refusals(),
)
async def get_metrics_digest(ops: Ops, _caller: Reader) -> s.MetricsOut:
    digest = await asyncio.to_thread(ops.metrics.digest)
    return s.MetricsOut(timestamp=datetime.now(UTC), **digest)


@router.get("/info", operation_id="get_info", summary="What runs here", responses=refusals())
async def get_info(ops: Ops, _caller: Reader) -> s.InfoOut:
    facts = ops.facts
    return s.InfoOut(
        name=facts.name,
        version=facts.version,
        api_version="v1",
        python=platform.python_version(),
        platform=platform.system().lower(),
        started_at=ops.started_at,
        uptime_s=ops.uptime_s,
        database=facts.database,
        schema_revision=facts.schema_revision,
        messaging=facts.messaging,
        compute=facts.compute,
        auth=facts.auth,
    )


@router.get(
    "/logs",
    operation_id="get_logs",
    summary="The newest log records of this process, secrets masked",
    responses=refusals(),
)
async def get_logs(
    ops: Ops,
    _caller: Admin,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    level: Literal["debug", "info", "warning", "error", "critical"] | None = None,
) -> s.LogsOut:
    return s.LogsOut(items=ops.logs.ring.newest(limit, level=level))


async def _sound(ops: Operations, *, with_components: bool = False) -> Health:
    health = await ops.board.ask()
    if health.condition is Condition.UNHEALTHY:
        context: dict[str, object] = {"status": health.condition.value}
        if with_components:
            context["components"] = {
                name: reading.model_dump() for name, reading in _components(health).items()
            }
        raise Unavailable(
            "unhealthy", "The service is unhealthy.", context=context, retry_after_s=5
        )
    return health


def _status(health: Health) -> Literal["healthy", "degraded"]:
    return "healthy" if health.condition is Condition.HEALTHY else "degraded"


def _components(health: Health) -> dict[str, s.ComponentOut]:
    return {
        name: s.ComponentOut(
            status=reading.condition.value, detail=reading.detail, facts=dict(reading.facts)
        )
        for name, reading in health.readings.items()
    }


def _is_from_this_machine(request: Request) -> bool:
    """True for a direct loopback client: one that no proxy speaks for."""
    forwarded = ("x-forwarded-for", "forwarded", "x-real-ip")
    if request.client is None or any(name in request.headers for name in forwarded):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
