"""Whether the backend runs, as the desktop asks for it."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from app.api.compat.problems import compat_refusals, compat_router
from app.api.compat.trade_schemas import DesktopHealthOut
from app.api.dependencies import Reader, Runs
from app.health import Condition
from app.operations import Operations
from application.ports.repositories import PositionFilter
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.position import PositionStatus
from domain.shared.errors import Unavailable

router = compat_router("desktop")


async def _operations(request: Request) -> Operations:
    operations: Operations = request.app.state.operations
    return operations


@router.get(
    "/health",
    operation_id="get_desktop_health",
    summary="Whether the backend runs and how many trades are open; 503 when the store is down",
    responses=compat_refusals("503 unhealthy"),
)
async def get_health(
    request: Request,
    caller: Reader,
    runs: Runs,
    operations: Annotated[Operations, Depends(_operations)],
) -> DesktopHealthOut:
    health = await operations.board.ask()
    if health.condition is Condition.UNHEALTHY:
        raise Unavailable("unhealthy", "The service is unhealthy.", retry_after_s=5)
    active = await runs.query(request, caller, _open_trades)
    is_healthy = health.condition is Condition.HEALTHY
    return DesktopHealthOut(
        status="healthy" if is_healthy else "degraded",
        timestamp=datetime.now(UTC),
        risk_manager_initialized=not operations.readiness.reasons(),
        active_positions=active,
        backend_version=operations.facts.version,
    )


def _open_trades(work: UnitOfWork) -> int:
    account_id = work.accounts.main().id
    return sum(
        work.positions.count(PositionFilter(account_id, plan_kind="regime_exit", status=status))
        for status in (PositionStatus.OPEN.value, PositionStatus.PAUSED.value)
    )
