"""Turn the plan runner on and off; ask how it goes."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Reader, RiskReducer, Runs, Trader, use
from app.api.idempotency import Once, OnceOnly, OptionalKey, Presented
from app.api.plans import schemas as s
from app.api.routing import capability_router, refusals
from application.context import Principal
from application.processes.plan_runner import PlanRunner
from application.processes.plan_runner_switch import RunnerStatus, runner_status

router = capability_router("plans")
Runner = Annotated[PlanRunner, Depends(use(PlanRunner))]


_KEYED = (
    "400 invalid_idempotency_key",
    "409 idempotency_signature_mismatch",
    "409 request_in_progress",
)


@router.post(
    "/plans/runner/start",
    operation_id="start_plan_runner",
    summary="Run balancing plans from now on; a runner that is on stays on",
    response_model=s.PlanRunnerOut,
    responses=refusals(*_KEYED, "503 lease_backend_unavailable"),
)
async def start_plan_runner(
    request: Request, caller: Trader, key: OptionalKey, once: OnceOnly, runs: Runs, runner: Runner
) -> Response:
    context = runs.context(request, caller)
    return await _switched(request, caller, key, once, lambda: runner.turn_on(context))


@router.post(
    "/plans/runner/stop",
    operation_id="stop_plan_runner",
    summary="Run no plan any more; nothing is submitted once this has answered",
    response_model=s.PlanRunnerOut,
    responses=refusals(*_KEYED),
)
async def stop_plan_runner(
    request: Request,
    caller: RiskReducer,
    key: OptionalKey,
    once: OnceOnly,
    runs: Runs,
    runner: Runner,
) -> Response:
    context = runs.context(request, caller)
    return await _switched(request, caller, key, once, lambda: runner.turn_off(context))


async def _switched(
    request: Request, caller: Principal, key: str | None, once: Once, turn: Callable[[], bool]
) -> Response:
    """The switch is thrown by the runner's own command, ahead of the one that stores the answer:
    throwing it again, should the service end in between, changes nothing.
    """
    before = await once.replayed(request, caller, key)
    if before is not None:
        return before
    await asyncio.to_thread(turn)
    return await once(
        request, caller, key, runner_status, lambda status: Presented(200, _shown(status))
    )


@router.get(
    "/plans/runner",
    operation_id="get_plan_runner",
    summary="Whether balancing plans are run, and what the last cycle came to",
    responses=refusals(),
)
async def get_plan_runner(request: Request, caller: Reader, runs: Runs) -> s.PlanRunnerOut:
    return _shown(await runs.glance(request, caller, runner_status))


def _shown(status: RunnerStatus) -> s.PlanRunnerOut:
    return s.PlanRunnerOut(
        state=status.state,
        last_cycle_at=status.last_cycle_at,
        evaluated=status.evaluated,
        errors=[
            s.RunErrorOut(at=e.at, position_id=e.position_id, code=e.code, message=e.message)
            for e in status.errors
        ],
    )
