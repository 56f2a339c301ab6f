"""Record an execution a person reports for an order of the manual venue."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.portfolio.account_nav import AccountNav
from application.portfolio.book_entries import book_entries
from application.portfolio.order_outcome import anchor_event, note_execution
from application.portfolio.recording import (
    Claims,
    position_event,
    require_sound_reservations,
    transfer_ids,
)
from application.portfolio.running_worth import Change
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.plans.band_rule import is_allowed_by_band, stock_fraction_after
from domain.plans.plan import stock_fraction
from domain.portfolio.apply_fill import FillOutcome, apply_fill
from domain.portfolio.fill import Fill
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Intent, Order
from domain.portfolio.position import MANUAL_VENUE, Position
from domain.shared.decimals import CASH_STEP, cash, fraction, plain
from domain.shared.errors import Conflict, FieldFault, Invalid, RuleRefused
from domain.shared.events import NewEvent
from domain.shared.ids import Prefix


@dataclass(frozen=True, slots=True)
class Execution:
    """What the caller reports; `commission` omitted means rate · notional."""

    price: Decimal
    qty: Decimal
    commission: Decimal | None = None
    executed_at: datetime | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The booked fill and the state after it; `replayed` when it had been booked before."""

    fill: Fill
    order: Order
    position: Position
    replayed: bool = False


class RecordFill:
    """Conflict `fills_come_from_venue`, `overfill`, `order_not_fillable`, `insufficient_cash`,
    `insufficient_quantity`; RuleRefused `guardrail_breach`. Nothing changes then. Without `nav` the
    command that fills keeps the account's NAV itself.
    """

    def __init__(self, ids: Ids, nav: AccountNav | None = None) -> None:
        self._ids = ids
        self._nav = nav

    def __call__(self, order_id: str, execution: Execution, work: UnitOfWork) -> Recorded:
        order = work.orders.get(order_id)
        position = work.positions.get(order.position_id)
        if order.venue != MANUAL_VENUE:
            raise Conflict(
                "fills_come_from_venue", f"Fills of this order are reported by {order.venue}."
            )
        fee = _fee(order, execution)
        known = _known(order, execution, work)
        if known is not None:
            return Recorded(known, order, position, replayed=True)
        _require_fillable(order, execution)
        _require_time(position, execution, work.now)
        _require_band(position, order, execution, fee)
        self._close_sessions(position, work)
        fill = self._fill(position, order, execution, fee, work.now)
        balances = work.ledger.balances(*position.holders)
        outcome = apply_fill(
            position,
            order,
            fill,
            balances,
            history=lambda: book_entries(position, work),
            new_id=transfer_ids(self._ids),
        )
        self._store(outcome, work)
        work.ledger.post(outcome.transfers, balances)
        note_execution(outcome.order, outcome.position, work)
        require_sound_reservations(
            outcome.position, Claims.of(work.orders.claims_of(position.id)), balances
        )
        work.events.append(_events(position, outcome, work.now))
        self._note_nav(Change(position, outcome.position), outcome.fill, work)
        return Recorded(outcome.fill, outcome.order, outcome.position)

    def _close_sessions(self, position: Position, work: UnitOfWork) -> None:
        if self._nav is not None:
            self._nav.close_sessions(work.accounts.get(position.account_id), work)

    def _note_nav(self, change: Change, fill: Fill, work: UnitOfWork) -> None:
        if self._nav is None:
            return
        account = work.accounts.get(change.after.account_id)
        if fill.executed_at < work.now:
            self._nav.restate_fill(account, fill, work)
        self._nav.touch(account, change, work)

    def _fill(
        self, position: Position, order: Order, execution: Execution, fee: Decimal, now: datetime
    ) -> Fill:
        return Fill(
            id=self._ids.new(Prefix.FILL),
            order_id=order.id,
            position_id=position.id,
            account_id=position.account_id,
            owner_id=position.owner_id,
            venue=order.venue,
            side=order.terms.side,
            qty=execution.qty,
            price=execution.price,
            fee=fee,
            fee_currency=position.currency,
            executed_at=execution.executed_at or now,
            recorded_at=now,
            external_id=execution.external_id,
        )

    def _store(self, outcome: FillOutcome, work: UnitOfWork) -> None:
        work.fills.add(outcome.fill)
        work.fills.restate(outcome.restated)
        work.orders.save(outcome.order)
        work.positions.save(outcome.position)


def _fee(order: Order, execution: Execution) -> Decimal:
    if execution.commission is not None:
        return execution.commission
    return order.commission_of(execution.qty, execution.price)


def _known(order: Order, execution: Execution, work: UnitOfWork) -> Fill | None:
    if execution.external_id is None:
        return None
    known = work.fills.by_external_id(order.venue, order.account_id, execution.external_id)
    if known is None:
        return None
    side, fee = order.terms.side, _fee_told(order, execution, known)
    if known.order_id == order.id and known.same_terms(
        side=side, qty=execution.qty, price=execution.price, fee=fee
    ):
        return known
    raise Conflict(
        "fill_terms_differ",
        "This external_id was reported before with other terms.",
        context={"fill_id": known.id},
    )


def _fee_told(order: Order, execution: Execution, known: Fill) -> Decimal:
    """The commission a repeated report means. Left out it is the one booked, if that is the rate's:
    its last digit depends on what was booked before it.
    """
    if execution.commission is not None:
        return execution.commission
    by_rate = cash(execution.qty * execution.price * order.terms.commission_rate)
    return known.fee if abs(known.fee - by_rate) <= CASH_STEP else by_rate


def _require_fillable(order: Order, execution: Execution) -> None:
    if order.status is OrderStatus.FILLED:
        raise Conflict("overfill", "The order is already filled.", context={"remaining_qty": 0})
    if order.status.is_terminal:
        raise Conflict("order_not_fillable", f"The order is {order.status}.")
    if execution.qty > order.remaining_qty:
        raise Conflict(
            "overfill",
            f"The order has {plain(order.remaining_qty)} left to fill.",
            context={"remaining_qty": order.remaining_qty},
        )


def _require_time(position: Position, execution: Execution, now: datetime) -> None:
    at = execution.executed_at
    if at is not None and not position.opened_at <= at <= now:
        fault = FieldFault("/executed_at", "out_of_range", "between the position's start and now")
        raise Invalid("invalid_request", "The execution time is not possible.", errors=(fault,))


def _require_band(position: Position, order: Order, execution: Execution, fee: Decimal) -> None:
    plan = position.balancing_plan
    if plan is None or order.terms.intent is Intent.CLOSE:
        return
    before = stock_fraction(position.qty, position.effective_cash, execution.price)
    after = stock_fraction_after(
        position.qty,
        position.effective_cash,
        order.terms.side,
        execution.qty,
        execution.price,
        fee,
    )
    if not is_allowed_by_band(plan.band, before, after):
        raise RuleRefused(
            "guardrail_breach",
            "The fill would leave the band and not come closer to it.",
            context={
                "stock_fraction_before": None if before is None else fraction(before),
                "stock_fraction_after": None if after is None else fraction(after),
                "band": {"min": plan.band.min, "max": plan.band.max},
            },
        )


def _events(before: Position, outcome: FillOutcome, now: datetime) -> list[NewEvent]:
    fill, order, after = outcome.fill, outcome.order, outcome.position
    ended = order.status is OrderStatus.FILLED
    events = [
        position_event(
            "order_filled" if ended else "order_partially_filled",
            after,
            now,
            f"{fill.side} {plain(fill.qty)} at {plain(fill.price)}, fee {plain(fill.fee)}.",
            inputs={
                "order_id": order.id,
                "fill_id": fill.id,
                "side": fill.side.value,
                "price": fill.price,
                "qty": fill.qty,
                "fee": fill.fee,
                "external_id": fill.external_id,
            },
            outputs={
                "order_status": order.status.value,
                "filled_qty": order.filled_qty,
                "position_qty": after.qty,
                "position_cash": after.cash,
                "realized_pnl": fill.realized_pnl,
            },
        )
    ]
    if after.anchor_price != before.anchor_price:
        events.append(anchor_event(before, after, now, "the order ended"))
    return events
