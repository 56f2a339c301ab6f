"""Automatic runs of balancing plans: what is worth a row, what an event, and what is submitted.

A plan is evaluated every minute, and most minutes say what the minute before said. Therefore:

- a row is stored when the answer (action, reason code) or the price it saw differs from the
  position's last automatic evaluation: a price that stays stale leaves one row, not one a minute;
- events are appended when the answer differs; a proposal that stands is announced again when the
  announced one has expired (15 minutes, or the close);
- an order the gate refused is tried again when the answer differs, or after 15 minutes.

In mode auto the evaluation, its order and all events are one transaction, so a run that broke off
is repeated without doubling: its order is there, and blocks the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from application.portfolio.evaluate_position import (
    Evaluated,
    EvaluatePosition,
    EvaluationRequest,
    evaluation_events,
    stored,
)
from application.portfolio.order_request import OrderRequest
from application.portfolio.submit_order import SubmitOrder, Submitted
from application.ports.repositories import StoredEvaluation
from application.ports.unit_of_work import UnitOfWork
from domain.plans.balancing_plan import PlanMode
from domain.plans.evaluation import PROPOSAL_LIFETIME, with_order
from domain.plans.evaluation_row import Evaluation, EvaluationMode, OrderFacts
from domain.plans.plan import DecisionAction, PriceView
from domain.portfolio.account import AccountMode
from domain.portfolio.order import Origin
from domain.portfolio.position import Position
from domain.shared.errors import Conflict, RuleRefused
from domain.shared.ids import Prefix
from domain.shared.instants import from_rfc3339

TRADES = (DecisionAction.BUY, DecisionAction.SELL)
ORDER_IN_FLIGHT = "automatic_order_in_flight"


@dataclass(frozen=True, slots=True)
class LastRun:
    """What the last automatic evaluation of a position said.

    `silent_until` is when a standing proposal is announced again; `retry_at` when an order that
    was refused may be tried again.
    """

    action: DecisionAction
    reason_code: str
    price: Decimal | None
    priced_at: datetime | None
    silent_until: datetime | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlanRun:
    """One automatic evaluation, and what is to come of it. `refusal` is why no order was made."""

    evaluated: Evaluated
    said: LastRun
    is_row: bool
    is_event: bool
    wants_order: bool
    submitted: Submitted | None = None
    refusal: str | None = None

    @property
    def position_id(self) -> str:
        """Position that was evaluated."""
        return self.evaluated.position.id


class RunPlans:
    """`look` decides in a query; `record` and `submit` write in commands of the owner."""

    def __init__(self, evaluate: EvaluatePosition, submit: SubmitOrder) -> None:
        self._evaluate = evaluate
        self._submit = submit

    def look(
        self,
        position: Position,
        last: LastRun | None,
        work: UnitOfWork,
        observed: PriceView | None = None,
    ) -> PlanRun:
        """Evaluate with the rules of automatic runs; nothing is written."""
        account = work.accounts.get(position.account_id)
        is_live = account.mode is AccountMode.LIVE
        request = EvaluationRequest(
            is_automatic=True,
            mode=EvaluationMode.LIVE if is_live else EvaluationMode.PAPER,
            observed=observed,
        )
        if last is None:
            last = remembered(work.evaluations.last_automatic(position.id))
        return judged(self._evaluate.look(position, request, work), last)

    def record(self, runs: Sequence[PlanRun], work: UnitOfWork) -> None:
        """Store the rows and append the events that are worth it."""
        for run in runs:
            position, evaluation = run.evaluated.position, run.evaluated.evaluation
            if run.is_row:
                work.evaluations.add(stored(position, evaluation))
            if run.is_event:
                work.events.append(evaluation_events(position, evaluation, work.now))

    def submit(self, position_id: str, last: LastRun | None, work: UnitOfWork) -> PlanRun:
        """Evaluate anew and submit what the plan wants, in this transaction.

        A business no (halted account, closed or paused position, an order in flight) leaves the
        evaluation without an order; a refusal by the gate is stored as a rejected order.
        """
        run = self.look(work.positions.get(position_id), last, work)
        if not run.wants_order:
            self.record([run], work)
            return run
        run = replace(run, is_row=True)
        self.record([run], work)
        try:
            with work.savepoint():
                submitted = self._submit(position_id, _order(run.evaluated), work)
        except (RuleRefused, Conflict) as no:
            return _refused(run, no.code, work.now)
        facts = OrderFacts(submitted.order.id, submitted.order.status.value)
        evaluation = with_order(run.evaluated.evaluation, facts)
        work.evaluations.save_outcome(stored(run.evaluated.position, evaluation))
        run = replace(
            run, evaluated=replace(run.evaluated, evaluation=evaluation), submitted=submitted
        )
        return run if submitted.accepted else _refused(run, "risk_rejected", work.now)


def judged(evaluated: Evaluated, last: LastRun | None) -> PlanRun:
    """What comes of an evaluation after what was said before it."""
    evaluation = evaluated.evaluation
    now, price = evaluation.market.now, evaluation.market.price
    action = evaluation.action.action
    said = LastRun(
        action=action,
        reason_code=evaluation.action.reason_code.value,
        price=price.value if price else None,
        priced_at=price.as_of if price else None,
    )
    is_same = last is not None and (last.action, last.reason_code) == (action, said.reason_code)
    saw_same = last is not None and (last.price, last.priced_at) == (said.price, said.priced_at)
    if last is not None and is_same:
        said = replace(said, silent_until=last.silent_until, retry_at=last.retry_at)
    is_due = said.silent_until is None or now >= said.silent_until
    is_event = not is_same or (action in TRADES and is_due)
    if is_event and evaluation.proposals:
        said = replace(said, silent_until=evaluation.proposals[0].expires_at)
    may_retry = said.retry_at is None or now >= said.retry_at
    return PlanRun(
        evaluated,
        said,
        is_row=is_event or not saw_same,
        is_event=is_event,
        wants_order=action in TRADES and _is_auto(evaluation) and may_retry,
    )


def remembered(row: StoredEvaluation | None) -> LastRun | None:
    """The last run as its row tells it, after a restart."""
    if row is None:
        return None
    price: Mapping[str, Any] | None = row.document["market"]["price"]
    priced_at = None if price is None else price["as_of"]
    return LastRun(
        action=DecisionAction(row.action),
        reason_code=row.document["action"]["reason_code"],
        price=None if price is None else Decimal(price["value"]),
        priced_at=None if priced_at is None else from_rfc3339(priced_at),
        silent_until=row.expires_at,
    )


def client_order_id(position_id: str, evaluation_id: str) -> str:
    """The one id that an order of this evaluation of this position can have."""
    digest = sha256(f"{position_id} {evaluation_id}".encode()).hexdigest()
    return f"{Prefix.CLIENT_ORDER.value}_{digest[:32]}"


def _is_auto(evaluation: Evaluation) -> bool:
    return evaluation.plan is not None and evaluation.plan.mode is PlanMode.AUTO


def _order(evaluated: Evaluated) -> OrderRequest:
    proposal = evaluated.evaluation.proposals[0]
    price = evaluated.evaluation.market.price
    return OrderRequest(
        side=proposal.side,
        qty=proposal.qty,
        origin=Origin.PLAN,
        evaluation_id=evaluated.id,
        declared_price=price.value if price else None,
        client_order_id=client_order_id(evaluated.position.id, evaluated.id),
    )


def _refused(run: PlanRun, code: str, now: datetime) -> PlanRun:
    return replace(run, refusal=code, said=replace(run.said, retry_at=now + PROPOSAL_LIFETIME))
