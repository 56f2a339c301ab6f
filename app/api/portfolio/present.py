"""From read models to answers.

Orders and positions become plain documents instead of models: they are the hot reads, their values
come from the book already typed, and the schema tests hold the documents to their models.
"""

from dataclasses import asdict
from functools import lru_cache

from app.api.idempotency import Presented
from app.api.portfolio import schemas as s
from app.api.portfolio.present_trade import exit_plan_document
from app.api.problems import Problem
from application.portfolio.record_fill import Recorded
from application.portfolio.submit_order import Submitted
from application.portfolio.views import ValuedPosition
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.portfolio.fill import Fill
from domain.portfolio.order import Order
from domain.portfolio.position import Plan, Position
from domain.shared.events import LoggedEvent


@lru_cache(maxsize=1024)
def plan_document(plan: Plan | None) -> dict[str, object] | None:
    """Plan settings, in the shape of their schema; plans are frozen, so one answer serves."""
    if isinstance(plan, RegimeExitPlan):
        return exit_plan_document(plan)
    return None if plan is None else {"kind": "balancing", **asdict(plan)}


def position_document(view: ValuedPosition) -> dict[str, object]:
    """A position with its value, in the shape of `PositionOut`."""
    position, price = view.position, view.price
    basis = position.basis
    return {
        "id": position.id,
        "ticker": position.instrument,
        "qty": position.qty,
        "cash": position.cash,
        "account_id": position.account_id,
        "venue": position.venue,
        "currency": position.currency,
        "calendar": position.calendar,
        "is_cell": position.is_cell,
        "status": position.status.value,
        "avg_cost": basis.avg_cost,
        "receivable": position.receivable,
        "realized_pnl": basis.realized_pnl if basis.realized_known else None,
        "fees_paid": basis.fees_paid,
        "dividends_received": position.dividends_received,
        "funding_paid": position.funding_paid,
        "anchor_price": position.anchor_price,
        "high_water": position.high_water,
        "low_water": position.low_water,
        "price": price.value if price else None,
        "price_source": price.source if price else None,
        "price_as_of": price.as_of if price else None,
        "equity": view.equity,
        "unrealized_pnl": view.unrealized_pnl,
        "stock_fraction": view.stock_fraction,
        "plan": plan_document(position.plan),
        "withholding_rate": position.withholding_rate,
        "opened_at": position.opened_at,
        "closed_at": position.closed_at,
        "entry_session": position.entry_session,
        "version": position.version,
        "reasons": dict(view.reasons),
    }


def order_document(order: Order) -> dict[str, object]:
    """An order, in the shape of `OrderOut`."""
    terms = order.terms
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "account_id": order.account_id,
        "position_id": order.position_id,
        "instrument": order.instrument,
        "venue": order.venue,
        "side": terms.side,
        "order_type": terms.type,
        "qty": terms.qty,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "time_in_force": terms.time_in_force,
        "good_till": terms.good_till,
        "reduce_only": terms.reduce_only,
        "intent": terms.intent.value,
        "origin": terms.origin.value,
        "commission_rate": terms.commission_rate,
        "note": terms.note,
        "status": order.status.value,
        "filled_qty": order.filled_qty,
        "remaining_qty": order.remaining_qty,
        "avg_fill_price": order.avg_fill_price,
        "fees": order.fees,
        "reserved": order.reserved,
        "reason": order.reason,
        "rejected_by": order.rejected_by,
        "checks": order.checks,
        "evaluation_id": order.evaluation_id,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "version": order.version,
    }


def submitted(request_id: str, result: Submitted) -> Presented:
    """201 with the order, or 422 with every check."""
    order, verdict = result.order, result.verdict
    checks, held = order.checks, result.reservation
    if result.accepted:
        # The findings are already documents of this shape; the schema tests hold them to it.
        body = {
            "order_id": order.id,
            "accepted": True,
            "position_id": order.position_id,
            "status": order.status.value,
            "client_order_id": order.client_order_id,
            "reservation": {"amount": held.amount, "price": held.price, "reason": held.reason},
            "checks": checks,
        }
        return Presented(201, body)
    return Presented(
        422,
        Problem(
            type="/docs/errors#risk_rejected",
            title="Order refused by risk",
            status=422,
            detail=verdict.sentence(),
            code="risk_rejected",
            instance=request_id,
            retryable=False,
            errors=[],
            context={
                "order_id": order.id,
                "allowed": False,
                "adjusted_quantity": verdict.adjusted_quantity,
                "trading_state": verdict.trading_state,
                "checks": checks,
            },
        ),
    )


def filled(result: Recorded) -> s.FilledOut:
    """The order and the position after an execution."""
    order, position = result.order, result.position
    return s.FilledOut(
        order_id=order.id,
        status=order.status.value,
        position_qty=position.qty,
        position_cash=position.cash,
        fill_id=result.fill.id,
        filled_qty=order.filled_qty,
        remaining_qty=order.remaining_qty,
        avg_fill_price=order.avg_fill_price,
        anchor_price=position.anchor_price,
        replayed=result.replayed,
    )


def fill_out(fill: Fill) -> s.FillOut:
    """One execution."""
    return s.FillOut(
        id=fill.id,
        order_id=fill.order_id,
        position_id=fill.position_id,
        venue=fill.venue,
        side=fill.side,
        qty=fill.qty,
        price=fill.price,
        fee=fill.fee,
        fee_currency=fill.fee_currency,
        liquidity=fill.liquidity.value,
        external_id=fill.external_id,
        realized_pnl=fill.realized_pnl,
        anchor_before=fill.anchor_before,
        executed_at=fill.executed_at,
        recorded_at=fill.recorded_at,
    )


def position_event_out(event: LoggedEvent) -> s.PositionEventOut:
    """One event of a position."""
    data = event.data
    return s.PositionEventOut.model_validate(
        {
            "id": event.id,
            "seq": event.seq,
            "type": event.type,
            "inputs": data.get("inputs", {}),
            "outputs": data.get("outputs", {}),
            "message": data.get("message", ""),
            "ts": event.occurred_at,
        }
    )


def etag(position: Position) -> str:
    """Strong validator of the position's version."""
    return f'"{position.version}"'
