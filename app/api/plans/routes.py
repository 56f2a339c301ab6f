"""Turn the plan runner on and off; ask how it goes."""

import asyncio
from typing import Annotated

from fastapi import Depends, Request

from app.api.dependencies import Reader, RiskReducer, Runs, Trader, use
from app.api.plans import schemas as s
from app.api.routing import capability_router, refusals
from application.context import Principal
from application.processes.plan_runner import PlanRunner
from application.processes.plan_runner_switch import runner_status

router = capability_router("plans")
Runner = Annotated[PlanRunner, Depends(use(PlanRunner))]


@router.post(
    "/plans/runner/start",
    operation_id="start_plan_runner",
    summary="Run balancing plans from now on; a runner that is on stays on",
    responses=refusals("503 lease_backend_unavailable"),
)
async def start_plan_runner(
    request: Request, caller: Trader, runs: Runs, runner: Runner
) -> s.PlanRunnerOut:
    await asyncio.to_thread(runner.turn_on, runs.context(request, caller))
    return await _status(request, caller, runs)


@router.post(
    "/plans/runner/stop",
    operation_id="stop_plan_runner",
    summary="Run no plan any more; nothing is submitted once this has answered",
    responses=refusals(),
)
async def stop_plan_runner(
    request: Request, caller: RiskReducer, runs: Runs, runner: Runner
) -> s.PlanRunnerOut:
    await asyncio.to_thread(runner.turn_off, runs.context(request, caller))
    return await _status(request, caller, runs)


@router.get(
    "/plans/runner",
    operation_id="get_plan_runner",
    summary="Whether balancing plans are run, and what the last cycle came to",
    responses=refusals(),
)
async def get_plan_runner(request: Request, caller: Reader, runs: Runs) -> s.PlanRunnerOut:
    return await _status(request, caller, runs)


async def _status(request: Request, caller: Principal, runs: Runs) -> s.PlanRunnerOut:
    status = await runs.glance(request, caller, runner_status)
    return s.PlanRunnerOut(
        state=status.state,
        last_cycle_at=status.last_cycle_at,
        evaluated=status.evaluated,
        errors=[
            s.RunErrorOut(at=e.at, position_id=e.position_id, code=e.code, message=e.message)
            for e in status.errors
        ],
    )
