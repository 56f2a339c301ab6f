"""The only function that changes a margin position because of an execution, and what margin orders
hold meanwhile.

The wallet is `available + margin`: only realised P&L, fees and funding change it. An order holds
its margin in the margin bucket; a fill gives the hold back and puts the position's isolated margin
there instead. Contracts move between `market` and `inventory`, which is negative for a short.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from domain.portfolio.apply_fill import FillOutcome
from domain.portfolio.cost_basis import BookEntry, CostBasis, rebuild
from domain.portfolio.fill import Fill
from domain.portfolio.ledger import Balances, Bucket, LedgerKey, Phase, Transfer, TransferKind
from domain.portfolio.margin import isolated_margin, margin_to_hold
from domain.portfolio.margin_basis import apply_margin_entry
from domain.portfolio.order import Order
from domain.portfolio.position import Position, PositionStatus
from domain.shared.decimals import ZERO
from domain.shared.side import Side

Move = tuple[TransferKind, Phase, Decimal, LedgerKey, LedgerKey]


@dataclass(frozen=True, slots=True)
class MarginBooking:
    """What booking needs besides the position, the order and the fill.

    `leverage` is the one the position was opened with, `order_leverage` the order's if it differs:
    the order's hold counts with it, and what the order opens. `history` yields all earlier entries
    of the position; it is read only for an execution older than one already booked.
    """

    balances: Balances
    leverage: int
    history: Callable[[], Sequence[BookEntry]]
    new_id: Callable[[], str]
    order_leverage: int | None = None

    @property
    def opening_leverage(self) -> int:
        """Leverage of what the order opens."""
        return self.leverage if self.order_leverage is None else self.order_leverage


def apply_margin_fill(
    position: Position, order: Order, fill: Fill, booking: MarginBooking
) -> FillOutcome:
    """Book one execution: same direction → weighted average; opposite → realise, and open the rest
    at the execution's price. A position that comes to zero is closed.

    The account may lose more than it has; nothing is refused, because it was executed.
    """
    moved = order.with_fill(fill.qty, fill.price, fill.fee, fill.recorded_at)
    basis, realized, restated, is_newest = _basis_after(position, fill, booking.history)
    moved = replace(moved, reserved=_hold_after(order, moved, booking.opening_leverage))
    change = basis.realized_pnl - position.basis.realized_pnl
    moves = [
        *_hold_released(position, order, moved),
        *_contracts(position, fill),
        *_profit(position, change),
        _paid(TransferKind.FEE, fill.fee, position, Bucket.AVAILABLE, Bucket.FEES),
        *_margin_moved(position, basis, booking),
    ]
    transfers = _transfers(moves, fill.id, "fill", fill.recorded_at, booking.new_id)
    booking.balances.apply(transfers, on_margin=True)
    fill = replace(fill, realized_pnl=realized, anchor_before=position.anchor_price)
    after = _position_after(position, fill, basis, is_newest=is_newest)
    return FillOutcome(after, moved, fill, transfers, restated)


def hold_margin(
    order: Order, position: Position, at: datetime, new_id: Callable[[], str]
) -> tuple[Transfer, ...]:
    """Pending transfer `available` → `margin` of all the order needs (`order.reserved`)."""
    move = _held(Phase.PENDING, order.reserved, position, Bucket.AVAILABLE, Bucket.MARGIN)
    return _transfers([move], order.id, "order", at, new_id)


def rehold_margin(
    order: Order, held: Decimal, position: Position, at: datetime, new_id: Callable[[], str]
) -> tuple[Transfer, ...]:
    """From what the order holds (`order.reserved`) to `held`."""
    change = held - (order.reserved or ZERO)
    moves = [
        _held(Phase.PENDING, max(ZERO, change), position, Bucket.AVAILABLE, Bucket.MARGIN),
        _held(Phase.VOIDED, max(ZERO, -change), position, Bucket.MARGIN, Bucket.AVAILABLE),
    ]
    return _transfers(moves, order.id, "order", at, new_id)


def release_margin(
    order: Order, position: Position, at: datetime, new_id: Callable[[], str]
) -> tuple[Transfer, ...]:
    """Void whatever an ending order still holds."""
    move = _held(Phase.VOIDED, order.reserved, position, Bucket.MARGIN, Bucket.AVAILABLE)
    return _transfers([move], order.id, "order", at, new_id)


def funding_transfer(
    position: Position, amount: Decimal, at: datetime, new_id: Callable[[], str]
) -> tuple[Transfer, ...]:
    """Funding paid (`amount` above zero) or received, between `available` and `funding`."""
    source, target = Bucket.AVAILABLE, Bucket.FUNDING
    if amount < 0:
        source, target = target, source
    move = _paid(TransferKind.FUNDING, abs(amount), position, source, target)
    return _transfers([move], position.id, "funding", at, new_id)


def _basis_after(
    position: Position, fill: Fill, history: Callable[[], Sequence[BookEntry]]
) -> tuple[CostBasis, Decimal | None, dict[str, Decimal | None], bool]:
    entry = fill.entry()
    if position.last_executed_at is None or fill.executed_at > position.last_executed_at:
        basis, realized = apply_margin_entry(position.basis, entry)
        return basis, realized, {}, True
    earlier = history()
    basis, by_entry = rebuild([*earlier, entry], apply_margin_entry)
    restated = {fill_id: gained for (_, fill_id), gained in by_entry.items()}
    return basis, restated.pop(fill.id), restated, all(e.order < entry.order for e in earlier)


def _hold_after(order: Order, moved: Order, leverage: int) -> Decimal | None:
    if order.reserved is None:
        return None
    if moved.status.is_terminal or order.reservation_price is None:
        return ZERO
    rate = order.terms.commission_rate
    needed = margin_to_hold(moved.remaining_qty, order.reservation_price, leverage, rate)
    return min(order.reserved, needed)


def _hold_released(position: Position, order: Order, moved: Order) -> list[Move]:
    released = (order.reserved or ZERO) - (moved.reserved or ZERO)
    return [_held(Phase.VOIDED, released, position, Bucket.MARGIN, Bucket.AVAILABLE)]


def _contracts(position: Position, fill: Fill) -> list[Move]:
    market, inventory = position.share_key(Bucket.MARKET), position.share_key(Bucket.INVENTORY)
    source, target = (market, inventory) if fill.side is Side.BUY else (inventory, market)
    return [(TransferKind.TRADE_ASSET, Phase.POSTED, fill.qty, source, target)]


def _profit(position: Position, change: Decimal) -> list[Move]:
    source, target = Bucket.MARKET, Bucket.AVAILABLE
    if change < 0:
        source, target = target, source
    return [_paid(TransferKind.REALIZED_PNL, abs(change), position, source, target)]


def _margin_moved(position: Position, basis: CostBasis, booking: MarginBooking) -> list[Move]:
    before = isolated_margin(position.basis.cost or ZERO, booking.leverage)
    is_kept = position.qty * basis.qty > 0
    leverage = booking.leverage if is_kept else booking.opening_leverage
    change = isolated_margin(basis.cost or ZERO, leverage) - before
    source, target = Bucket.AVAILABLE, Bucket.MARGIN
    if change < 0:
        source, target = target, source
    return [_paid(TransferKind.MARGIN, abs(change), position, source, target)]


def _held(
    phase: Phase, amount: Decimal | None, position: Position, source: Bucket, target: Bucket
) -> Move:
    keys = position.cash_key(source), position.cash_key(target)
    return (TransferKind.RESERVATION, phase, amount or ZERO, *keys)


def _paid(
    kind: TransferKind, amount: Decimal, position: Position, source: Bucket, target: Bucket
) -> Move:
    return (kind, Phase.POSTED, amount, position.cash_key(source), position.cash_key(target))


def _transfers(
    moves: Sequence[Move], cause_id: str, cause_type: str, at: datetime, new_id: Callable[[], str]
) -> tuple[Transfer, ...]:
    return tuple(
        Transfer(new_id(), kind, phase, amount, source, target, cause_type, cause_id, at)
        for kind, phase, amount, source, target in moves
        if amount > 0
    )


def _position_after(
    position: Position, fill: Fill, basis: CostBasis, *, is_newest: bool
) -> Position:
    is_flat = basis.qty == 0
    return replace(
        position,
        basis=basis,
        status=PositionStatus.CLOSED if is_flat else _held_status(position.status),
        closed_at=fill.executed_at if is_flat else None,
        high_water=max(position.high_water or fill.price, fill.price),
        low_water=min(position.low_water or fill.price, fill.price),
        last_fill_price=fill.price if is_newest else position.last_fill_price,
        last_executed_at=max(fill.executed_at, position.last_executed_at or fill.executed_at),
        version=position.version + 1,
    )


def _held_status(status: PositionStatus) -> PositionStatus:
    return PositionStatus.OPEN if status is PositionStatus.PENDING else status
