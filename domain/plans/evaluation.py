"""Run a plan and explain its answer: the decision, its proposals, their effect, one human sentence.

It never changes a position; the caller stores the row in the transaction of its effects.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from domain.plans.balancing import BalancingDecision, SizedProposal, decide
from domain.plans.balancing_plan import BalancingPlan
from domain.plans.band_rule import after_trade, commission, stock_fraction_after
from domain.plans.evaluation_row import (
    ActionFacts,
    AnchorFacts,
    DividendFacts,
    Evaluation,
    EvaluationIdentity,
    GuardrailFacts,
    Holdings,
    ImpactFacts,
    OrderFacts,
    Proposal,
    TriggerFacts,
)
from domain.plans.explanation import NO_PLAN_SENTENCE, explain
from domain.plans.plan import (
    DecisionAction,
    MarketView,
    PositionView,
    ReasonCode,
    stock_fraction,
)
from domain.shared.decimals import ZERO, cash, fraction

PROPOSAL_LIFETIME = timedelta(minutes=15)
PRICE_DRIFT_MAX = Decimal("0.0020")


def evaluate(
    plan: BalancingPlan | None,
    view: PositionView,
    market: MarketView,
    identity: EvaluationIdentity,
    dividends_applied: Decimal = ZERO,
) -> Evaluation:
    """Decide and explain; a position without a plan is a HOLD with reason `no_plan`."""
    if plan is None:
        decision = BalancingDecision(DecisionAction.HOLD, ReasonCode.NO_PLAN)
        reason = NO_PLAN_SENTENCE
    else:
        decision = decide(plan, view, market)
        reason = explain(plan, view, market, decision)
    wanted = decision.proposal
    proposals: tuple[Proposal, ...] = ()
    if wanted is not None and plan is not None:
        proposals = (_proposal(wanted, plan, view, market),)
    price = market.price.value if market.price else None
    before = _holdings(view.qty, view.cash, view.receivable, price)
    return Evaluation(
        identity=identity,
        plan=plan,
        position=view,
        market=market,
        trigger=_trigger(plan, view, decision),
        guardrails=_guardrails(plan, before.stock_fraction, wanted),
        action=ActionFacts(
            decision.action,
            decision.reason_code,
            reason,
            fraction(wanted.raw_qty) if wanted else None,
            wanted.qty if wanted else None,
            wanted.trimming if wanted else (),
        ),
        impact=ImpactFacts(before, _after_proposal(view, price, proposals) or before),
        dividends=DividendFacts(view.receivable, dividends_applied),
        anchor=AnchorFacts(view.anchor_price, view.anchor_price, None),
        proposals=proposals,
        notes=decision.notes,
    )


def with_order(evaluation: Evaluation, order: OrderFacts) -> Evaluation:
    """The row once its order exists."""
    return replace(evaluation, order=order)


def is_proposal_stale(
    expires_at: datetime, proposed_price: Decimal, now: datetime, price: Decimal
) -> bool:
    """Whether an order may no longer rest on the proposal: expired, or P moved over 20 bps."""
    is_moved = abs(price - proposed_price) > PRICE_DRIFT_MAX * proposed_price
    return now >= expires_at or is_moved


def proposal_expiry(now: datetime, session_close: datetime | None) -> datetime:
    """The earlier of 15 minutes and the close of the session in progress."""
    latest = now + PROPOSAL_LIFETIME
    if session_close is None or session_close <= now:
        return latest
    return min(latest, session_close)


def _proposal(
    wanted: SizedProposal, plan: BalancingPlan, view: PositionView, market: MarketView
) -> Proposal:
    price = market.price.value if market.price else ZERO
    fee = commission(wanted.qty, price, plan.commission_rate)
    after = stock_fraction_after(view.qty, view.effective_cash, wanted.side, wanted.qty, price, fee)
    return Proposal(
        side=wanted.side,
        qty=wanted.qty,
        raw_qty=fraction(wanted.raw_qty),
        notional=cash(wanted.qty * price),
        commission_estimate=fee,
        reason_code=wanted.reason_code,
        trimming=wanted.trimming,
        stock_fraction_before=_rounded(view.stock_fraction_at(price)),
        stock_fraction_after=_rounded(after),
        valid=wanted.is_valid,
        rejections=wanted.rejections,
        expires_at=proposal_expiry(market.now, market.session_close),
    )


def _trigger(
    plan: BalancingPlan | None, view: PositionView, decision: BalancingDecision
) -> TriggerFacts:
    return TriggerFacts(
        anchor_price=view.anchor_price,
        change=_rounded(decision.change),
        up_threshold=plan.up_threshold if plan else None,
        down_threshold=plan.down_threshold if plan else None,
        direction=decision.trigger,
    )


def _guardrails(
    plan: BalancingPlan | None, shown_fraction: Decimal | None, wanted: SizedProposal | None
) -> GuardrailFacts:
    rejections = wanted.rejections if wanted else ()
    return GuardrailFacts(
        min_stock_fraction=plan.band.min if plan else None,
        max_stock_fraction=plan.band.max if plan else None,
        stock_fraction=shown_fraction,
        within=plan.band.holds(shown_fraction) if plan and shown_fraction is not None else None,
        allowed=not rejections,
        blocked_by=rejections,
    )


def _after_proposal(
    view: PositionView, price: Decimal | None, proposals: tuple[Proposal, ...]
) -> Holdings | None:
    if price is None or not proposals or not proposals[0].valid:
        return None
    planned = proposals[0]
    qty, rest = after_trade(
        view.qty, view.cash, planned.side, planned.qty, price, planned.commission_estimate
    )
    return _holdings(qty, rest, view.receivable, price)


def _holdings(
    qty: Decimal, cash_amount: Decimal, receivable: Decimal, price: Decimal | None
) -> Holdings:
    if price is None:
        return Holdings(qty, cash_amount, None, None, None)
    effective = cash_amount + receivable
    return Holdings(
        qty,
        cash_amount,
        cash(qty * price),
        cash(qty * price + effective),
        _rounded(stock_fraction(qty, effective, price)),
    )


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else fraction(value)
