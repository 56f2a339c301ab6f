"""From orders on paper, and those that wait, to answers."""

from collections.abc import Sequence
from datetime import datetime

from app.api.idempotency import Presented
from app.api.portfolio.present import order_document
from app.api.problems import Problem
from app.api.simulation import order_schemas as o
from application.ports.simulation import StoredTicket
from application.ports.unit_of_work import UnitOfWork
from application.simulation.confirmations import Answered
from application.simulation.submit_paper_order import PaperSubmitted
from domain.portfolio.confirmation import ConfirmationRequest
from domain.portfolio.order import Order


def order_documents(orders: Sequence[Order], work: UnitOfWork) -> list[dict[str, object]]:
    """Orders with what the paper venue knows of them, in the shape of `PaperOrderOut`."""
    tickets = work.simulation.tickets.of_orders([order.id for order in orders])
    account_id = work.accounts.simulation().id
    return [_order_document(order, tickets.get(order.id), account_id) for order in orders]


def _order_document(
    order: Order, stored: StoredTicket | None, account_id: str
) -> dict[str, object]:
    resting = None if stored is None else stored.resting
    ticket = None if resting is None else resting.ticket
    is_resting = stored is not None and stored.ended_at is None
    return {
        **order_document(order),
        "remaining_qty": resting.open_qty if resting and is_resting else order.remaining_qty,
        "account_id": account_id,
        "run_id": order.account_id,
        "order_id": order.id,
        "accepted": order.rejected_by is None,
        "leverage": 1 if ticket is None else ticket.leverage,
        "trail_fraction": None if ticket is None else ticket.trail_fraction,
        "stop_level": None if resting is None else resting.stop_price,
        "is_triggered": False if resting is None else resting.is_triggered,
        "group_id": None if ticket is None else ticket.group_id,
        "parent_id": None if ticket is None else ticket.parent_id,
        "children": [],
    }


def submitted(request_id: str, result: PaperSubmitted, document: dict[str, object]) -> Presented:
    """201 with the order, or 422 with every check."""
    order, verdict = result.order, result.verdict
    if result.accepted:
        return Presented(201, document)
    detail = verdict.sentence()
    if order.rejected_by == "venue":
        detail = f"The paper venue refused the order: {order.reason}."
    return Presented(
        422,
        Problem(
            type="/docs/errors#risk_rejected",
            title="Order refused by risk",
            status=422,
            detail=detail,
            code="risk_rejected",
            instance=request_id,
            retryable=False,
            errors=[],
            context={
                "order_id": order.id,
                "allowed": False,
                "reason": order.reason,
                "adjusted_quantity": verdict.adjusted_quantity,
                "trading_state": verdict.trading_state,
                "checks": order.checks,
            },
        ),
    )


def documented(done: PaperSubmitted, work: UnitOfWork) -> tuple[PaperSubmitted, dict[str, object]]:
    """The order as it is answered, with its protective orders."""
    document = order_documents([done.order], work)[0]
    return done, {**document, "children": [child.id for child in done.children]}


def confirmation_out(waiting: ConfirmationRequest, now: datetime) -> o.ConfirmationOut:
    """A waiting order, or what became of it."""
    return o.ConfirmationOut(
        id=waiting.id,
        status=waiting.status_at(now).value,
        run_id=waiting.run_id,
        symbol=waiting.instrument,
        request=dict(waiting.request),
        reference_price=waiting.reference_price,
        created_at=waiting.created_at,
        expires_at=waiting.expires_at,
        decided_at=waiting.decided_at,
        order_id=waiting.order_id,
        reason=waiting.reason,
    )


def answered(request_id: str, done: Answered, work: UnitOfWork, status: int) -> Presented:
    """The request after an answer; a refusal by the gate is 422 with every check."""
    if done.submitted is not None and not done.submitted.accepted:
        return submitted(request_id, *documented(done.submitted, work))
    assert done.confirmation is not None
    return Presented(status, confirmation_out(done.confirmation, work.now))
