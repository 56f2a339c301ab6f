"""Collects what the gate judges a paper order by, and sizes an order by the money it may lose."""

from dataclasses import dataclass
from decimal import Decimal

from application.ports.unit_of_work import UnitOfWork
from application.simulation.paper_desk import PaperDesk
from application.simulation.paper_instrument import PaperInstrument
from application.simulation.paper_request import PaperOrderRequest
from application.simulation.valuation import Valuation
from domain.market.price_event import price_problem
from domain.risk.margin_gate import MarginContext, MarginLimits, MarginOrder, judge_margin
from domain.risk.verdict import Verdict
from domain.shared.decimals import ZERO


@dataclass(frozen=True, slots=True)
class PaperDraft:
    """An order as it would be sent; `entry` is the price its figures use."""

    request: PaperOrderRequest
    instrument: PaperInstrument
    qty: Decimal
    entry: Decimal | None
    leverage: int
    margin_needed: Decimal


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
            ),
            position_qty=held,
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
            price_problem=price_problem(desk.tick, desk.at, Decimal(settings.price_age_max_s)),
            trading_state=desk.account.status.value,
            now=work.now,
        )
    )


def _open_symbols(desk: PaperDesk, value: Valuation, work: UnitOfWork) -> set[str]:
    """Instruments with a position or an order that would open one."""
    resting = work.simulation.tickets.resting(desk.run.id)
    opening = {r.ticket.instrument for r in resting if not r.ticket.reduce_only}
    return opening | {holding.position.instrument for holding in value.holdings}
