"""Runs, prices and figures of the simulation account."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from app.api.dependencies import Reader, RiskReducer, Runs, Trader, use
from app.api.idempotency import OnceOnly, OptionalKey, Presented
from app.api.paging import Listing, PageQuery
from app.api.portfolio.present import fill_out
from app.api.portfolio.schemas import FillOut
from app.api.routing import capability_router, refusals
from app.api.simulation import present
from app.api.simulation import schemas as s
from application.ports.simulation import PriceFeed
from application.ports.unit_of_work import UnitOfWork
from application.simulation.apply_prices import Applied, ApplyPrices
from application.simulation.equity_ring import EquityRing
from application.simulation.manual_prices import GivenPrice, ManualPrices
from application.simulation.overview import Overview, overview, run_named
from application.simulation.paper_instrument import paper_instrument
from application.simulation.paper_orders import PAPER_VENUE
from application.simulation.performance import daily_pnl, run_performance
from application.simulation.runs import (
    ReplayRequest,
    ResetSimulation,
    StartRequest,
    StartSimulation,
    stop_simulation,
)
from application.simulation.valuation import value_run
from domain.portfolio.fill import Fill

router = capability_router("simulation")
Paging = Annotated[PageQuery, Depends()]
Feed = Annotated[PriceFeed, Depends(use(PriceFeed))]
Ring = Annotated[EquityRing, Depends(use(EquityRing))]
RunId = Annotated[str, Path(max_length=64)]
RunQuery = Annotated[str | None, Query(max_length=64)]


@router.get(
    "/simulation/status",
    operation_id="get_simulation_status",
    summary="Whether the simulation runs, on which prices, and what it holds",
    responses=refusals(),
)
async def get_simulation_status(
    request: Request, caller: Reader, runs: Runs, feed: Feed
) -> s.SimulationStatusOut:
    return present.status_out(await runs.query(request, caller, lambda w: overview(feed, w)))


@router.post(
    "/simulation/reset",
    operation_id="reset_simulation",
    summary="Archive the run and begin a new one, flat and with full capital",
    response_model=s.ResetOut,
    responses=refusals("409 idempotency_signature_mismatch", "409 request_in_progress"),
)
async def reset_simulation(
    request: Request,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    reset: Annotated[ResetSimulation, Depends(use(ResetSimulation))],
    body: s.ResetIn | None = None,
) -> Response:
    capital = None if body is None else body.initial_capital
    return await once(
        request,
        caller,
        key,
        lambda work: reset(capital, work),
        lambda done: Presented(200, present.reset_out(done)),
    )


@router.post(
    "/simulation/start",
    operation_id="start_simulation",
    summary="Accept and match orders from now on",
    response_model=s.SimulationStatusOut,
    responses=refusals(
        "400 invalid_idempotency_key",
        "409 idempotency_signature_mismatch",
        "409 request_in_progress",
        "404 unknown_series",
        "409 already_running",
        "409 run_not_flat",
        "422 currency_mismatch",
        "422 invalid_symbol",
        "422 unknown_instrument",
        "422 ambiguous_symbol",
    ),
)
async def start_simulation(
    request: Request,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    feed: Feed,
    start: Annotated[StartSimulation, Depends(use(StartSimulation))],
    body: s.StartIn | None = None,
) -> Response:
    asked = body or s.StartIn()
    replay = asked.replay

    def command(work: UnitOfWork) -> Overview:
        symbols = tuple(paper_instrument(symbol, work).id for symbol in asked.symbols)
        wanted = None if replay is None else ReplayRequest(replay.dataset, replay.speed)
        start(StartRequest(asked.price_source, symbols, wanted), work)
        return overview(feed, work)

    return await once(request, caller, key, command, _status_shown)


@router.post(
    "/simulation/stop",
    operation_id="stop_simulation",
    summary="Accept no order any more and match none; orders stay",
    response_model=s.SimulationStatusOut,
    responses=refusals(
        "400 invalid_idempotency_key",
        "409 idempotency_signature_mismatch",
        "409 request_in_progress",
        "409 already_stopped",
    ),
)
async def stop(
    request: Request, caller: RiskReducer, key: OptionalKey, once: OnceOnly, feed: Feed
) -> Response:
    def command(work: UnitOfWork) -> Overview:
        stop_simulation(work)
        return overview(feed, work)

    return await once(request, caller, key, command, _status_shown)


def _status_shown(view: Overview) -> Presented:
    return Presented(200, present.status_out(view))


@router.post(
    "/simulation/prices",
    operation_id="give_simulation_prices",
    summary="Give prices by hand; orders are matched against them at once",
    response_model=s.PricesOut,
    responses=refusals(
        "400 invalid_idempotency_key",
        "409 idempotency_signature_mismatch",
        "409 request_in_progress",
        "409 simulation_stopped",
        "409 not_manual_source",
        "422 inconsistent_price",
        "422 price_below_tick",
        "422 currency_mismatch",
        "422 invalid_symbol",
        "422 unknown_instrument",
        "422 ambiguous_symbol",
    ),
)
async def give_simulation_prices(
    request: Request,
    body: s.PricesIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    ring: Ring,
    apply: Annotated[ApplyPrices, Depends(use(ApplyPrices))],
) -> Response:
    given = [GivenPrice(p.symbol, p.bid, p.ask, p.last, p.mark, p.ts) for p in body.prices]
    applied: list[Applied] = []

    def command(work: UnitOfWork) -> Applied:
        applied.append(ManualPrices(apply)(given, work))
        return applied[-1]

    answer = await once(request, caller, key, command, _prices_shown)
    for done in applied[-1:]:
        for point in done.points:
            ring.note(done.run.id, point)
    return answer


def _prices_shown(done: Applied) -> Presented:
    equity = done.points[-1].equity if done.points else None
    return Presented(200, s.PricesOut(applied=done.applied, ignored=done.ignored, equity=equity))


@router.get(
    "/simulation/portfolio",
    operation_id="get_simulation_portfolio",
    summary="Value, cash, profit and margin of the run",
    responses=refusals(),
)
async def get_simulation_portfolio(
    request: Request, caller: Reader, runs: Runs, feed: Feed
) -> s.PaperPortfolioOut:
    def look(work: UnitOfWork) -> s.PaperPortfolioOut:
        view = overview(feed, work)
        return present.portfolio_out(view, *daily_pnl(view.run, view.value, work))

    return await runs.query(request, caller, look)


@router.get(
    "/simulation/performance",
    operation_id="get_simulation_performance",
    summary="Figures from closed trades and daily equity",
    responses=refusals("404 run_not_found"),
)
async def get_simulation_performance(
    request: Request, caller: Reader, runs: Runs, run_id: RunQuery = None
) -> s.PaperPerformanceOut:
    def look(work: UnitOfWork) -> s.PaperPerformanceOut:
        run, account = run_named(run_id, work), work.accounts.simulation()
        value = value_run(run, account, work)
        return present.performance_out(run_performance(run, account, value, work), value)

    return await runs.query(request, caller, look)


@router.get(
    "/simulation/equity",
    operation_id="get_simulation_equity",
    summary="The equity curve: by the minute for a week, then by the hour",
    responses=refusals("404 run_not_found"),
)
async def get_simulation_equity(
    request: Request,
    caller: Reader,
    runs: Runs,
    ring: Ring,
    run_id: RunQuery = None,
    resolution: Annotated[str, Query(pattern="^(stored|recent)$")] = "stored",
    days: Annotated[int | None, Query(ge=1, le=36_500)] = None,
) -> s.EquityCurveOut:
    def look(work: UnitOfWork) -> s.EquityCurveOut:
        book = work.simulation
        run = run_named(run_id, work)
        if resolution == "recent":
            return present.equity_out(run.id, ring.of_run(run.id))
        start = None if days is None else run.clock(work.now) - timedelta(days=days)
        return present.equity_out(run.id, book.equity.of_run(run.id, start))

    return await runs.query(request, caller, look)


@router.get(
    "/simulation/runs",
    operation_id="list_simulation_runs",
    summary="Runs, oldest first; the last one is current",
    responses=refusals("400 invalid_cursor"),
)
async def list_simulation_runs(
    request: Request, response: Response, caller: Reader, runs: Runs, paging: Paging
) -> Listing[s.RunOut]:
    found = await runs.query(request, caller, lambda w: w.simulation.runs.list(paging.page))
    items, following = paging.cut([(run.id, present.run_out(run)) for run in found], response)
    return Listing(items=items, next_cursor=following)


@router.get(
    "/simulation/runs/{run_id}",
    operation_id="get_simulation_run",
    summary="One run with its settings and, once archived, its summary",
    responses=refusals("404 run_not_found"),
)
async def get_simulation_run(
    request: Request, run_id: RunId, caller: Reader, runs: Runs
) -> s.RunOut:
    run = await runs.query(request, caller, lambda work: work.simulation.runs.get(run_id))
    return present.run_out(run)


@router.get(
    "/simulation/runs/{run_id}/fills",
    operation_id="list_simulation_run_fills",
    summary="Executions of a run, oldest first",
    responses=refusals("404 run_not_found", "400 invalid_cursor"),
)
async def list_simulation_run_fills(
    request: Request, response: Response, run_id: RunId, caller: Reader, runs: Runs, paging: Paging
) -> Listing[FillOut]:
    def look(work: UnitOfWork) -> Sequence[Fill]:
        run = work.simulation.runs.get(run_id)
        return work.simulation.fills.page_of_account(PAPER_VENUE, run.id, paging.page)

    fills = await runs.query(request, caller, look)
    items, following = paging.cut([(fill.id, fill_out(fill)) for fill in fills], response)
    return Listing(items=items, next_cursor=following)
