"""Evaluate and submit in one transaction: what the plan proposes becomes an order, or a HOLD."""

from dataclasses import dataclass, replace

from application.portfolio.evaluate_position import (
    Evaluated,
    EvaluatePosition,
    EvaluationRequest,
    stored,
)
from application.portfolio.order_request import OrderRequest
from application.portfolio.submit_order import SubmitOrder, Submitted
from application.ports.unit_of_work import UnitOfWork
from domain.plans.evaluation import with_order
from domain.plans.evaluation_row import OrderFacts
from domain.portfolio.order import Origin
from domain.portfolio.position import PositionStatus
from domain.shared.errors import Conflict, FieldFault, Invalid


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """The evaluation, and the order when it led to one."""

    evaluated: Evaluated
    submitted: Submitted | None


class Rebalance:
    """Submits the valid proposal of an evaluation; without one nothing is sent.

    Conflict `position_closed`; Invalid for an `as_of`: an order is made now, at a price of now.
    """

    def __init__(self, evaluate: EvaluatePosition, submit: SubmitOrder) -> None:
        self._evaluate = evaluate
        self._submit = submit

    def __call__(
        self, position_id: str, request: EvaluationRequest, work: UnitOfWork
    ) -> Rebalanced:
        if request.as_of is not None:
            fault = FieldFault("/as_of", "not_used", "an order is made now, not in the past")
            raise Invalid("invalid_request", "A rebalance has no as_of.", errors=(fault,))
        if work.positions.get(position_id).status is PositionStatus.CLOSED:
            raise Conflict("position_closed", f"Position {position_id} is closed.")
        evaluated = self._evaluate(position_id, request, work)
        proposals = evaluated.evaluation.proposals
        price = evaluated.evaluation.market.price
        if not proposals or not proposals[0].valid or price is None:
            return Rebalanced(evaluated, None)
        wanted = OrderRequest(
            side=proposals[0].side,
            qty=proposals[0].qty,
            origin=Origin.PLAN,
            evaluation_id=evaluated.id,
            declared_price=price.value,
        )
        submitted = self._submit(position_id, wanted, work)
        facts = OrderFacts(submitted.order.id, submitted.order.status.value)
        evaluation = with_order(evaluated.evaluation, facts)
        work.evaluations.save_outcome(stored(evaluated.position, evaluation))
        return Rebalanced(replace(evaluated, evaluation=evaluation), submitted)
