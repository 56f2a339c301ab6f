"""The only function that changes a position because of an execution (cash settlement).

BUY: cash −(qP + fee), shares +q. SELL: cash +(qP − fee), shares −q. Money moves through the order's
reservation first; when the order ends the unused rest of the reservation is voided in the same
step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from domain.portfolio.cost_basis import (
    BookEntry,
    CostBasis,
    EntryKind,
    apply_entry,
    rebuild,
)
from domain.portfolio.fill import Fill
from domain.portfolio.ledger import Balances, Bucket, LedgerKey, Phase, Transfer, TransferKind
from domain.portfolio.order import Order
from domain.portfolio.position import Position, PositionStatus
from domain.portfolio.reservation import still_needed
from domain.shared.decimals import ZERO, plain
from domain.shared.errors import Conflict
from domain.shared.instants import rfc3339
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class FillOutcome:
    """Everything one execution changed; `restated` maps other fills' ids to corrected
    realised P&L.
    """

    position: Position
    order: Order
    fill: Fill
    transfers: tuple[Transfer, ...]
    restated: dict[str, Decimal | None]


def apply_fill(
    position: Position,
    order: Order,
    fill: Fill,
    balances: Balances,
    history: Callable[[], Sequence[BookEntry]],
    new_id: Callable[[], str],
) -> FillOutcome:
    """Book one execution.

    `history` yields all earlier entries of the position; it is read only when the execution is
    older than one already booked, and then the cost basis is rebuilt in time order.
    Raises Conflict `insufficient_cash`, `insufficient_quantity`, or `split_out_of_order` when the
    execution counts shares of before a split; nothing is changed then.
    """
    moved = order.with_fill(fill.qty, fill.price, fill.fee, fill.recorded_at)
    transfers = _settle(position, order, moved, fill, balances, new_id)
    balances.apply(transfers)
    booked = _cost_basis(position, order, fill, history)
    fill = replace(fill, realized_pnl=booked.realized, anchor_before=position.anchor_price)
    moved = replace(moved, reserved=_reservation_after(order, moved))
    after = _position_after(position, moved, fill, booked, balances)
    return FillOutcome(after, moved, fill, transfers, booked.restated)


def anchored(position: Position, order: Order, ended_at: datetime) -> Position:
    """The cell with the volume-weighted price of an order that ended with executions as its anchor.

    The anchor belongs to what came last: an order that ended before the anchor was set, and is
    only told of later, leaves it where it is.
    """
    if not position.is_cell or not order.filled_qty:
        return position
    if position.anchored_at is not None and ended_at < position.anchored_at:
        return position
    return replace(position, anchor_price=order.avg_fill_price, anchored_at=ended_at)


def release_reservation(
    order: Order, position: Position, at: datetime, new_id: Callable[[], str]
) -> tuple[Transfer, ...]:
    """Void whatever an ending order still holds."""
    if not order.reserved:
        return ()
    held, free = _reservation_keys(position, order.terms.side)
    transfer = _mover(order.id, "order", at, new_id)
    return transfer(TransferKind.RESERVATION, Phase.VOIDED, order.reserved, held, free)


def hold_reservation(
    order: Order, position: Position, at: datetime, new_id: Callable[[], str]
) -> tuple[Transfer, ...]:
    """Pending transfer from the free bucket to the reserved one, for the order's whole need."""
    if not order.reserved:
        return ()
    held, free = _reservation_keys(position, order.terms.side)
    transfer = _mover(order.id, "order", at, new_id)
    return transfer(TransferKind.RESERVATION, Phase.PENDING, order.reserved, free, held)


def _reservation_keys(position: Position, side: Side) -> tuple[LedgerKey, LedgerKey]:
    if side is Side.BUY:
        return position.cash_key(Bucket.RESERVED), position.cash_key(Bucket.AVAILABLE)
    return position.share_key(Bucket.INVENTORY_RESERVED), position.share_key(Bucket.INVENTORY)


def _reservation_after(order: Order, moved: Order) -> Decimal | None:
    if order.reserved is None or moved.status.is_terminal:
        return None if order.reserved is None else ZERO
    needed = still_needed(
        order.terms, order.reservation_price, moved.remaining_qty, moved.filled_notional
    )
    return min(order.reserved, needed)


def _mover(
    cause_id: str, cause_type: str, at: datetime, new_id: Callable[[], str]
) -> Callable[[TransferKind, Phase, Decimal, LedgerKey, LedgerKey], tuple[Transfer, ...]]:
    def move(
        kind: TransferKind, phase: Phase, amount: Decimal, source: LedgerKey, target: LedgerKey
    ) -> tuple[Transfer, ...]:
        if amount <= 0:
            return ()
        return (Transfer(new_id(), kind, phase, amount, source, target, cause_type, cause_id, at),)

    return move


def _settle(
    position: Position,
    order: Order,
    moved: Order,
    fill: Fill,
    balances: Balances,
    new_id: Callable[[], str],
) -> tuple[Transfer, ...]:
    held, free = _reservation_keys(position, fill.side)
    reserved = order.reserved or ZERO
    released = reserved - (_reservation_after(order, moved) or ZERO)
    move = _mover(fill.id, "fill", fill.recorded_at, new_id)
    notional = order.notional_of(fill.qty, fill.price)
    market_cash, fees = position.cash_key(Bucket.MARKET), position.cash_key(Bucket.FEES)
    free_cash = position.cash_key(Bucket.AVAILABLE)
    if fill.side is Side.BUY:
        _require_cash(balances.amount(free) + released, notional + fill.fee)
        from_hold = min(released, notional)
        rest = released - from_hold
        return (
            *move(TransferKind.TRADE_CASH, Phase.POSTED, from_hold, held, market_cash),
            *move(TransferKind.RESERVATION, Phase.VOIDED, rest, held, free),
            *move(TransferKind.TRADE_CASH, Phase.POSTED, notional - from_hold, free, market_cash),
            *move(TransferKind.FEE, Phase.POSTED, fill.fee, free, fees),
            *move(
                TransferKind.TRADE_ASSET,
                Phase.POSTED,
                fill.qty,
                position.share_key(Bucket.MARKET),
                position.share_key(Bucket.INVENTORY),
            ),
        )
    if balances.amount(free) + released < fill.qty:
        raise Conflict(
            "insufficient_quantity",
            "The position holds fewer shares than the fill sells.",
            context={"held": balances.amount(free) + released, "needed": fill.qty},
        )
    _require_cash(balances.amount(free_cash) + notional, fill.fee)
    from_hold = min(released, fill.qty)
    market_shares = position.share_key(Bucket.MARKET)
    return (
        *move(TransferKind.TRADE_ASSET, Phase.POSTED, from_hold, held, market_shares),
        *move(TransferKind.RESERVATION, Phase.VOIDED, released - from_hold, held, free),
        *move(TransferKind.TRADE_ASSET, Phase.POSTED, fill.qty - from_hold, free, market_shares),
        *move(TransferKind.TRADE_CASH, Phase.POSTED, notional, market_cash, free_cash),
        *move(TransferKind.FEE, Phase.POSTED, fill.fee, free_cash, fees),
    )


def _require_cash(available: Decimal, needed: Decimal) -> None:
    if available < needed:
        raise Conflict(
            "insufficient_cash",
            f"The fill needs {plain(needed)} and {plain(available)} is available.",
            context={"available": available, "needed": needed},
        )


@dataclass(frozen=True, slots=True)
class _Booked:
    basis: CostBasis
    realized: Decimal | None
    restated: dict[str, Decimal | None]
    is_newest: bool
    order_ended_at: datetime


def _cost_basis(
    position: Position, order: Order, fill: Fill, history: Callable[[], Sequence[BookEntry]]
) -> _Booked:
    entry = fill.entry()
    if position.last_executed_at is None or fill.executed_at > position.last_executed_at:
        part = replace(entry, amount=order.notional_of(fill.qty, fill.price))
        basis, realized = apply_entry(position.basis, part)
        return _Booked(basis, realized, {}, True, fill.executed_at)
    earlier = history()
    basis, by_entry = rebuild([*earlier, entry])
    if basis.qty != position.qty + fill.side.sign * fill.qty:
        raise Conflict(
            "split_out_of_order",
            "The execution lies before a split already applied to the position.",
            context={"executed_at": rfc3339(fill.executed_at)},
        )
    restated = {fill_id: gained for (_, fill_id), gained in by_entry.items()}
    fills = (e for e in earlier if e.kind is EntryKind.FILL)
    is_newest = all(e.order < entry.order for e in fills)
    order_ended_at = max(e.at for e in (entry, *earlier) if e.order_id == order.id)
    return _Booked(basis, restated.pop(fill.id), restated, is_newest, order_ended_at)


def _position_after(
    position: Position, order: Order, fill: Fill, booked: _Booked, balances: Balances
) -> Position:
    own_cash = position.cash
    if position.is_cell:
        own_cash = balances.amount(position.cash_key(Bucket.AVAILABLE)) + balances.amount(
            position.cash_key(Bucket.RESERVED)
        )
    if order.status.is_terminal:
        position = anchored(position, order, booked.order_ended_at)
    executed = max(fill.executed_at, position.last_executed_at or fill.executed_at)
    status = _status_after(position, booked.basis)
    return replace(
        position,
        status=status,
        closed_at=executed if status is PositionStatus.CLOSED else position.closed_at,
        basis=booked.basis,
        cash=own_cash,
        high_water=max(position.high_water or fill.price, fill.price),
        low_water=min(position.low_water or fill.price, fill.price),
        last_fill_price=fill.price if booked.is_newest else position.last_fill_price,
        last_executed_at=executed,
        version=position.version + 1,
    )


def _status_after(position: Position, basis: CostBasis) -> PositionStatus:
    if basis.qty == 0 and position.ends_when_flat:
        return PositionStatus.CLOSED
    if position.status is PositionStatus.PENDING and basis.qty:
        return PositionStatus.OPEN
    return position.status
