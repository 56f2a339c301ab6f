"""Close a position, or a fraction of it: a selling order with intent `close`."""

from dataclasses import dataclass
from decimal import Decimal

from application.portfolio.order_request import OrderRequest
from application.portfolio.submit_order import SubmitOrder, Submitted
from application.ports.unit_of_work import UnitOfWork
from application.risk.gate_facts import lot_step_of
from domain.portfolio.order import OrderType
from domain.portfolio.position import PositionStatus
from domain.shared.decimals import ONE, quantity_to_step
from domain.shared.errors import Conflict, Invalid
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class CloseRequest:
    """`fraction` of the quantity held, 1 = all; a price makes the order a limit order."""

    fraction: Decimal = ONE
    price: Decimal | None = None


class ClosePosition:
    """Conflict `position_closed`, and `position_flat` when there is nothing to close; Invalid
    `below_minimum` below a step.
    """

    def __init__(self, submit: SubmitOrder) -> None:
        self._submit = submit

    def __call__(self, position_id: str, request: CloseRequest, work: UnitOfWork) -> Submitted:
        position = work.positions.get(position_id)
        if position.status is PositionStatus.CLOSED:
            raise Conflict("position_closed", f"Position {position_id} is closed.")
        if position.qty == 0:
            raise Conflict("position_flat", "The position holds nothing to close.")
        whole = request.fraction == ONE
        qty = (
            position.qty
            if whole
            else quantity_to_step(
                position.qty * request.fraction, lot_step_of(position.instrument, work)
            )
        )
        if qty == 0:
            raise Invalid("below_minimum", "This fraction is less than the smallest quantity.")
        order = OrderRequest(
            side=Side.SELL,
            qty=qty,
            type=OrderType.MARKET if request.price is None else OrderType.LIMIT,
            limit_price=request.price,
            is_close=True,
        )
        return self._submit(position_id, order, work)
