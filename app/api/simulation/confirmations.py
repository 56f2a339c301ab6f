"""Orders of the simulation that wait for a person."""

from typing import Annotated

from fastapi import Depends, Path, Request, Response

from app.api.dependencies import Reader, RiskReducer, Runs, Trader, use
from app.api.idempotency import OnceOnly, OptionalKey
from app.api.paging import Listing
from app.api.problems import request_id_of
from app.api.routing import capability_router, refusals
from app.api.simulation import order_schemas as o
from app.api.simulation import present_orders
from application.simulation.confirmations import Changes, Confirmer, waiting

router = capability_router("simulation")
Asked = Annotated[Confirmer, Depends(use(Confirmer))]
Id = Annotated[str, Path(max_length=64)]

_CODES = (
    "404 confirmation_not_found",
    "409 confirmation_decided",
    "409 idempotency_signature_mismatch",
    "409 request_in_progress",
    "410 confirmation_expired",
)
_GATE_CODES = (
    "409 position_exists",
    "409 simulation_stopped",
    "422 risk_rejected",
    "422 below_minimum",
    "422 invalid_bracket",
    "422 not_tradable",
    "422 invalid_stop",
    "422 no_equity",
)


@router.get(
    "/orders/pending/confirmation",
    operation_id="list_pending_confirmations",
    summary="Orders that wait for a person, oldest first",
    responses=refusals(),
)
async def list_pending_confirmations(
    request: Request, caller: Reader, runs: Runs
) -> Listing[o.ConfirmationOut]:
    items = await runs.query(
        request,
        caller,
        lambda work: [present_orders.confirmation_out(c, work.now) for c in waiting(work)],
    )
    return Listing(items=items, next_cursor=None)


@router.post(
    "/orders/pending/{confirmation_id}/confirm",
    operation_id="confirm_pending_order",
    summary="Submit the waiting order, after every check once more",
    response_model=o.ConfirmationOut,
    responses=refusals(*_CODES, *_GATE_CODES, "409 price_drifted"),
)
async def confirm_pending_order(
    request: Request,
    confirmation_id: Id,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    confirmer: Asked,
) -> Response:
    request_id = request_id_of(request)
    return await once(
        request,
        caller,
        key,
        lambda work: present_orders.answered(
            request_id, confirmer.confirm(confirmation_id, work), work, 200
        ),
        lambda said: said,
        parent=confirmation_id,
    )


@router.post(
    "/orders/pending/{confirmation_id}/reject",
    operation_id="reject_pending_order",
    summary="Say no to the waiting order",
    response_model=o.ConfirmationOut,
    responses=refusals(*_CODES),
)
async def reject_pending_order(
    request: Request,
    confirmation_id: Id,
    caller: RiskReducer,
    key: OptionalKey,
    once: OnceOnly,
    confirmer: Asked,
    body: o.RejectConfirmationIn | None = None,
) -> Response:
    request_id = request_id_of(request)
    reason = (body or o.RejectConfirmationIn()).reason
    return await once(
        request,
        caller,
        key,
        lambda work: present_orders.answered(
            request_id, confirmer.reject(confirmation_id, reason, work), work, 200
        ),
        lambda said: said,
        parent=confirmation_id,
    )


@router.post(
    "/orders/pending/{confirmation_id}/modify",
    operation_id="modify_pending_order",
    summary="Change the waiting order; all checks run again",
    response_model=o.ConfirmationOut,
    responses=refusals(*_CODES, *_GATE_CODES, "422 invalid_qty"),
)
async def modify_pending_order(
    request: Request,
    confirmation_id: Id,
    body: o.ModifyConfirmationIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    confirmer: Asked,
) -> Response:
    request_id = request_id_of(request)
    changes = Changes(body.quantity, body.price, body.stop_price, body.stop_loss, body.take_profit)
    return await once(
        request,
        caller,
        key,
        lambda work: present_orders.answered(
            request_id, confirmer.modify(confirmation_id, changes, work), work, 200
        ),
        lambda said: said,
        parent=confirmation_id,
    )


@router.post(
    "/orders/pending/{confirmation_id}/extend",
    operation_id="extend_pending_order",
    summary="Let the order wait for five more minutes from now",
    response_model=o.ConfirmationOut,
    responses=refusals(*_CODES),
)
async def extend_pending_order(
    request: Request,
    confirmation_id: Id,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    confirmer: Asked,
) -> Response:
    request_id = request_id_of(request)
    return await once(
        request,
        caller,
        key,
        lambda work: present_orders.answered(
            request_id, confirmer.extend(confirmation_id, work), work, 200
        ),
        lambda said: said,
        parent=confirmation_id,
    )
