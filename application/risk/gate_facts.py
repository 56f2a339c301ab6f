"""Collects, inside the writing transaction, everything the gate judges an order by."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from application.portfolio.recording import Claims, plan_view
from application.ports.order_repositories import OpenOrder
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Account
from domain.portfolio.ledger import Bucket
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Intent, Order, OrderTerms, Origin
from domain.portfolio.position import Position
from domain.portfolio.trading_day import day_start
from domain.risk.context import (
    Counters,
    GateContext,
    InstrumentFacts,
    Limits,
    OrderDraft,
    PositionFacts,
    Reference,
)
from domain.risk.verdict import DataQuality
from domain.shared.decimals import QUANTITY_STEP, ZERO
from domain.shared.side import Side

LIMITS = Limits()
_DUPLICATE_WINDOW = timedelta(seconds=float(LIMITS.duplicate_window_s))


def reference_of(
    position: Position, terms: OrderTerms, declared_price: Decimal | None = None
) -> Reference:
    """Price the figures use: limit, declared or stop price, last fill, else the anchor."""
    if terms.limit_price is not None:
        return Reference(terms.limit_price, DataQuality.DECLARED, "limit_price")
    if declared_price is not None:
        return Reference(declared_price, DataQuality.DECLARED, "evaluation")
    if terms.stop_price is not None:
        return Reference(terms.stop_price, DataQuality.DECLARED, "stop_price")
    if position.last_fill_price is not None:
        return Reference(position.last_fill_price, DataQuality.DECLARED, "last_fill")
    if position.anchor_price is not None:
        return Reference(position.anchor_price, DataQuality.DECLARED, "anchor")
    return Reference(None, DataQuality.NONE, None)


def gate_context(
    position: Position,
    account: Account,
    draft: Order,
    reference: Reference,
    open_orders: Sequence[OpenOrder],
    work: UnitOfWork,
    *,
    confirm_duplicate: bool,
    is_id_given: bool = False,
) -> GateContext:
    """Facts about one drafted order; `draft.reserved` is its whole reservation.

    Only an id that the caller gave can have been used before.
    """
    view = plan_view(position, Claims.of(open_orders))
    terms = draft.terms
    is_close = terms.intent is Intent.CLOSE
    return GateContext(
        order=OrderDraft(
            side=terms.side,
            qty=terms.qty,
            needs_cash=draft.reserved if terms.side is Side.BUY else ZERO,
            commission_rate=terms.commission_rate,
            is_close=is_close,
            is_automatic=terms.origin is Origin.PLAN,
            reduce_only=terms.reduce_only,
            confirm_duplicate=confirm_duplicate,
        ),
        position=PositionFacts(
            qty=position.qty,
            effective_cash=position.effective_cash,
            free_cash=view.free_cash if position.is_cell else _account_cash(position, work),
            free_qty=view.free_qty,
            open_buys_qty=_open_qty(open_orders, Side.BUY),
            open_sells_qty=_open_qty(open_orders, Side.SELL),
            is_cell=position.is_cell,
            plan=position.balancing_plan,
        ),
        instrument=InstrumentFacts(lot_step_of(position.instrument, work)),
        reference=reference,
        trading_state=account.status.value,
        now=work.now,
        counters=_counters(
            position, draft, open_orders, work, is_close=is_close, is_id_given=is_id_given
        ),
        limits=LIMITS,
    )


def lot_step_of(instrument_id: str, work: UnitOfWork) -> Decimal:
    """The instrument's quantity step; the book's 8 decimals where none is known."""
    instrument = work.instruments.find(instrument_id)
    return (instrument.lot_step if instrument else None) or QUANTITY_STEP


def _counters(
    position: Position,
    draft: Order,
    open_orders: Sequence[OpenOrder],
    work: UnitOfWork,
    *,
    is_close: bool,
    is_id_given: bool,
) -> Counters:
    orders_today = 0
    if position.balancing_plan is not None and not is_close:
        since = day_start(position.calendar, work.now)
        orders_today = work.orders.accepted_between(position.id, since, work.now)
    similar_at = work.orders.last_similar_at(draft, work.now - _DUPLICATE_WINDOW)
    age_s = None if similar_at is None else Decimal(str((work.now - similar_at).total_seconds()))
    return Counters(
        orders_today=orders_today,
        unresolved_orders=sum(o.status is OrderStatus.UNKNOWN for o in open_orders),
        client_order_id_exists=is_id_given
        and work.orders.client_order_id_exists(draft.client_order_id),
        similar_order_age_s=age_s,
    )


def _account_cash(position: Position, work: UnitOfWork) -> Decimal:
    """What the account has available: it pays for everything that is not a cell."""
    balances = work.ledger.balances(position.account_id)
    return balances.amount(position.cash_key(Bucket.AVAILABLE))


def _open_qty(orders: Sequence[OpenOrder], side: Side) -> Decimal:
    return sum((o.remaining_qty for o in orders if o.side is side), ZERO)
