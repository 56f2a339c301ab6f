"""Cash into and out of a cell."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Trader, use
from app.api.idempotency import Key, Once, OnceOnly, Presented
from app.api.portfolio import cell_cash_schemas as s
from app.api.routing import capability_router, refusals
from application.context import Principal
from application.portfolio.move_cash import MoveCash, Moved, Movement

router = capability_router("portfolio")


_CASH_CODES = refusals(
    "400 missing_idempotency_key",
    "404 position_not_found",
    "409 idempotency_signature_mismatch",
    "409 insufficient_cash",
    "409 not_a_cell",
    "409 position_closed",
)


@router.post(
    "/positions/{position_id}/deposits",
    status_code=201,
    operation_id="deposit_to_position",
    summary="Put cash into a cell, from outside or from its account",
    response_model=s.CellCashOut,
    responses=_CASH_CODES,
)
async def deposit_to_position(
    request: Request,
    position_id: str,
    body: s.CashIn,
    caller: Trader,
    key: Key,
    once: OnceOnly,
    move: Annotated[MoveCash, Depends(use(MoveCash))],
) -> Response:
    return await _move_cell_cash(request, caller, key, once, move, position_id, body, incoming=True)


@router.post(
    "/positions/{position_id}/withdrawals",
    status_code=201,
    operation_id="withdraw_from_position",
    summary="Take cash out of a cell, to outside or to its account",
    response_model=s.CellCashOut,
    responses=_CASH_CODES,
)
async def withdraw_from_position(
    request: Request,
    position_id: str,
    body: s.CashIn,
    caller: Trader,
    key: Key,
    once: OnceOnly,
    move: Annotated[MoveCash, Depends(use(MoveCash))],
) -> Response:
    return await _move_cell_cash(
        request, caller, key, once, move, position_id, body, incoming=False
    )


async def _move_cell_cash(
    request: Request,
    caller: Principal,
    key: str,
    once: Once,
    move: MoveCash,
    position_id: str,
    body: s.CashIn,
    *,
    incoming: bool,
) -> Response:
    movement = Movement(body.amount, incoming)
    return await once(
        request,
        caller,
        key,
        lambda work: move.cell(position_id, movement, body.source, work),
        lambda moved: Presented(201, _cell_cash_out(moved)),
        parent=position_id,
        before=lambda work: work.positions.get(position_id),
    )


def _cell_cash_out(moved: Moved) -> s.CellCashOut:
    position = moved.position
    assert position is not None
    return s.CellCashOut(
        transfer_id=moved.transfer.id,
        flow_id=moved.flow_id,
        position_id=position.id,
        cash=position.cash,
        available=moved.available,
        reserved=moved.reserved,
        version=position.version,
    )
