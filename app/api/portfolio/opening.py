"""Create a position: a cell with its own cash, or a trade with its own stop."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Trader, use
from app.api.idempotency import OnceOnly, OptionalKey, Presented
from app.api.pointers import with_ticker
from app.api.portfolio import present, present_trade
from app.api.portfolio import schemas as s
from app.api.portfolio.trade_schemas import RegimeExitPlanIn
from app.api.problems import request_id_of
from app.api.routing import capability_router, refusals
from application.portfolio.create_cell import CreateCell, NewCell
from application.portfolio.open_regime_position import NewTrade, OpenRegimePosition
from application.portfolio.trade_market import MarketNumbers
from application.portfolio.views import valued
from application.ports.prices import Prices
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import FieldFault, Invalid

router = capability_router("portfolio")
OPENING_REFUSALS = (
    "400 vix_required",
    "409 position_exists",
    "422 currency_mismatch",
    "422 invalid_market_state",
    "422 invalid_plan",
    "422 invalid_stop",
    "422 invalid_symbol",
    "422 no_equity",
    "422 not_tradable",
    "422 risk_rejected",
    "422 size_below_minimum",
    "422 unknown_instrument",
    "423 account_halted",
    "503 calendar_range",
    "503 calendar_not_ready",
)


@router.post(
    "/positions",
    status_code=201,
    operation_id="create_position",
    summary="Create a cell with its own cash reserve, or open a trade with its own stop",
    response_model=s.PositionCreatedOut,
    responses=refusals(
        "404 account_not_found",
        "409 insufficient_cash",
        "409 simulation_account",
        "422 invalid_qty",
        *OPENING_REFUSALS,
    ),
)
async def create_position(
    request: Request,
    body: s.PositionIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    prices: Annotated[Prices, Depends(use(Prices))],
    create: Annotated[CreateCell, Depends(use(CreateCell))],
    open_trade: Annotated[OpenRegimePosition, Depends(use(OpenRegimePosition))],
) -> Response:
    request_id = request_id_of(request)

    def made(work: UnitOfWork) -> Presented:
        if isinstance(body.plan, RegimeExitPlanIn):
            opened = open_trade(_new_trade(body, body.plan), work)
            if not opened.submitted.accepted:
                return present.submitted(request_id, opened.submitted)
            view = present.position_document(valued(opened.position, prices, work.now))
            opening = present_trade.opening_document(opened)
        else:
            cell = create(_new_cell(body), work)
            view = present.position_document(valued(cell, prices, work.now))
            opening = None
        return Presented(201, {**view, "opening": opening})

    return await once(request, caller, key, with_ticker(made), lambda presented: presented)


def _new_cell(body: s.PositionIn) -> NewCell:
    assert not isinstance(body.plan, RegimeExitPlanIn)
    return NewCell(
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


def _new_trade(body: s.PositionIn, plan: RegimeExitPlanIn) -> NewTrade:
    """Invalid for members that only a cell has: a trade is sized and paid by its account."""
    of_cells = {
        "qty": body.qty,
        "cash": body.cash,
        "anchor_price": body.anchor_price,
        "avg_cost": body.avg_cost,
    }
    faults = tuple(
        FieldFault(f"/{name}", "not_used", "a trade is sized and paid by its account")
        for name, value in of_cells.items()
        if value
    )
    if faults:
        raise Invalid("invalid_request", "These members belong to cells.", errors=faults)
    market = plan.market_state
    return NewTrade(
        symbol=body.ticker,
        entry_price=plan.entry_price,
        numbers=MarketNumbers(market.vix, market.t2108, market.momentum_ratio),
        true_range=plan.true_range,
        requested=plan.size_fraction,
        opened_at=plan.opened_at,
        account_id=body.account_id,
    )
