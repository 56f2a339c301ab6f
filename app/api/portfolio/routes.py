"""Positions, orders and fills: parse, call, present."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.api.dependencies import OrderSender, Reader, Runs, use
from app.api.idempotency import Key, OnceOnly
from app.api.paging import Listing, PageQuery, listed
from app.api.pointers import instrument_of
from app.api.portfolio import present
from app.api.portfolio import schemas as s
from app.api.preconditions import NOT_MODIFIED, versioned_view
from app.api.problems import request_id_of
from app.api.routing import capability_router, refusals
from application.portfolio.change_position import require_orders_by_hand
from application.portfolio.order_request import OrderRequest
from application.portfolio.submit_order import SubmitOrder
from application.portfolio.views import valued
from application.ports.order_repositories import OrderFilter
from application.ports.prices import Prices
from application.ports.repositories import EventFilter, PositionFilter

router = capability_router("portfolio")
Paging = Annotated[PageQuery, Depends()]
PricesUsed = Annotated[Prices, Depends(use(Prices))]


@router.get(
    "/positions",
    operation_id="list_positions",
    summary="Positions, oldest first",
    response_model=Listing[s.PositionOut],
    responses=refusals("400 invalid_cursor", "422 invalid_symbol"),
)
async def list_positions(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    prices: PricesUsed,
    account_id: Annotated[str | None, Query(max_length=64)] = None,
    ticker: Annotated[str | None, Query(max_length=64)] = None,
    plan: Annotated[str | None, Query(max_length=32)] = None,
    status: Annotated[str | None, Query(max_length=16)] = None,
) -> Response:
    instrument = instrument_of(ticker)
    where = PositionFilter(account_id, instrument, plan, status)
    views, total = await runs.query(
        request,
        caller,
        lambda work: (
            [valued(p, prices, work.now) for p in work.positions.list(where, paging.page)],
            work.positions.count(where) if paging.wants_total else None,
        ),
    )
    rows = [(view.position.id, present.position_document(view)) for view in views]
    items, following = paging.cut(rows, response)
    return listed(items, following, total)


@router.get(
    "/positions/{position_id}",
    operation_id="get_position",
    summary="One position with its value at the newest price known",
    response_model=s.PositionOut,
    responses=refusals("404 position_not_found") | NOT_MODIFIED,
)
async def get_position(
    request: Request,
    position_id: str,
    caller: Reader,
    runs: Runs,
    prices: PricesUsed,
) -> Response:
    view = await runs.glance(
        request, caller, lambda work: valued(work.positions.get(position_id), prices, work.now)
    )
    return versioned_view(request, view.position.version, present.position_document(view))


@router.get(
    "/positions/{position_id}/events",
    operation_id="list_position_events",
    summary="What happened to the position, oldest first",
    responses=refusals("404 position_not_found", "400 invalid_cursor"),
)
async def list_position_events(
    request: Request,
    response: Response,
    position_id: str,
    caller: Reader,
    runs: Runs,
    paging: Paging,
) -> s.PositionEventsOut:
    after = int(paging.after) if paging.after is not None else 0
    where = EventFilter(after_seq=after, aggregate_id=position_id, limit=paging.page.limit)
    events = await runs.query(
        request,
        caller,
        lambda work: (work.positions.get(position_id), work.events.list(where))[1],
    )
    rows = [(str(event.seq), present.position_event_out(event)) for event in events]
    items, following = paging.cut(rows, response)
    return s.PositionEventsOut(position_id=position_id, events=items, next_cursor=following)


@router.get(
    "/positions/{position_id}/fills",
    operation_id="list_position_fills",
    summary="Executions of the position, oldest first",
    responses=refusals("404 position_not_found", "400 invalid_cursor"),
)
async def list_position_fills(
    request: Request,
    response: Response,
    position_id: str,
    caller: Reader,
    runs: Runs,
    paging: Paging,
) -> Listing[s.FillOut]:
    fills = await runs.query(
        request,
        caller,
        lambda work: (
            work.positions.get(position_id),
            work.fills.page_of_position(position_id, paging.page),
        )[1],
    )
    items, following = paging.cut([(fill.id, present.fill_out(fill)) for fill in fills], response)
    return Listing(items=items, next_cursor=following)


@router.post(
    "/positions/{position_id}/orders",
    status_code=201,
    operation_id="submit_order",
    summary="Submit an order for the position",
    response_model=s.SubmittedOut,
    responses=refusals(
        "400 missing_idempotency_key",
        "404 position_not_found",
        "404 evaluation_not_found",
        "409 idempotency_signature_mismatch",
        "409 request_in_progress",
        "409 position_closed",
        "409 position_paused",
        "409 governed_by_plan",
        "409 proposal_stale",
        "422 invalid_qty",
        "422 risk_rejected",
        "423 account_halted",
    ),
)
async def submit_order(
    request: Request,
    position_id: str,
    caller: OrderSender,
    key: Key,
    body: s.OrderIn,
    once: OnceOnly,
    submit: Annotated[SubmitOrder, Depends(use(SubmitOrder))],
) -> Response:
    wanted = OrderRequest(
        side=body.side,
        qty=body.qty,
        type=body.order_type,
        limit_price=body.limit_price,
        stop_price=body.stop_price,
        time_in_force=body.time_in_force,
        good_till=body.good_till,
        note=body.note,
        proposal_id=body.proposal_id,
        confirm_duplicate=body.confirm_duplicate,
    )
    request_id = request_id_of(request)
    return await once(
        request,
        caller,
        key,
        lambda work: submit(position_id, wanted, work),
        lambda result: present.submitted(request_id, result),
        parent=position_id,
        before=lambda work: require_orders_by_hand(position_id, work),
    )


@router.get(
    "/positions/{position_id}/orders",
    operation_id="list_position_orders",
    summary="Orders of the position, oldest first",
    response_model=Listing[s.OrderOut],
    responses=refusals("404 position_not_found", "400 invalid_cursor"),
)
async def list_position_orders(
    request: Request,
    response: Response,
    position_id: str,
    caller: Reader,
    runs: Runs,
    paging: Paging,
) -> Response:
    where = OrderFilter(position_id=position_id)
    orders, total = await runs.query(
        request,
        caller,
        lambda work: (
            work.positions.get(position_id),
            (
                work.orders.list(where, paging.page),
                work.orders.count(where) if paging.wants_total else None,
            ),
        )[1],
    )
    rows = [(order.id, present.order_document(order)) for order in orders]
    items, following = paging.cut(rows, response)
    return listed(items, following, total)
