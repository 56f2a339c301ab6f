"""What the book says of a trade, as its figures are computed from."""

from decimal import Decimal

from application.portfolio.views import told_price
from domain.plans.trade_figures import TradeState
from domain.portfolio.position import Position
from domain.shared.decimals import cash, divide


def net_state(position: Position) -> TradeState:
    """Quantity, realised money after the fees of what was sold, newest price."""
    plan, basis = position.exit_plan, position.basis
    assert plan is not None
    realized = basis.realized_pnl - basis.fees_paid
    if position.qty and plan.initial_qty:
        realized += cash(plan.entry_fee * divide(position.qty, plan.initial_qty))
    return TradeState(position.qty, realized, last_price(position))


def last_price(position: Position) -> Decimal | None:
    """The newest price a bar or an execution gave."""
    told = told_price(position)
    return None if told is None else told[0]
