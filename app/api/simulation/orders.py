"""Orders, positions and trades of the simulation account."""

from decimal import Decimal
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from app.api.dependencies import OrderSender, Reader, RiskReducer, Runs, use
from app.api.idempotency import Key, OnceOnly, Presented
from app.api.paging import Listing, PageQuery, listed
from app.api.problems import request_id_of
from app.api.routing import capability_router, refusals
from app.api.simulation import order_schemas as o
from app.api.simulation import present, present_orders
from app.api.simulation import schemas as s
from app.api.simulation.routes import RunQuery
from app.api.wire import ExactJsonResponse
from application.ports.order_repositories import OrderFilter
from application.ports.simulation import PriceFeed
from application.ports.unit_of_work import UnitOfWork
from application.simulation.confirmations import Confirmer, waits_for_a_person
from application.simulation.end_paper_trades import CancelPaperOrder, ClosePaperPosition
from application.simulation.overview import overview, run_named
from application.simulation.paper_request import PaperOrderRequest
from application.simulation.submit_paper_order import SubmitPaperOrder
from domain.portfolio.order import Origin

router = capability_router("simulation")
Paging = Annotated[PageQuery, Depends()]
Document = dict[str, object]

_SUBMIT_CODES = (
    "400 missing_idempotency_key",
    "409 idempotency_signature_mismatch",
    "409 request_in_progress",
    "409 simulation_stopped",
    "422 risk_rejected",
    "422 below_minimum",
    "422 currency_mismatch",
    "422 invalid_symbol",
    "422 unknown_instrument",
    "422 ambiguous_symbol",
)


@router.post(
    "/simulation/orders",
    status_code=201,
    operation_id="submit_simulation_order",
    summary="Submit an order on paper",
    response_model=o.PaperOrderOut,
    responses=refusals(
        *_SUBMIT_CODES,
        "409 position_exists",
        "422 invalid_qty",
        "422 invalid_bracket",
        "422 not_tradable",
        "429 confirmation_queue_full",
        "422 invalid_stop",
        "422 no_equity",
    )
    | {202: {"description": "Waits for confirmation", "model": o.ConfirmationOut}},
)
async def submit_simulation_order(
    request: Request,
    body: o.PaperOrderIn,
    caller: OrderSender,
    key: Key,
    once: OnceOnly,
    submit: Annotated[SubmitPaperOrder, Depends(use(SubmitPaperOrder))],
    confirmer: Annotated[Confirmer, Depends(use(Confirmer))],
) -> Response:
    wanted = PaperOrderRequest(
        symbol=body.symbol,
        side=body.side,
        type=body.order_type,
        qty=body.quantity,
        risk_fraction=body.risk_fraction,
        limit_price=body.price,
        stop_price=body.stop_price,
        stop_loss=body.stop_loss,
        take_profit=body.take_profit,
        trail_fraction=body.trail_fraction,
        reduce_only=body.reduce_only,
        leverage=body.leverage,
        time_in_force=body.time_in_force,
        good_till=body.good_till,
        note=body.note,
        origin=Origin(body.origin),
    )
    request_id = request_id_of(request)

    def command(work: UnitOfWork) -> Presented:
        if waits_for_a_person(wanted, work):
            return present_orders.answered(request_id, confirmer.queue(wanted, work), work, 202)
        return present_orders.submitted(
            request_id, *present_orders.documented(submit(wanted, work), work)
        )

    return await once(request, caller, key, command, lambda said: said)


@router.get(
    "/simulation/orders",
    operation_id="list_simulation_orders",
    summary="Orders of the run, oldest first",
    response_model=Listing[o.PaperOrderOut],
    responses=refusals("400 invalid_cursor", "404 run_not_found"),
)
async def list_simulation_orders(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    run_id: RunQuery = None,
    status: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    def look(work: UnitOfWork) -> tuple[list[Document], int | None]:
        where = OrderFilter(run_named(run_id, work).id, status=status)
        orders = work.simulation.orders
        total = orders.count(where) if paging.wants_total else None
        return present_orders.order_documents(orders.list(where, paging.page), work), total

    documents, total = await runs.query(request, caller, look)
    items, following = paging.cut([(str(d["id"]), d) for d in documents], response)
    return listed(items, following, total)


@router.get(
    "/simulation/orders/{order_id}",
    operation_id="get_simulation_order",
    summary="One order on paper with every check it was judged by",
    response_model=o.PaperOrderOut,
    responses=refusals("404 order_not_found"),
)
async def get_simulation_order(
    request: Request, order_id: str, caller: Reader, runs: Runs
) -> Response:
    documents = await runs.query(
        request,
        caller,
        lambda work: present_orders.order_documents([work.simulation.orders.get(order_id)], work),
    )
    return ExactJsonResponse(documents[0])


@router.delete(
    "/simulation/orders/{order_id}",
    operation_id="cancel_simulation_order",
    summary="Cancel an order on paper",
    responses=refusals("404 order_not_found"),
)
async def cancel_simulation_order(
    request: Request,
    order_id: str,
    caller: RiskReducer,
    runs: Runs,
    cancel: Annotated[CancelPaperOrder, Depends(use(CancelPaperOrder))],
) -> o.PaperCancelledOut:
    done = await runs.command(request, caller, lambda work: cancel(order_id, work))
    return o.PaperCancelledOut(
        order_id=done.order.id, cancelled=done.cancelled, status=done.order.status.value
    )


@router.get(
    "/simulation/positions",
    operation_id="list_simulation_positions",
    summary="Open positions of the run at their marks; of an archived run, as it left them",
    responses=refusals("404 run_not_found"),
)
async def list_simulation_positions(
    request: Request,
    caller: Reader,
    runs: Runs,
    feed: Annotated[PriceFeed, Depends(use(PriceFeed))],
    run_id: RunQuery = None,
) -> s.PaperPositionsOut:
    view = await runs.query(request, caller, lambda work: overview(feed, work, run_id))
    return present.positions_out(view)


@router.post(
    "/simulation/positions/{symbol}/close",
    status_code=201,
    operation_id="close_simulation_position",
    summary="Close a position, or a fraction of it, at the market",
    response_model=o.PaperOrderOut,
    responses=refusals(*_SUBMIT_CODES, "404 position_not_found"),
)
async def close_simulation_position(
    request: Request,
    symbol: Annotated[str, Path(max_length=64)],
    caller: RiskReducer,
    key: Key,
    once: OnceOnly,
    close: Annotated[ClosePaperPosition, Depends(use(ClosePaperPosition))],
    body: o.ClosePaperPositionIn | None = None,
) -> Response:
    share = Decimal(1) if body is None else body.fraction
    request_id = request_id_of(request)
    return await once(
        request,
        caller,
        key,
        lambda work: present_orders.documented(close(symbol, share, work), work),
        lambda done: present_orders.submitted(request_id, *done),
        parent=symbol.upper(),
    )


@router.get(
    "/simulation/trades",
    operation_id="list_simulation_trades",
    summary="Closed round trips of the run, oldest first",
    responses=refusals("400 invalid_cursor", "404 run_not_found"),
)
async def list_simulation_trades(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    run_id: RunQuery = None,
) -> Listing[s.PaperTradeOut]:
    trips = await runs.query(
        request,
        caller,
        lambda work: work.simulation.trips.closed(run_named(run_id, work).id, paging.page),
    )
    items, following = paging.cut([(t.id, present.trade_out(t)) for t in trips], response)
    return Listing(items=items, next_cursor=following)
