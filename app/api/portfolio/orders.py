"""Orders by their own address: list, read, report executions, cancel."""

from decimal import Decimal
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.api.dependencies import OrderSender, Reader, RiskReducer, Runs, use
from app.api.idempotency import OnceOnly, OptionalKey, Presented
from app.api.paging import Listing, listed
from app.api.portfolio import present
from app.api.portfolio import schemas as s
from app.api.portfolio.routes import Paging
from app.api.routing import capability_router, refusals
from app.api.wire import ExactJsonResponse
from application.portfolio.end_order import EndOrder
from application.portfolio.record_fill import Execution, RecordFill
from application.ports.order_repositories import OrderFilter
from domain.shared.errors import FieldFault, Invalid

router = capability_router("portfolio")


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
    caller: OrderSender,
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
