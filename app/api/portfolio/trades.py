"""What a running trade is told: bars, and a tighter protection."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import RiskReducer, use
from app.api.idempotency import OnceOnly, OptionalKey, Presented
from app.api.portfolio import present
from app.api.portfolio import schemas as s
from app.api.portfolio import trade_schemas as t
from app.api.portfolio.present_trade import report_document
from app.api.routing import capability_router, refusals
from application.portfolio.protect_trade import ProtectTrade
from application.portfolio.trade_market import MarketNumbers
from application.portfolio.update_regime_position import BarUpdate, UpdateRegimePosition
from application.portfolio.views import valued
from application.ports.prices import Prices
from domain.plans.price_bar import PriceBody
from domain.plans.protection import ProtectionChange
from domain.shared.errors import FieldFault, Invalid

router = capability_router("portfolio")
BAR_REFUSALS = (
    "400 bar_before_entry",
    "400 bar_in_future",
    "400 bar_out_of_order",
    "400 inconsistent_bar",
    "400 missing_close",
    "404 position_not_found",
    "409 position_closed",
    "409 position_paused",
    "422 invalid_market_state",
    "422 not_a_trading_day",
    "422 risk_rejected",
    "503 calendar_range",
    "503 calendar_not_ready",
)


@router.post(
    "/positions/{position_id}/bars",
    operation_id="update_position",
    summary="Judge a trade by a bar: exits fill, levels move, all at once",
    response_model=t.TradeReportOut,
    responses=refusals(*BAR_REFUSALS, "409 not_a_trade"),
)
async def update_position(
    request: Request,
    position_id: str,
    caller: RiskReducer,
    key: OptionalKey,
    body: t.BarIn,
    once: OnceOnly,
    update: Annotated[UpdateRegimePosition, Depends(use(UpdateRegimePosition))],
) -> Response:
    market = body.market_state
    wanted = BarUpdate(
        body=PriceBody(body.close, body.open, body.high, body.low),
        numbers=MarketNumbers(market.vix, market.t2108, market.momentum_ratio),
        as_of=body.as_of,
        is_final=body.final,
        is_interval=body.bar == "interval",
    )
    return await once(
        request,
        caller,
        key,
        lambda work: update(position_id, wanted, work),
        lambda report: Presented(200, report_document(report)),
        parent=position_id,
        before=lambda work: work.positions.get(position_id),
    )


@router.put(
    "/positions/{position_id}/protection",
    operation_id="protect_position",
    summary="Tighten a trade: a higher stop, nearer targets, trailing on",
    response_model=s.PositionOut,
    responses=refusals(
        "404 position_not_found",
        "409 not_a_trade",
        "409 position_closed",
        "409 stop_widening_refused",
        "422 invalid_plan",
        "503 calendar_range",
        "503 calendar_not_ready",
    ),
)
async def protect_position(
    request: Request,
    position_id: str,
    caller: RiskReducer,
    key: OptionalKey,
    body: t.ProtectionIn,
    once: OnceOnly,
    prices: Annotated[Prices, Depends(use(Prices))],
    protect: Annotated[ProtectTrade, Depends(use(ProtectTrade))],
) -> Response:
    levels = [target.level for target in body.targets]
    if len(set(levels)) != len(levels):
        fault = FieldFault("/targets", "repeated_level", "each level once")
        raise Invalid("invalid_request", "A target level is named twice.", errors=(fault,))
    change = ProtectionChange(
        stop=body.stop,
        targets={target.level: target.price for target in body.targets},
        trailing=body.trailing,
    )
    return await once(
        request,
        caller,
        key,
        lambda work: valued(protect(position_id, change, work), prices, work.now),
        lambda view: Presented(200, present.position_document(view)),
        parent=position_id,
        before=lambda work: work.positions.get(position_id),
    )
