"""Submit an order: gate, reservation, order and events in one transaction; refusals are
stored too.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from application.portfolio.order_request import (
    OrderRequest,
    order_terms,
    require_order_prices,
    require_time_left,
)
from application.portfolio.recording import (
    Claims,
    position_event,
    require_sound_reservations,
    transfer_ids,
)
from application.ports.ids import Ids
from application.ports.repositories import StoredEvaluation
from application.ports.unit_of_work import UnitOfWork
from application.risk.gate_facts import gate_context, reference_of
from domain.plans.evaluation import is_proposal_stale
from domain.portfolio.account import TradingState
from domain.portfolio.apply_fill import hold_reservation
from domain.portfolio.lifecycle import OrderFact, OrderStatus, next_status
from domain.portfolio.order import Order, OrderTerms
from domain.portfolio.position import Position, PositionStatus
from domain.portfolio.reservation import Reservation, reserve
from domain.risk.context import GateContext
from domain.risk.gate import judge
from domain.risk.verdict import Verdict
from domain.shared.decimals import ZERO, plain
from domain.shared.errors import AccountHalted, Conflict, NotFound
from domain.shared.ids import Prefix
from domain.shared.instants import rfc3339
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class Submitted:
    """The stored order, the verdict on it, and what was reserved."""

    order: Order
    verdict: Verdict
    reservation: Reservation

    @property
    def accepted(self) -> bool:
        """False when the gate refused; the refused order is stored and readable all the same."""
        return self.order.status is not OrderStatus.REJECTED


class SubmitOrder:
    """Raises Conflict `position_closed` or `position_paused`; a refusal by the gate is an
    answer.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def __call__(self, position_id: str, request: OrderRequest, work: UnitOfWork) -> Submitted:
        require_order_prices(request)
        require_time_left(request, work.now)
        position = work.positions.get(position_id)
        account = work.accounts.get(position.account_id)
        _require_fresh_proposal(position, request, work)
        terms = order_terms(position, account, request)
        reference = reference_of(position, terms, request.declared_price)
        reservation = reserve(terms, reference.value)
        draft = self._draft(position, terms, reservation, request, work)
        open_orders = work.orders.claims_of(position.id)
        context = gate_context(
            position,
            account,
            draft,
            reference,
            open_orders,
            work,
            confirm_duplicate=request.confirm_duplicate,
            is_id_given=request.client_order_id is not None,
        )
        if request.trade is not None:
            context = replace(context, trade=request.trade)
        _require_open(position, context)
        if account.status is TradingState.HALTED and not context.is_reducing:
            raise AccountHalted("account_halted", f"Account {account.name} is halted.")
        verdict = judge(context)
        if context.counters.client_order_id_exists:
            # The refusal is stored too, and an id names one order for ever.
            draft = replace(draft, client_order_id=self._ids.new(Prefix.CLIENT_ORDER))
        if not verdict.allowed:
            return self._refused(position, draft, verdict, work)
        claims = Claims.of(open_orders)
        return self._accepted(position, draft, verdict, reservation, claims, work)

    def _draft(
        self,
        position: Position,
        terms: OrderTerms,
        reservation: Reservation,
        request: OrderRequest,
        work: UnitOfWork,
    ) -> Order:
        return Order(
            id=self._ids.new(Prefix.ORDER),
            client_order_id=request.client_order_id or self._ids.new(Prefix.CLIENT_ORDER),
            owner_id=position.owner_id,
            account_id=position.account_id,
            position_id=position.id,
            instrument=position.instrument,
            venue=position.venue,
            terms=terms,
            status=OrderStatus.PENDING_SUBMIT,
            created_at=work.now,
            updated_at=work.now,
            reserved=reservation.amount,
            reservation_price=reservation.price,
            evaluation_id=request.evaluation_id or request.proposal_id,
        )

    def _refused(
        self, position: Position, draft: Order, verdict: Verdict, work: UnitOfWork
    ) -> Submitted:
        order = replace(
            draft,
            status=next_status(draft.status, OrderFact.REFUSED),
            checks=verdict.checks,
            reason=verdict.refusals[0].code,
            rejected_by="gate",
            reserved=None,
        )
        work.orders.add(order)
        work.events.append(
            [
                position_event(
                    "order_refused",
                    position,
                    work.now,
                    verdict.sentence(),
                    inputs=_inputs(order),
                    outputs={"order_id": order.id, "failed": [f.code for f in verdict.refusals]},
                )
            ]
        )
        return Submitted(order, verdict, Reservation(None, None, "refused"))

    def _accepted(
        self,
        position: Position,
        draft: Order,
        verdict: Verdict,
        reservation: Reservation,
        claims: Claims,
        work: UnitOfWork,
    ) -> Submitted:
        balances = work.ledger.balances(*position.holders)
        transfers = hold_reservation(draft, position, work.now, transfer_ids(self._ids))
        balances.apply(transfers)
        # The manual venue accepts by itself: nothing is sent, a person reports what was executed.
        claimed = next_status(draft.status, OrderFact.CLAIMED)
        order = replace(
            draft, status=next_status(claimed, OrderFact.ACCEPTED), checks=verdict.checks
        )
        work.orders.add(order)
        work.ledger.post(transfers, balances)
        terms = order.terms
        held = order.reserved or ZERO
        buys = terms.side is Side.BUY
        claims = replace(claims, cash=claims.cash + held * buys, qty=claims.qty + held * (not buys))
        require_sound_reservations(position, claims, balances)
        message = (
            f"{terms.side} {plain(terms.qty)} {position.instrument} accepted by {order.venue}."
        )
        work.events.append(
            [
                position_event(
                    "order_submitted",
                    position,
                    work.now,
                    message,
                    inputs=_inputs(order),
                    outputs={
                        "order_id": order.id,
                        "client_order_id": order.client_order_id,
                        "steps": ["pending_submit", "submitting", "working"],
                        "reserved": order.reserved,
                    },
                )
            ]
        )
        return Submitted(order, verdict, reservation)


def _require_as_proposed(proposal: StoredEvaluation, request: OrderRequest) -> None:
    """Conflict `proposal_stale`: it was blocked, goes the other way, is smaller than the order,
    or is an order already.
    """
    trade = proposal.document["proposals"][0]
    within = trade["side"] == request.side.value and request.qty <= trade["qty"]
    if not trade["valid"] or not within or proposal.order_id is not None:
        raise Conflict(
            "proposal_stale",
            "The order goes beyond the proposal, or the proposal was blocked or used.",
            context={"side": trade["side"], "qty": trade["qty"], "order_id": proposal.order_id},
        )


def _require_fresh_proposal(position: Position, request: OrderRequest, work: UnitOfWork) -> None:
    """Conflict `proposal_stale` after the proposal's expiry, or when the price moved over
    20 bps.
    """
    if request.proposal_id is None:
        return
    proposal = work.evaluations.get(request.proposal_id)
    if proposal.position_id != position.id or proposal.expires_at is None:
        raise NotFound("evaluation_not_found", "This position has no such proposal.")
    _require_as_proposed(proposal, request)
    proposed = Decimal(proposal.document["market"]["price"]["value"])
    now_at = request.limit_price or _filled_since(position, proposal.at) or proposed
    if is_proposal_stale(proposal.expires_at, proposed, work.now, now_at):
        raise Conflict(
            "proposal_stale",
            "The proposal expired or the price moved more than 20 bps; evaluate again.",
            context={"expires_at": rfc3339(proposal.expires_at), "proposed_price": proposed},
        )


def _filled_since(position: Position, instant: datetime) -> Decimal | None:
    executed_at = position.last_executed_at
    return position.last_fill_price if executed_at and executed_at > instant else None


def _require_open(position: Position, context: GateContext) -> None:
    if position.status is PositionStatus.CLOSED:
        raise Conflict("position_closed", f"Position {position.id} is closed.")
    if position.status is PositionStatus.PAUSED and not context.is_reducing:
        raise Conflict("position_paused", f"Position {position.id} is paused.")


def _inputs(order: Order) -> dict[str, object]:
    terms = order.terms
    return {
        "side": terms.side.value,
        "qty": terms.qty,
        "type": terms.type.value,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "intent": terms.intent.value,
        "origin": terms.origin.value,
    }
