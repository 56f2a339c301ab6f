"""Evaluate and submit in one transaction: what the plan proposes becomes an order, or a HOLD."""

from dataclasses import dataclass, replace

from application.portfolio.evaluate_position import (
    Evaluated,
    EvaluatePosition,
    EvaluationRequest,
    stored,
)
from application.portfolio.submit_order import OrderRequest, SubmitOrder, Submitted
from application.ports.unit_of_work import UnitOfWork
from domain.plans.evaluation import with_order
from domain.plans.evaluation_row import OrderFacts
from domain.portfolio.order import Origin


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """The evaluation, and the order when it led to one."""

    evaluated: Evaluated
    submitted: Submitted | None


class Rebalance:
    """Submits the valid proposal of an evaluation; without one nothing is sent."""

    def __init__(self, evaluate: EvaluatePosition, submit: SubmitOrder) -> None:
        self._evaluate = evaluate
        self._submit = submit

    def __call__(
        self, position_id: str, request: EvaluationRequest, work: UnitOfWork
    ) -> Rebalanced:
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
