"""Collects what the gate judges a paper order by, and sizes an order by the money it may lose."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from application.ports.unit_of_work import UnitOfWork
from application.simulation.paper_desk import PaperDesk
from application.simulation.paper_instrument import PaperInstrument
from application.simulation.paper_request import PaperOrderRequest
from application.simulation.valuation import Valuation
from domain.market.price_event import PRICE_STALE, price_problem
from domain.portfolio.ticket import RestingOrder
from domain.risk.margin_facts import MarginContext, MarginLimits, MarginOrder
from domain.risk.margin_gate import judge_margin
from domain.risk.sizing import SizeWish, SizingBook, SizingLimits, TradeRisk, position_size
from domain.risk.verdict import Verdict
from domain.shared.decimals import ONE, ZERO, divide
from domain.shared.errors import RuleRefused
from domain.shared.side import Side

# Caps of other accounts that this one does not have.
_NO_BOUND = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class PaperDraft:
    """An order as it would be sent. `entry` is the price it is expected to fill at, `margin_price`
    the worst its margin may have to carry; `needed_at_once` is margin, fees and losses of an order
    that does not rest. `loss_per_unit` is R, null without a price or a stop.
    """

    request: PaperOrderRequest
    instrument: PaperInstrument
    qty: Decimal
    entry: Decimal | None
    leverage: int
    margin_needed: Decimal = ZERO
    margin_price: Decimal | None = None
    needed_at_once: Decimal = ZERO
    loss_per_unit: Decimal | None = None


def judged(draft: PaperDraft, desk: PaperDesk, value: Valuation, work: UnitOfWork) -> Verdict:
    """Every check on the drafted order."""
    settings, request = desk.run.settings, draft.request
    held = ZERO if desk.position is None else desk.position.qty
    symbols = _open_symbols(desk, value, work)
    return judge_margin(
        MarginContext(
            order=MarginOrder(
                side=request.side,
                qty=draft.qty,
                entry=draft.entry,
                margin_needed=draft.margin_needed,
                stop_loss=request.stop_loss,
                take_profit=request.take_profit,
                reduce_only=request.reduce_only or request.is_close,
                limit_price=request.limit_price,
                stop_price=request.stop_price,
                needed_at_once=draft.needed_at_once,
                loss_per_unit=draft.loss_per_unit,
            ),
            position_qty=held,
            claimed_qty=claimed_qty(request.side, desk.resting),
            is_symbol_open=desk.instrument in symbols,
            open_symbols=len(symbols),
            available=value.available,
            equity=value.equity,
            lot_step=draft.instrument.lot_step,
            limits=MarginLimits(
                max_positions=settings.max_positions,
                risk_per_trade=settings.risk_per_trade,
                min_reward_risk=settings.min_reward_risk,
                require_stop_loss=settings.require_stop_loss,
            ),
            price_problem=_price_problem(desk, draft.instrument.tick_size),
            trading_state=desk.account.status.value,
            now=work.now,
            tick_size=draft.instrument.tick_size,
        )
    )


def claimed_qty(side: Side, resting: Sequence[RestingOrder]) -> Decimal:
    """What resting orders of the side may take of an opposite position before a new one does."""
    mine = (r for r in resting if r.ticket.side is side and not r.ticket.reduce_only)
    return sum((r.open_qty for r in mine), ZERO)


def _price_problem(desk: PaperDesk, tick_size: Decimal) -> str | None:
    """Why no order may be matched now. Once a replay has ended its last bar stays the newest, but
    no other will come: an order would rest for ever. A candle below one tick has a price no order
    could fill at.
    """
    problem = price_problem(desk.tick, desk.at, Decimal(desk.run.settings.price_age_max_s))
    worth = None if desk.tick is None else desk.tick.valuation
    if problem is None and worth is not None and worth < tick_size:
        return "price_below_tick"
    return PRICE_STALE if problem is None and desk.run.has_played_out else problem


def _open_symbols(desk: PaperDesk, value: Valuation, work: UnitOfWork) -> set[str]:
    """Instruments with a position or an order that would open one."""
    resting = work.simulation.tickets.resting(desk.run.id)
    opening = {r.ticket.instrument for r in resting if not r.ticket.reduce_only}
    return opening | {holding.position.instrument for holding in value.holdings}


def size_by_risk(draft: PaperDraft, desk: PaperDesk, value: Valuation) -> Decimal:
    """Quantity that loses `risk_fraction` of equity when the stop fills, by the R the gate uses,
    floored to the step; leverage never enters it, the margin at hand caps it.

    RuleRefused `below_minimum` when less than one step is left. Zero without a price: the gate
    refuses the order then.
    """
    request, entry, margin_price = draft.request, draft.entry, draft.margin_price
    if entry is None or margin_price is None or value.available is None:
        return ZERO
    if value.equity is None or value.equity <= 0:
        return ZERO
    assert request.stop_loss is not None
    assert request.risk_fraction is not None
    assert draft.loss_per_unit is not None
    # A short is the mirror image of the long whose stop lies as far away.
    stop = entry - (entry - request.stop_loss) * request.side.sign
    rate = desk.account.costs.commission_rate
    per_unit_cost = draft.loss_per_unit - (entry - stop)
    unit_margin = divide(margin_price, Decimal(draft.leverage)) + margin_price * rate
    affordable = max(ZERO, divide(value.available, unit_margin))
    size = position_size(
        TradeRisk(entry, stop, per_unit_cost, rate),
        SizeWish(requested=_NO_BOUND, lot_step=draft.instrument.lot_step),
        SizingLimits(
            risk_per_trade=min(request.risk_fraction, desk.run.settings.risk_per_trade),
            max_position_size=_NO_BOUND,
            position_concentration_limit=_NO_BOUND,
            max_correlation_exposure=_NO_BOUND,
            max_drawdown=None,
        ),
        SizingBook(equity=value.equity, available_cash=affordable * entry * (ONE + rate)),
    )
    if size.quantity <= 0:
        raise RuleRefused(
            "below_minimum",
            "The risk pays for less than one step of quantity.",
            context={"caps": {cap.name.value: cap.quantity for cap in size.caps}},
        )
    return size.quantity
