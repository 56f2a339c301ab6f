"""What the resting orders of a symbol hold, counted again whenever its market has moved on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from application.simulation.paper_desk import PaperDesk, live_position
from application.simulation.simulation_ids import SimulationIds
from application.simulation.valuation import value_run
from domain.portfolio.execution import News, OrderReport, ReportKind, ReportReason
from domain.portfolio.margin import MarginClaim, claimed_margins
from domain.portfolio.margin_fill import rehold_margin
from domain.portfolio.order import Order, OrderType
from domain.portfolio.order_price import PricedOrder, Quote, margin_price
from domain.portfolio.ticket import RestingOrder
from domain.shared.decimals import ZERO
from domain.shared.ids import Prefix


@dataclass(frozen=True, slots=True)
class _Claimed:
    order: Order
    price: Decimal | None
    held: Decimal

    @property
    def growth(self) -> Decimal:
        return self.held - (self.order.reserved or ZERO)


class CarryOrders:
    """An order against a position holds margin for what the position and earlier orders leave it
    to open. When that grows beyond what is available, the newest orders are cancelled.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = SimulationIds(ids)

    def __call__(self, desk: PaperDesk, work: UnitOfWork, *, is_traded: bool) -> list[News]:
        """Adjust every hold; the news of one cancelled order, empty when all are carried.

        After news of a cancellation is booked, call again.
        """
        claimed = _claimed(desk, work)
        grown = sum((c.growth for c in claimed), ZERO)
        if grown > 0 or (is_traded and any(c.held for c in claimed)):
            available = value_run(desk.run, desk.account, work).available
            if available is None or available < grown:
                last = next((c for c in reversed(claimed) if c.held > 0), None)
                if last is not None:
                    return _refused(desk, last.order)
        for claim in sorted(claimed, key=_growth):
            if claim.growth or claim.price != claim.order.reservation_price:
                self._rehold(claim, work)
        return []

    def _rehold(self, claim: _Claimed, work: UnitOfWork) -> None:
        book, order = work.simulation, claim.order
        position = book.positions.get(order.position_id)
        balances = book.ledger.balances(*position.holders)
        transfers = rehold_margin(
            order, claim.held, position, work.now, lambda: self._ids.new(Prefix.TRANSFER)
        )
        balances.apply(transfers, on_margin=True)
        book.orders.save(
            replace(
                order,
                reserved=claim.held,
                reservation_price=claim.price,
                updated_at=work.now,
                version=order.version + 1,
            )
        )
        book.ledger.post(transfers, balances)


def _claimed(desk: PaperDesk, work: UnitOfWork) -> list[_Claimed]:
    """Orders that may open something, in time priority, with what each must hold."""
    opening = [
        resting
        for resting in desk.market.open_orders(desk.instrument)
        if not resting.ticket.reduce_only and resting.open_qty > 0
    ]
    if not opening:
        return []
    position = live_position(desk.run, desk.instrument, work)
    orders = [work.simulation.orders.get(resting.ticket.order_id) for resting in opening]
    prices = [_price(resting, order) for resting, order in zip(opening, orders, strict=True)]
    claims = [
        MarginClaim(
            order.terms.side.sign * order.remaining_qty,
            price or ZERO,
            resting.ticket.leverage,
            order.terms.commission_rate,
        )
        for resting, order, price in zip(opening, orders, prices, strict=True)
    ]
    held = claimed_margins(ZERO if position is None else position.qty, claims)
    return [_Claimed(*parts) for parts in zip(orders, prices, held, strict=True)]


def _price(resting: RestingOrder, order: Order) -> Decimal | None:
    """The price it was submitted with, or that of its level once a trailing stop has risen."""
    ticket = resting.ticket
    if ticket.type is not OrderType.TRAILING_STOP or order.reservation_price is None:
        return order.reservation_price
    moved = PricedOrder(ticket.side, ticket.type, None, resting.stop_price)
    level = margin_price(moved, Quote(None, None), ticket.slippage)
    return order.reservation_price if level is None else max(level, order.reservation_price)


def _refused(desk: PaperDesk, order: Order) -> list[News]:
    news: Sequence[News] = desk.market.cancel(order.id, desk.at).news
    return [
        replace(item, reason=ReportReason.BUYING_POWER)
        if isinstance(item, OrderReport)
        and item.order_id == order.id
        and item.kind is ReportKind.CANCELLED
        else item
        for item in news
    ]


def _growth(claim: _Claimed) -> Decimal:
    return claim.growth
