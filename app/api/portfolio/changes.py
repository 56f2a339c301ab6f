"""Changes to a position by hand: close, pause, resume, anchor, plan, retire."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import RiskReducer, Runs, Trader, use
from app.api.idempotency import Key, OnceOnly, OptionalKey, Presented
from app.api.portfolio import present
from app.api.portfolio import schemas as s
from app.api.portfolio.plan_schemas import PlanChangeIn, merged_plan
from app.api.portfolio.routes import PricesUsed
from app.api.preconditions import RequiredVersion
from app.api.problems import request_id_of
from app.api.routing import capability_router, refusals
from app.api.wire import ExactJsonResponse
from application.portfolio.change_position import (
    RetireCell,
    balancing_plan_of,
    change_plan,
    pause,
    resume,
    set_anchor,
)
from application.portfolio.close_position import ClosePosition, CloseRequest
from application.portfolio.close_trade import CloseTrade, TradeClose
from application.portfolio.submit_order import Submitted
from application.portfolio.views import valued
from application.ports.unit_of_work import UnitOfWork

router = capability_router("portfolio")


@router.post(
    "/positions/{position_id}/close",
    status_code=201,
    operation_id="close_position",
    summary="Sell the position, or a fraction of it; a trade is filled at once",
    response_model=s.SubmittedOut,
    responses=refusals(
        "400 missing_idempotency_key",
        "404 position_not_found",
        "409 idempotency_signature_mismatch",
        "409 position_flat",
        "400 no_price",
        "409 position_closed",
        "422 below_minimum",
        "422 size_below_minimum",
        "422 risk_rejected",
        "503 calendar_not_ready",
        "503 calendar_range",
    ),
)
async def close_position(
    request: Request,
    position_id: str,
    caller: RiskReducer,
    key: Key,
    once: OnceOnly,
    close: Annotated[ClosePosition, Depends(use(ClosePosition))],
    close_trade: Annotated[CloseTrade, Depends(use(CloseTrade))],
    body: s.CloseIn | None = None,
) -> Response:
    wanted = CloseRequest(body.fraction, body.price) if body else CloseRequest()
    of_trade = TradeClose(wanted.price, wanted.fraction)
    request_id = request_id_of(request)

    def closed(work: UnitOfWork) -> Submitted:
        if work.positions.get(position_id).exit_plan is None:
            return close(position_id, wanted, work)
        return close_trade(position_id, of_trade, work).submitted

    return await once(
        request,
        caller,
        key,
        closed,
        lambda result: present.submitted(request_id, result),
        parent=position_id,
        before=lambda work: work.positions.get(position_id),
    )


@router.post(
    "/positions/{position_id}/pause",
    operation_id="pause_position",
    summary="Stop running the plan; reducing orders still pass",
    response_model=s.PositionOut,
    responses=refusals("404 position_not_found", "409 position_closed"),
)
async def pause_position(
    request: Request,
    position_id: str,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    prices: PricesUsed,
) -> Response:
    return await once(
        request,
        caller,
        key,
        lambda work: valued(pause(position_id, work), prices, work.now),
        lambda view: Presented(200, present.position_document(view)),
        parent=position_id,
    )


@router.post(
    "/positions/{position_id}/resume",
    operation_id="resume_position",
    summary="Run the plan again",
    response_model=s.PositionOut,
    responses=refusals("404 position_not_found", "409 position_closed"),
)
async def resume_position(
    request: Request,
    position_id: str,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    prices: PricesUsed,
) -> Response:
    return await once(
        request,
        caller,
        key,
        lambda work: valued(resume(position_id, work), prices, work.now),
        lambda view: Presented(200, present.position_document(view)),
        parent=position_id,
    )


@router.post(
    "/positions/{position_id}/anchor",
    operation_id="set_anchor",
    summary="Set the balancing reference by hand",
    response_model=s.PositionOut,
    responses=refusals("404 position_not_found", "409 position_closed"),
)
async def anchor_position(
    request: Request,
    position_id: str,
    body: s.AnchorIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    prices: PricesUsed,
) -> Response:
    return await once(
        request,
        caller,
        key,
        lambda work: valued(
            set_anchor(position_id, body.price, body.reason, work), prices, work.now
        ),
        lambda view: Presented(200, present.position_document(view)),
        parent=position_id,
    )


@router.patch(
    "/positions/{position_id}",
    operation_id="change_position",
    summary="Change plan settings (merge patch)",
    response_model=s.PositionOut,
    responses=refusals(
        "404 position_not_found",
        "409 position_closed",
        "412 stale_version",
        "409 governed_by_plan",
        "422 invalid_plan",
        "428 precondition_required",
    ),
)
async def change_position(
    request: Request,
    response: Response,
    position_id: str,
    body: PlanChangeIn,
    caller: Trader,
    version: RequiredVersion,
    runs: Runs,
    prices: PricesUsed,
) -> Response:
    view = await runs.command(
        request,
        caller,
        lambda work: valued(
            change_plan(
                position_id,
                merged_plan(balancing_plan_of(position_id, work), body),
                version,
                work,
            ),
            prices,
            work.now,
        ),
    )
    response.headers["ETag"] = present.etag(view.position)
    return ExactJsonResponse(present.position_document(view))


@router.delete(
    "/positions/{position_id}",
    status_code=204,
    operation_id="delete_position",
    summary="Retire a flat, idle cell; its cash goes to the account, history stays",
    responses=refusals(
        "404 position_not_found",
        "409 position_not_flat",
        "409 position_closed",
        "412 stale_version",
        "428 precondition_required",
    ),
)
async def delete_position(
    request: Request,
    position_id: str,
    caller: Trader,
    version: RequiredVersion,
    runs: Runs,
    retire: Annotated[RetireCell, Depends(use(RetireCell))],
) -> None:
    await runs.command(request, caller, lambda work: retire(position_id, version, work))
