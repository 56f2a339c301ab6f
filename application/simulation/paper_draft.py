"""An order as it would be sent: entry price, leverage, size and the margin it needs."""

from dataclasses import replace
from decimal import Decimal

from application.ports.paper_market import HALF_SPREAD
from application.simulation.paper_desk import PaperDesk
from application.simulation.paper_gate import PaperDraft, claimed_qty, size_by_risk
from application.simulation.paper_instrument import PaperInstrument
from application.simulation.paper_request import PaperOrderRequest
from application.simulation.paper_stop import market_fill, stop_plan
from application.simulation.valuation import Valuation
from domain.backtest.fill_model import touch_from_last, trail_level
from domain.market.ticks import taker_price_to_tick
from domain.portfolio.margin import isolated_margin, margin_to_hold
from domain.portfolio.order import OrderType, Origin
from domain.portfolio.order_price import (
    PricedOrder,
    Quote,
    expected_price,
    fills_at_once,
    margin_price,
)
from domain.shared.decimals import ZERO, divide
from domain.shared.errors import Conflict, FieldFault, Invalid
from domain.shared.side import Side


def require_first_signal(request: PaperOrderRequest, desk: PaperDesk) -> None:
    """A strategy neither adds to what is held nor turns it: its signal on a held symbol is a
    Conflict `position_exists` either way. A reduce-only order leaves a position; it is no signal.
    """
    held = ZERO if desk.position is None else desk.position.qty
    leaves = request.reduce_only and held * request.side.sign < 0
    if request.origin is Origin.STRATEGY and held != 0 and not leaves:
        raise Conflict("position_exists", f"{desk.instrument} is held already.")


def drafted(
    request: PaperOrderRequest, desk: PaperDesk, instrument: PaperInstrument, value: Valuation
) -> PaperDraft:
    """Invalid for a leverage that differs from the position's or from resting orders'."""
    held = ZERO if desk.position is None else desk.position.qty
    leverage = _leverage(request, desk, is_held=held != 0)
    quote = _quote(request.side, desk)
    order = _priced(request, quote)
    worst = margin_price(order, quote, desk.account.costs.slippage)
    at_once = _taker_price(order, quote, desk, instrument.tick_size)
    if worst is not None and at_once is not None:
        worst = max(worst, at_once)
    draft = PaperDraft(
        request,
        instrument,
        request.qty or ZERO,
        expected_price(order, quote),
        leverage,
        margin_price=worst,
        loss_per_unit=_loss_per_unit(request, order, quote, desk, instrument.tick_size),
    )
    if request.qty is None:
        draft = replace(draft, qty=size_by_risk(draft, desk, value))
    opening = _opening_qty(draft, desk, held)
    rate = desk.account.costs.commission_rate
    needed = ZERO if worst is None else margin_to_hold(opening, worst, leverage, rate)
    draft = replace(draft, margin_needed=needed)
    if at_once is None or quote.mark is None or opening == 0:
        return draft
    lost = _lost_at_once(draft, desk, at_once, quote.mark, opening)
    spent = margin_to_hold(opening, at_once, leverage, rate) + lost
    return replace(draft, needed_at_once=spent)


def _opening_qty(draft: PaperDraft, desk: PaperDesk, held: Decimal) -> Decimal:
    request = draft.request
    if request.reduce_only or request.is_close:
        return ZERO
    if held * request.side.sign >= 0:
        return draft.qty
    closable = max(ZERO, abs(held) - claimed_qty(request.side, desk.resting))
    return max(ZERO, draft.qty - closable)


def _lost_at_once(
    draft: PaperDraft, desk: PaperDesk, price: Decimal, mark: Decimal, opening: Decimal
) -> Decimal:
    """Distance of the execution from the mark on the whole quantity and the fee of what it closes,
    less the margin that closing sets free; not below zero.
    """
    costs = desk.account.costs
    closing = draft.qty - opening
    lost = draft.qty * (price - mark) * draft.request.side.sign
    fee = closing * price * costs.commission_rate
    freed = ZERO
    if closing and desk.position is not None:
        cost = abs(desk.position.basis.cost or ZERO)
        share = divide(cost * closing, abs(desk.position.qty))
        freed = isolated_margin(share, draft.leverage)
    return max(ZERO, lost + fee - freed)


def _leverage(request: PaperOrderRequest, desk: PaperDesk, *, is_held: bool) -> int:
    if is_held and desk.trip is not None:
        _require_same(request, desk.trip.leverage)
    if request.reduce_only or request.is_close:
        return desk.trip.leverage if is_held and desk.trip is not None else 1
    asked = desk.trip.leverage if is_held and desk.trip is not None else request.leverage
    for resting in desk.resting:
        if resting.ticket.reduce_only:
            continue
        _require_same(replace(request, leverage=asked), resting.ticket.leverage)
        asked = resting.ticket.leverage
    return asked or desk.account.leverage_default


def _require_same(request: PaperOrderRequest, leverage: int) -> None:
    if request.leverage not in (None, leverage):
        fault = FieldFault("/leverage", "differs", f"opened with {leverage}")
        raise Invalid(
            "invalid_request",
            "Position and resting orders of a symbol keep the leverage they began with.",
            errors=(fault,),
        )


def _quote(side: Side, desk: PaperDesk) -> Quote:
    tick = desk.tick
    if tick is None:
        return Quote(None, None)
    touch = tick.ask if side is Side.BUY else tick.bid
    if tick.bid is None and tick.ask is None and tick.last is not None:
        touch = touch_from_last(side.sign, tick.last, HALF_SPREAD)
    return Quote(touch, tick.valuation)


def _priced(request: PaperOrderRequest, quote: Quote) -> PricedOrder:
    stop = request.stop_price
    if request.trail_fraction is not None and quote.mark is not None:
        stop = trail_level(request.side.sign, quote.mark, request.trail_fraction)
    return PricedOrder(request.side, request.type, request.limit_price, stop)


def _taker_price(
    order: PricedOrder, quote: Quote, desk: PaperDesk, tick_size: Decimal
) -> Decimal | None:
    """What it executes at now, slippage and rounding included; null while it would rest."""
    if quote.touch is None or not fills_at_once(order, quote):
        return None
    if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        return taker_price_to_tick(order.side, quote.touch, tick_size)
    return market_fill(order.side, quote.touch, desk.account.costs.slippage, tick_size)


def _loss_per_unit(
    request: PaperOrderRequest,
    order: PricedOrder,
    quote: Quote,
    desk: PaperDesk,
    tick_size: Decimal,
) -> Decimal | None:
    """R of the order at the worst price it is expected to fill at; null without price or stop."""
    entry = _entry_fill(order, quote, desk, tick_size)
    if entry is None or request.stop_loss is None:
        return None
    exit_side = Side.SELL if order.side is Side.BUY else Side.BUY
    stop = stop_plan(exit_side, request.stop_loss, desk.account.costs, tick_size)
    return stop.loss_per_unit(order.side, entry)


def _entry_fill(
    order: PricedOrder, quote: Quote, desk: PaperDesk, tick_size: Decimal
) -> Decimal | None:
    """Slippage and rounding included; never worse than a limit, and at it while it rests."""
    limit, at_once = order.limit_price, _taker_price(order, quote, desk, tick_size)
    if limit is not None:
        if at_once is None:
            return limit
        return min(at_once, limit) if order.side is Side.BUY else max(at_once, limit)
    expected = expected_price(order, quote)
    if expected is None:
        return None
    return market_fill(order.side, expected, desk.account.costs.slippage, tick_size)
