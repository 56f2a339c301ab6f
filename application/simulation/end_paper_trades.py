"""Cancel an order on paper; close a position, or a part of it, at the market."""

from dataclasses import dataclass
from decimal import Decimal

from application.ports.unit_of_work import UnitOfWork
from application.simulation.book_news import BookNews
from application.simulation.paper_desk import OpenDesk, live_position
from application.simulation.paper_instrument import paper_instrument
from application.simulation.paper_request import PaperOrderRequest
from application.simulation.submit_paper_order import PaperSubmitted, SubmitPaperOrder
from domain.portfolio.order import Order
from domain.shared.decimals import ONE, quantity_to_step
from domain.shared.errors import NotFound, RuleRefused
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class PaperCancelled:
    """The order after the request; `cancelled` is false when it had already ended."""

    order: Order
    cancelled: bool


class CancelPaperOrder:
    """NotFound `order_not_found`. Allowed while the run is stopped: it needs no price."""

    def __init__(self, open_desk: OpenDesk, book_news: BookNews) -> None:
        self._open_desk = open_desk
        self._book = book_news

    def __call__(self, order_id: str, work: UnitOfWork) -> PaperCancelled:
        book = work.simulation
        order = book.orders.get(order_id)
        run = book.runs.current()
        if order.status.is_terminal or order.account_id != run.id:
            return PaperCancelled(order, cancelled=False)
        desk = self._open_desk(run, work.accounts.simulation(), order.instrument, work)
        self._book(desk.market.cancel(order_id, desk.at).news, desk, work)
        ended = book.orders.get(order_id)
        return PaperCancelled(ended, cancelled=ended.status.is_terminal)


class ClosePaperPosition:
    """NotFound `position_not_found` when flat; RuleRefused `below_minimum` for less than a step."""

    def __init__(self, submit: SubmitPaperOrder) -> None:
        self._submit = submit

    def __call__(self, symbol: str, share: Decimal, work: UnitOfWork) -> PaperSubmitted:
        run = work.simulation.runs.current()
        instrument = paper_instrument(symbol, work)
        position = live_position(run, instrument.id, work)
        if position is None or position.qty == 0:
            raise NotFound("position_not_found", f"Nothing is held in {instrument.id}.")
        held = abs(position.qty)
        qty = held if share == ONE else quantity_to_step(held * share, instrument.lot_step)
        if qty <= 0:
            raise RuleRefused("below_minimum", "This fraction is less than the smallest quantity.")
        side = Side.SELL if position.qty > 0 else Side.BUY
        return self._submit(
            PaperOrderRequest(symbol=instrument.id, side=side, qty=qty, is_close=True), work
        )
