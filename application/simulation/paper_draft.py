"""An order as it would be sent: entry price, leverage, size and the margin it needs."""

from dataclasses import replace
from decimal import Decimal

from application.simulation.paper_desk import PaperDesk
from application.simulation.paper_gate import PaperDraft, size_by_risk
from application.simulation.paper_instrument import PaperInstrument
from application.simulation.paper_request import (
    PaperOrderRequest,
)
from application.simulation.valuation import Valuation
from domain.portfolio.margin import margin_to_hold
from domain.portfolio.order import Origin
from domain.shared.decimals import ZERO
from domain.shared.errors import Conflict, FieldFault, Invalid
from domain.shared.side import Side


def require_first_signal(request: PaperOrderRequest, desk: PaperDesk) -> None:
    """A strategy does not add to what is held; Conflict `position_exists`."""
    held = ZERO if desk.position is None else desk.position.qty
    if request.origin is Origin.STRATEGY and held * request.side.sign > 0:
        raise Conflict("position_exists", f"{desk.instrument} is held already.")


def drafted(
    request: PaperOrderRequest, desk: PaperDesk, instrument: PaperInstrument, value: Valuation
) -> PaperDraft:
    held = ZERO if desk.position is None else desk.position.qty
    leverage = _leverage(request, desk, is_held=held != 0)
    entry = _entry(request, desk)
    draft = PaperDraft(request, instrument, request.qty or ZERO, entry, leverage, ZERO)
    if request.qty is None:
        draft = replace(draft, qty=size_by_risk(draft, desk, value))
    opening = draft.qty
    if request.reduce_only or request.is_close:
        opening = ZERO
    elif held * request.side.sign < 0:
        opening = max(ZERO, draft.qty - abs(held))
    rate = desk.account.costs.commission_rate
    needed = ZERO if entry is None else margin_to_hold(opening, entry, leverage, rate)
    return replace(draft, margin_needed=needed)


def _leverage(request: PaperOrderRequest, desk: PaperDesk, *, is_held: bool) -> int:
    if is_held and desk.trip is not None:
        if request.leverage not in (None, desk.trip.leverage):
            fault = FieldFault("/leverage", "differs", f"opened with {desk.trip.leverage}")
            raise Invalid(
                "invalid_request",
                "A position keeps the leverage it was opened with.",
                errors=(fault,),
            )
        return desk.trip.leverage
    return request.leverage or desk.account.leverage_default


def _entry(request: PaperOrderRequest, desk: PaperDesk) -> Decimal | None:
    """Price the figures use: limit, stop, else the touch, else what positions are valued at."""
    named = request.limit_price or request.stop_price
    if named is not None or desk.tick is None:
        return named
    touch = desk.tick.ask if request.side is Side.BUY else desk.tick.bid
    return touch or desk.tick.valuation
