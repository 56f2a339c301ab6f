"""Orders that wait for a person before they are submitted on paper."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal

from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from application.simulation.paper_request import PaperOrderRequest
from application.simulation.recording import run_event
from application.simulation.simulation_ids import SimulationIds
from application.simulation.submit_paper_order import PaperSubmitted, SubmitPaperOrder
from domain.portfolio.confirmation import (
    PENDING_MAX,
    TTL,
    ConfirmationRequest,
    ConfirmationStatus,
)
from domain.portfolio.order import OrderType, Origin, TimeInForce
from domain.shared.errors import TooMany
from domain.shared.ids import Prefix
from domain.shared.instants import from_rfc3339, rfc3339
from domain.shared.side import Side

_DECIMALS = (
    "qty", "risk_fraction", "limit_price", "stop_price", "stop_loss", "take_profit",
    "trail_fraction",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answered:
    """The request after the answer; `submitted` when it became an order, accepted or refused."""

    confirmation: ConfirmationRequest | None
    submitted: PaperSubmitted | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """Terms to change; None leaves them."""

    qty: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


def waits_for_a_person(request: PaperOrderRequest, work: UnitOfWork) -> bool:
    """Orders of strategies wait unless the setting is off; a person's own never do."""
    if request.origin is not Origin.STRATEGY:
        return False
    return work.settings.read().order_confirmation_required


class Confirmer:
    """Queues, confirms, rejects, modifies and extends.

    TooMany `confirmation_queue_full`; NotFound `confirmation_not_found`; Gone
    `confirmation_expired`; Conflict `confirmation_decided`, `price_drifted`,
    `simulation_stopped`. A refusal by the gate is an answer.
    """

    def __init__(self, ids: Ids, submit: SubmitPaperOrder) -> None:
        self._ids = SimulationIds(ids)
        self._submit = submit

    def queue(self, request: PaperOrderRequest, work: UnitOfWork) -> Answered:
        """Judge the order now; let it wait when the gate has nothing against it."""
        self.expire(work)
        if len(work.simulation.confirmations.pending()) >= PENDING_MAX:
            raise TooMany(
                "confirmation_queue_full",
                f"{PENDING_MAX} orders wait for confirmation; none is dropped for another.",
                retry_after_s=30,
            )
        prepared = self._submit.prepare(request, work)
        if not prepared.verdict.allowed or prepared.draft.entry is None:
            refused = self._submit.commit(prepared, work)
            return Answered(None, refused)
        confirmation = ConfirmationRequest(
            id=self._ids.new(Prefix.CONFIRMATION),
            owner_id=work.context.owner_id,
            run_id=prepared.desk.run.id,
            instrument=prepared.desk.instrument,
            request=document_of(request),
            reference_price=prepared.price,
            created_at=work.now,
            expires_at=work.now + TTL,
        )
        work.simulation.confirmations.put(confirmation)
        _tell("confirmation_requested", confirmation, work, "An order waits for confirmation.")
        return Answered(confirmation)

    def confirm(self, confirmation_id: str, work: UnitOfWork) -> Answered:
        """Submit it, if the price is still near and the whole gate still agrees."""
        waiting = self._pending(confirmation_id, work)
        prepared = self._submit.prepare(request_of(waiting), work)
        if prepared.draft.entry is not None:
            waiting.require_near(prepared.price)
        submitted = self._submit.commit(prepared, work)
        status = ConfirmationStatus.CONFIRMED
        if not submitted.accepted:
            status = ConfirmationStatus.REJECTED
        done = waiting.decided(
            status, work.now, reason=submitted.order.reason, order_id=submitted.order.id
        )
        return Answered(self._kept(done, work), submitted)

    def reject(self, confirmation_id: str, reason: str, work: UnitOfWork) -> Answered:
        """Say no."""
        waiting = self._pending(confirmation_id, work)
        done = waiting.decided(ConfirmationStatus.REJECTED, work.now, reason=reason)
        return Answered(self._kept(done, work))

    def modify(self, confirmation_id: str, changes: Changes, work: UnitOfWork) -> Answered:
        """Change its terms; all checks run again, and a refusal leaves it as it was."""
        waiting = self._pending(confirmation_id, work)
        given = {name: value for name, value in asdict(changes).items() if value is not None}
        changed = replace(request_of(waiting), **given)
        if "qty" in given:
            changed = replace(changed, risk_fraction=None)
        prepared = self._submit.prepare(changed, work)
        if not prepared.verdict.allowed or prepared.draft.entry is None:
            return Answered(waiting, self._submit.commit(prepared, work))
        modified = replace(
            waiting,
            request=document_of(changed),
            reference_price=prepared.price,
            version=waiting.version + 1,
        )
        work.simulation.confirmations.put(modified)
        _tell("confirmation_modified", modified, work, "The waiting order was changed.")
        return Answered(modified)

    def extend(self, confirmation_id: str, work: UnitOfWork) -> Answered:
        """Let it wait for the whole time again."""
        extended = self._pending(confirmation_id, work).extended(work.now)
        work.simulation.confirmations.put(extended)
        return Answered(extended)

    def expire(self, work: UnitOfWork) -> int:
        """Reject what waited too long; how many."""
        over = [c for c in work.simulation.confirmations.pending() if work.now >= c.expires_at]
        for confirmation in over:
            ended = confirmation.decided(
                ConfirmationStatus.EXPIRED, work.now, reason="confirmation_expired"
            )
            self._kept(ended, work)
        return len(over)

    def _pending(self, confirmation_id: str, work: UnitOfWork) -> ConfirmationRequest:
        confirmation = work.simulation.confirmations.get(confirmation_id)
        confirmation.require_pending(work.now)
        return confirmation

    def _kept(self, done: ConfirmationRequest, work: UnitOfWork) -> ConfirmationRequest:
        work.simulation.confirmations.put(done)
        _tell(_KINDS[done.status], done, work, f"The order was {done.status.value}.")
        return done


_KINDS = {
    ConfirmationStatus.CONFIRMED: "confirmation_confirmed",
    ConfirmationStatus.REJECTED: "confirmation_rejected",
    ConfirmationStatus.EXPIRED: "confirmation_expired",
}


def _tell(kind: str, confirmation: ConfirmationRequest, work: UnitOfWork, message: str) -> None:
    run_event(
        kind,
        work.simulation.runs.get(confirmation.run_id),
        work,
        message,
        inputs={"confirmation_id": confirmation.id, "request": dict(confirmation.request)},
        outputs={"order_id": confirmation.order_id, "reason": confirmation.reason},
    )


def waiting(work: UnitOfWork) -> Sequence[ConfirmationRequest]:
    """What still can be answered."""
    pending = work.simulation.confirmations.pending()
    return [c for c in pending if c.status_at(work.now) is ConfirmationStatus.PENDING]


def document_of(request: PaperOrderRequest) -> dict[str, object]:
    """The request as it is stored and shown."""
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in asdict(request).items()
    }


def request_of(confirmation: ConfirmationRequest) -> PaperOrderRequest:
    """Inverse of `document_of`."""
    made = dict(confirmation.request)
    for name in _DECIMALS:
        made[name] = None if made[name] is None else Decimal(str(made[name]))
    made["side"] = Side(str(made["side"]))
    made["type"] = OrderType(str(made["type"]))
    made["time_in_force"] = TimeInForce(str(made["time_in_force"]))
    made["origin"] = Origin(str(made["origin"]))
    if made["good_till"] is not None:
        made["good_till"] = from_rfc3339(str(made["good_till"]))
    return PaperOrderRequest(**made)  # type: ignore[arg-type]
