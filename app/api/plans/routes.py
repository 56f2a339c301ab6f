"""Turn the plan runner on and off; ask how it goes."""

import asyncio
from typing import Annotated

from fastapi import Depends, Request

from app.api.dependencies import Reader, RiskReducer, Runs, Trader, use
from app.api.plans import schemas as s
from app.api.routing import capability_router, refusals
from application.processes.plan_runner import PlanRunner, switched

router = capability_router("plans")
Runner = Annotated[PlanRunner, Depends(use(PlanRunner))]


@router.post(
    "/plans/runner/start",
    operation_id="start_plan_runner",
    summary="Run balancing plans from now on; a runner that is on stays on",
    responses=refusals("409 plans_run_elsewhere"),
)
async def start_plan_runner(
    request: Request, caller: Trader, runs: Runs, runner: Runner
) -> s.PlanRunnerOut:
    if await asyncio.to_thread(runner.turn_on):
        message = "The plan runner was turned on."
        await runs.command(request, caller, lambda w: switched("plan_runner_started", message, w))
    return _status(runner)


@router.post(
    "/plans/runner/stop",
    operation_id="stop_plan_runner",
    summary="Run no plan any more; nothing is submitted once this has answered",
    responses=refusals("409 plans_run_elsewhere"),
)
async def stop_plan_runner(
    request: Request, caller: RiskReducer, runs: Runs, runner: Runner
) -> s.PlanRunnerOut:
    if await asyncio.to_thread(runner.turn_off):
        message = "The plan runner was turned off."
        await runs.command(request, caller, lambda w: switched("plan_runner_stopped", message, w))
    return _status(runner)


@router.get(
    "/plans/runner",
    operation_id="get_plan_runner",
    summary="Whether balancing plans are run, and what the last cycle came to",
    responses=refusals(),
)
async def get_plan_runner(caller: Reader, runner: Runner) -> s.PlanRunnerOut:
    return _status(runner)


def _status(runner: PlanRunner) -> s.PlanRunnerOut:
    status = runner.status()
    return s.PlanRunnerOut(
        state=status.state,
        last_cycle_at=status.last_cycle_at,
        evaluated=status.evaluated,
        errors=[
            s.RunErrorOut(at=e.at, position_id=e.position_id, code=e.code, message=e.message)
            for e in status.errors
        ],
    )
