"""Trades on the desktop's own paths: names, units and statuses are translated, nothing decided."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.compat import trade_presenters as present
from app.api.compat import trade_schemas as s
from app.api.compat.problems import compat_refusals, compat_router
from app.api.dependencies import Reader, RiskReducer, Runs, Trader, use
from app.api.idempotency import OnceOnly, OptionalKey, Presented
from app.api.portfolio.opening import OPENING_REFUSALS
from app.api.portfolio.present import submitted
from app.api.portfolio.trades import BAR_REFUSALS
from app.api.problems import request_id_of, shaped
from app.api.wire import ExactJsonResponse
from application.portfolio.close_trade import CloseTrade, DeleteTrade, TradeClose
from application.portfolio.live_trades import ReadLiveTrades
from application.portfolio.open_regime_position import NewTrade, OpenRegimePosition
from application.portfolio.trade_market import MarketNumbers
from application.portfolio.update_regime_position import BarUpdate, UpdateRegimePosition
from application.ports.unit_of_work import UnitOfWork
from application.risk.effective_configuration import desktop_configuration
from domain.plans.price_bar import PriceBody
from domain.shared.errors import NotFound

router = compat_router("desktop")
LiveTrades = Annotated[ReadLiveTrades, Depends(use(ReadLiveTrades))]
PERCENT = 100


@router.post(
    "/positions/open",
    operation_id="open_desktop_position",
    summary="Open a trade: stop, targets and size from regime, configuration and account",
    response_model=s.OpenedOut,
    responses=compat_refusals(*OPENING_REFUSALS),
)
async def open_position(
    request: Request,
    body: s.OpenPositionIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    open_trade: Annotated[OpenRegimePosition, Depends(use(OpenRegimePosition))],
) -> Response:
    market = body.market_data
    new = NewTrade(
        symbol=body.symbol,
        entry_price=body.entry_price,
        numbers=_numbers(market),
        true_range=market.true_range,
        requested=body.position_size / PERCENT,
        opened_at=body.opened_at,
    )

    def opened(work: UnitOfWork) -> Presented:
        trade = open_trade(new, work)
        if trade.submitted.accepted:
            return Presented(200, present.opened(trade, desktop_configuration(work)))
        refusal = submitted(request_id_of(request), trade.submitted)
        return present.refused(refusal, lambda problem: shaped(problem, request))

    return await once(request, caller, key, opened, lambda presented: presented)


@router.put(
    "/positions/update",
    operation_id="update_desktop_position",
    summary="Judge the trade in a symbol by a bar",
    response_model=s.UpdatedOut,
    responses=compat_refusals(*BAR_REFUSALS, "422 invalid_symbol", "422 unknown_instrument"),
)
async def update_position(
    request: Request,
    body: s.UpdatePositionIn,
    caller: RiskReducer,
    key: OptionalKey,
    once: OnceOnly,
    update: Annotated[UpdateRegimePosition, Depends(use(UpdateRegimePosition))],
) -> Response:
    wanted = _bar(body)
    return await once(
        request,
        caller,
        key,
        lambda work: update.of_symbol(body.symbol, wanted, work),
        lambda report: Presented(200, present.updated(report)),
    )


@router.get(
    "/positions",
    operation_id="list_desktop_positions",
    summary="Open trades by symbol",
    response_model=dict[str, s.DesktopPositionOut],
    responses=compat_refusals("503 calendar_range", "503 calendar_not_ready"),
)
async def list_positions(
    request: Request, caller: Reader, runs: Runs, trades: LiveTrades
) -> Response:
    found = await runs.query(request, caller, trades.all)
    return ExactJsonResponse({trade.position.instrument: present.shown(trade) for trade in found})


@router.get(
    "/positions/{symbol:path}",
    operation_id="get_desktop_position",
    summary="The open trade in a symbol",
    response_model=s.DesktopPositionOut,
    responses=compat_refusals(
        "404 position_not_found",
        "422 invalid_symbol",
        "422 unknown_instrument",
        "503 calendar_range",
        "503 calendar_not_ready",
    ),
)
async def get_position(
    request: Request, symbol: str, caller: Reader, runs: Runs, trades: LiveTrades
) -> Response:
    found = await runs.glance(request, caller, lambda work: trades.of_symbol(symbol, work))
    if found is None:
        raise NotFound("position_not_found", "The entry has not filled yet.")
    return ExactJsonResponse(present.shown(found))


@router.post(
    "/positions/{symbol:path}/close",
    operation_id="close_desktop_position",
    summary="Sell a fraction of the trade, all of it by default",
    response_model=s.UpdatedOut,
    responses=compat_refusals(
        "400 no_price",
        "404 position_not_found",
        "409 position_closed",
        "422 invalid_symbol",
        "422 risk_rejected",
        "422 size_below_minimum",
        "422 unknown_instrument",
        "503 calendar_range",
        "503 calendar_not_ready",
    ),
)
async def close_position(
    request: Request,
    symbol: str,
    caller: RiskReducer,
    key: OptionalKey,
    once: OnceOnly,
    close: Annotated[CloseTrade, Depends(use(CloseTrade))],
    body: s.ClosePositionIn | None = None,
) -> Response:
    wanted = TradeClose(body.price, body.fraction, body.reason) if body else TradeClose()
    return await once(
        request,
        caller,
        key,
        lambda work: close.of_symbol(symbol, wanted, work),
        lambda closed: Presented(200, present.updated(closed.report)),
        parent=symbol.upper(),
    )


@router.delete(
    "/positions/{symbol:path}",
    operation_id="delete_desktop_position",
    summary="Take back an entry that nothing filled",
    responses=compat_refusals(
        "404 position_not_found",
        "409 position_has_fills",
        "422 invalid_symbol",
        "422 unknown_instrument",
    ),
)
async def delete_position(
    request: Request,
    symbol: str,
    caller: RiskReducer,
    runs: Runs,
    delete: Annotated[DeleteTrade, Depends(use(DeleteTrade))],
) -> s.DeletedOut:
    deleted = await runs.command(request, caller, lambda work: delete.of_symbol(symbol, work))
    return s.DeletedOut(symbol=deleted.instrument)


def _numbers(market: s.DesktopMarketIn) -> MarketNumbers:
    return MarketNumbers(market.vix, market.t2108, market.momentum_ratio)


def _bar(body: s.UpdatePositionIn) -> BarUpdate:
    """What the bar says of itself stands in the request or beside its prices."""
    prices = body.current_price_data
    final = body.final if body.final is not None else prices.final
    return BarUpdate(
        body=PriceBody(prices.close, prices.open, prices.high, prices.low),
        numbers=_numbers(body.market_data),
        as_of=body.as_of if body.as_of is not None else prices.as_of,
        is_final=True if final is None else final,
        is_interval=(body.bar or prices.bar) == "interval",
    )
