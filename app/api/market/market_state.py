"""The market's state per session: parse, call, present."""

from typing import Annotated

from fastapi import Depends, Request

from app.api.dependencies import Reader, Runs, Trader, use
from app.api.market import state_present as present
from app.api.market import state_schemas as s
from app.api.market.state_queries import Days
from app.api.routing import capability_router, refusals
from app.api.wire import Day
from application.market.market_state_queries import MarketStateQueries
from application.market.session_states import PutSessionState
from domain.market.market_sources import StateSource
from domain.market.market_state import StateOffer

router = capability_router("market")

Queries = Annotated[MarketStateQueries, Depends(use(MarketStateQueries))]
Puts = Annotated[PutSessionState, Depends(use(PutSessionState))]
NOT_READY = ("503 calendar_not_ready", "503 calendar_corrupt", "503 calendar_range")


@router.get(
    "/market-state/current",
    operation_id="get_current_market_state",
    summary="The newest visible row, with its age",
    responses=refusals("404 no_market_state", *NOT_READY),
)
async def get_current_market_state(
    request: Request, caller: Reader, runs: Runs, queries: Queries
) -> s.CurrentStateOut:
    return present.current_out(await runs.query(request, caller, queries.current))


@router.get(
    "/market-state/history",
    operation_id="list_market_states",
    summary="Rows with start <= session <= end, ascending",
    responses=refusals("422 invalid_range", "422 range_too_large"),
)
async def list_market_states(
    request: Request, caller: Reader, runs: Runs, queries: Queries, days: Annotated[Days, Depends()]
) -> s.MarketStatesOut:
    found = await runs.query(request, caller, lambda work: queries.rows(days.of(work), work))
    return s.MarketStatesOut(items=[present.state_out(row) for row in found], n=len(found))


@router.put(
    "/market-state/sessions/{session}",
    operation_id="put_market_state",
    summary="State a session's numbers by hand; replaced numbers stay as a revision",
    responses=refusals(
        "415 unsupported_media_type",
        "422 not_a_session",
        "422 future_session",
        "422 vix_source_mismatch",
        "422 invalid_market_state",
        *NOT_READY,
    ),
)
async def put_market_state(
    request: Request,
    session: Day,
    body: s.SessionStateIn,
    caller: Trader,
    runs: Runs,
    put: Puts,
) -> s.MarketStateOut:
    values = body.model_dump(exclude={"vix_source", "breadth"}, exclude_unset=True)
    if body.breadth is not None:
        values |= body.breadth.model_dump(exclude_unset=True)
    offer = StateOffer(session, StateSource.MANUAL, values, body.vix_source)
    return present.state_out(await runs.command(request, caller, lambda work: put(offer, work)))
