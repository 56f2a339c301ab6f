"""Evaluate a position's plan: explain what it would do now, store the row, change nothing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.portfolio.recording import Claims, plan_view, position_event
from application.ports.calendars import CalendarTables
from application.ports.ids import Ids
from application.ports.prices import Prices
from application.ports.repositories import StoredEvaluation
from application.ports.unit_of_work import UnitOfWork
from application.risk.gate_facts import lot_step_of
from domain.plans.evaluation import evaluate
from domain.plans.evaluation_row import Evaluation, EvaluationIdentity, EvaluationMode, to_row
from domain.plans.plan import (
    PRICE_AGE_MAX_S,
    DecisionAction,
    MarketView,
    NoteCode,
    PriceView,
    ReasonCode,
    SessionPhase,
)
from domain.portfolio.position import Position
from domain.portfolio.trading_day import day_start
from domain.shared.errors import FieldFault, Invalid, NotFound, Unavailable
from domain.shared.events import NewEvent
from domain.shared.ids import Prefix


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """`price` given has age 0; `as_of` takes price, session and orders of the day of an earlier
    instant, the position as it is now.

    `observed` is the newest stored price where the caller has looked it up already.
    """

    price: Decimal | None = None
    as_of: datetime | None = None
    is_automatic: bool = False
    mode: EvaluationMode = EvaluationMode.MANUAL
    observed: PriceView | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The evaluation and the position it looked at."""

    id: str
    position: Position
    evaluation: Evaluation


class EvaluatePosition:
    """One evaluator for callers, the plan runner and rebalancing."""

    def __init__(self, ids: Ids, prices: Prices, calendars: CalendarTables) -> None:
        self._ids = ids
        self._prices = prices
        self._calendars = calendars

    def __call__(self, position_id: str, request: EvaluationRequest, work: UnitOfWork) -> Evaluated:
        evaluated = self.look(work.positions.get(position_id), request, work)
        work.evaluations.add(stored(evaluated.position, evaluated.evaluation))
        work.events.append(evaluation_events(evaluated.position, evaluated.evaluation, work.now))
        return evaluated

    def look(self, position: Position, request: EvaluationRequest, work: UnitOfWork) -> Evaluated:
        """The evaluation alone; nothing is written."""
        at = request.as_of or work.now
        if at > work.now:
            fault = FieldFault("/as_of", "in_future", "not later than now")
            raise Invalid("invalid_request", "as_of lies in the future.", errors=(fault,))
        open_orders = work.orders.claims_of(position.id)
        market = self._market(position, request, at, len(open_orders) > 0, work)
        identity = EvaluationIdentity(
            self._ids.new(Prefix.EVALUATION), work.context.request_id, request.mode
        )
        qty_step = lot_step_of(position.instrument, work)
        view = plan_view(position, Claims.of(open_orders), qty_step)
        evaluation = evaluate(position.balancing_plan, view, market, identity)
        return Evaluated(identity.id, position, evaluation)

    def _market(
        self,
        position: Position,
        request: EvaluationRequest,
        at: datetime,
        has_pending_order: bool,
        work: UnitOfWork,
    ) -> MarketView:
        price = request.observed
        if request.price is not None:
            price = PriceView(request.price, "request", Decimal(0), at)
        elif price is None:
            price = self._prices.newest(position.instrument, at)
        phase, session_close = self._session(position.calendar, at)
        orders_today = 0
        if position.balancing_plan is not None:
            day = day_start(position.calendar, at)
            orders_today = work.orders.accepted_between(position.id, day, at)
        return MarketView(
            now=at,
            price=price,
            phase=phase,
            session_close=session_close,
            orders_today=orders_today,
            has_pending_order=has_pending_order,
            is_automatic=request.is_automatic,
            max_price_age_s=PRICE_AGE_MAX_S if request.is_automatic else None,
        )

    def _session(self, calendar: str, at: datetime) -> tuple[SessionPhase | None, datetime | None]:
        try:
            table = self._calendars.calendar(calendar)
            session = table.session_of(at) if table.has_sessions else None
            return SessionPhase(table.phase(at).value), session.closes_at if session else None
        except (NotFound, Unavailable):
            return None, None


def stored(position: Position, evaluation: Evaluation) -> StoredEvaluation:
    """The evaluation as a row."""
    proposals = evaluation.proposals
    return StoredEvaluation(
        id=evaluation.identity.id,
        position_id=position.id,
        mode=evaluation.identity.mode.value,
        action=evaluation.action.action.value,
        at=evaluation.market.now,
        expires_at=proposals[0].expires_at if proposals else None,
        order_id=evaluation.order.id if evaluation.order else None,
        document=to_row(evaluation),
    )


def evaluation_events(position: Position, evaluation: Evaluation, now: datetime) -> list[NewEvent]:
    """What the evaluation has to tell the log, at the instant it was made."""
    action, market = evaluation.action, evaluation.market
    price = market.price.value if market.price else None
    inputs: dict[str, object] = {
        "price": price,
        "anchor_price": evaluation.trigger.anchor_price,
        "change": evaluation.trigger.change,
        "evaluation_id": evaluation.identity.id,
    }
    outputs: dict[str, object] = {
        "action": action.action.value,
        "reason_code": action.reason_code.value,
        "qty": action.qty,
    }
    kinds = ["price_evaluated"]
    if evaluation.trigger.direction is not None:
        kinds.append("threshold_crossed")
    if action.action is not DecisionAction.HOLD:
        if action.reason_code is ReasonCode.AUTO_GUARDRAIL_REBALANCE:
            kinds.append("auto_guardrail_rebalance")
        if action.trimming:
            kinds.append("order_trimmed_guardrail")
    kinds.extend(_NOTE_EVENTS[note.code] for note in evaluation.notes if note.code in _NOTE_EVENTS)
    return [
        position_event(kind, position, now, action.reason, inputs=inputs, outputs=outputs)
        for kind in kinds
    ]


_NOTE_EVENTS = {
    NoteCode.ANCHOR_ANOMALY: "alert_raised",
    NoteCode.ORDER_REJECTED_MIN: "order_rejected_min",
}
