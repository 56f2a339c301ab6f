"""Positions, orders and fills: parse, call, present."""

from decimal import Decimal
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.api.dependencies import OrderSender, Reader, RiskReducer, Runs, Trader, use
from app.api.idempotency import Key, OnceOnly, OptionalKey, Presented
from app.api.paging import Listing, PageQuery, listed
from app.api.portfolio import present
from app.api.portfolio import schemas as s
from app.api.preconditions import NOT_MODIFIED, versioned_view
from app.api.problems import request_id_of
from app.api.routing import capability_router, refusals
from app.api.wire import ExactJsonResponse
from application.market.register_instrument import instrument_id
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.end_order import EndOrder
from application.portfolio.record_fill import Execution, RecordFill
from application.portfolio.submit_order import OrderRequest, SubmitOrder
from application.portfolio.views import valued
from application.ports.prices import Prices
from application.ports.repositories import EventFilter, OrderFilter, PositionFilter
from domain.shared.errors import FieldFault, Invalid

router = capability_router("portfolio")
Paging = Annotated[PageQuery, Depends()]
PricesUsed = Annotated[Prices, Depends(use(Prices))]


@router.post(
    "/positions",
    status_code=201,
    operation_id="create_position",
    summary="Create a cell: a stock with its own cash reserve",
    response_model=s.PositionOut,
    responses=refusals(
        "404 account_not_found",
        "409 insufficient_cash",
        "409 simulation_account",
        "422 currency_mismatch",
        "422 invalid_plan",
        "422 invalid_qty",
        "422 invalid_symbol",
        "422 unknown_instrument",
    ),
)
async def create_position(
    request: Request,
    body: s.PositionIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    prices: PricesUsed,
    create: Annotated[CreateCell, Depends(use(CreateCell))],
) -> Response:
    new = NewCell(
        ticker=body.ticker,
        qty=body.qty,
        cash=body.cash,
        account_id=body.account_id,
        anchor_price=body.anchor_price,
        avg_cost=body.avg_cost,
        funding=body.funding,
        venue=body.venue,
        withholding_rate=body.withholding_rate,
        plan=None if body.plan is None else body.plan.to_plan(),
    )
    return await once(
        request,
        caller,
        key,
        lambda work: valued(create(new, work), prices, work.now),
        lambda view: Presented(201, present.position_document(view)),
    )


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
    instrument = None if ticker is None else instrument_id(ticker)
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
        before=lambda work: work.positions.get(position_id),
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


@router.get(
    "/orders",
    operation_id="list_orders",
    summary="Orders, oldest first",
    response_model=Listing[s.OrderOut],
    responses=refusals("400 invalid_cursor"),
)
async def list_orders(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    account_id: Annotated[str | None, Query(max_length=64)] = None,
    position_id: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    where = OrderFilter(account_id, position_id, status)
    orders, total = await runs.query(
        request,
        caller,
        lambda work: (
            work.orders.list(where, paging.page),
            work.orders.count(where) if paging.wants_total else None,
        ),
    )
    rows = [(order.id, present.order_document(order)) for order in orders]
    items, following = paging.cut(rows, response)
    return listed(items, following, total)


@router.get(
    "/orders/{order_id}",
    operation_id="get_order",
    summary="One order with every check it was judged by",
    response_model=s.OrderOut,
    responses=refusals("404 order_not_found"),
)
async def get_order(request: Request, order_id: str, caller: Reader, runs: Runs) -> Response:
    order = await runs.glance(request, caller, lambda work: work.orders.get(order_id))
    return ExactJsonResponse(present.order_document(order))


@router.post(
    "/orders/{order_id}/fill",
    operation_id="record_fill",
    summary="Report an execution of a manual order",
    response_model=s.FilledOut,
    responses=refusals(
        "404 order_not_found",
        "404 position_not_found",
        "409 idempotency_signature_mismatch",
        "409 request_in_progress",
        "409 fills_come_from_venue",
        "409 overfill",
        "409 order_not_fillable",
        "409 fill_terms_differ",
        "409 split_out_of_order",
        "409 insufficient_cash",
        "409 insufficient_quantity",
        "422 conflicting_quantity",
        "422 invalid_qty",
        "422 guardrail_breach",
    ),
)
async def record_fill(
    request: Request,
    order_id: str,
    caller: Trader,
    key: OptionalKey,
    body: s.FillIn,
    once: OnceOnly,
    record: Annotated[RecordFill, Depends(use(RecordFill))],
) -> Response:
    execution = Execution(
        price=body.price,
        qty=_one_quantity(body),
        commission=body.commission,
        executed_at=body.executed_at,
        external_id=body.external_id,
    )
    return await once(
        request,
        caller,
        key,
        lambda work: record(order_id, execution, work),
        lambda result: Presented(200, present.filled(result)),
        parent=order_id,
        before=lambda work: work.orders.get(order_id),
    )


@router.post(
    "/orders/{order_id}/cancel",
    operation_id="cancel_order",
    summary="Ask to cancel an order",
    response_model=s.CancelledOut,
    responses=refusals("404 order_not_found", "409 idempotency_signature_mismatch"),
)
async def cancel_order(
    request: Request,
    order_id: str,
    caller: RiskReducer,
    key: OptionalKey,
    once: OnceOnly,
    end: Annotated[EndOrder, Depends(use(EndOrder))],
) -> Response:
    return await once(
        request,
        caller,
        key,
        lambda work: end.cancel(order_id, work),
        lambda result: Presented(
            200, s.CancelledOut(cancelled=result.cancelled, status=result.order.status.value)
        ),
        parent=order_id,
    )


def _one_quantity(body: s.FillIn) -> Decimal:
    if body.filled_qty is not None and body.qty is not None and body.filled_qty != body.qty:
        fault = FieldFault("/qty", "conflicting_quantity", "differs from filled_qty")
        raise Invalid("conflicting_quantity", "filled_qty and qty differ.", errors=(fault,))
    quantity = body.filled_qty if body.filled_qty is not None else body.qty
    if quantity is None:
        fault = FieldFault("/filled_qty", "missing", "required")
        raise Invalid("invalid_request", "filled_qty is missing.", errors=(fault,))
    return quantity
