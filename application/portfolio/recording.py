"""Events of the book in their one shape, and the helpers every command of the book shares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.ports.ids import Ids
from application.ports.order_repositories import OpenOrder
from domain.plans.plan import PositionView
from domain.portfolio.ledger import Balances, Bucket
from domain.portfolio.position import Position, PositionStatus
from domain.shared.decimals import QUANTITY_STEP, ZERO
from domain.shared.errors import Defect
from domain.shared.events import NewEvent, explained
from domain.shared.ids import Prefix
from domain.shared.side import Side

POSITION = "position"
ACCOUNT = "account"


def position_event(
    kind: str,
    position: Position,
    at: datetime,
    message: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: Mapping[str, object] | None = None,
) -> NewEvent:
    """A fact about a position."""
    data = explained(message, inputs=inputs or {}, outputs=outputs or {})
    return NewEvent(kind, POSITION, position.id, position.account_id, data, at)


def account_event(
    kind: str,
    account_id: str,
    at: datetime,
    message: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: Mapping[str, object] | None = None,
) -> NewEvent:
    """A fact about an account."""
    data = explained(message, inputs=inputs or {}, outputs=outputs or {})
    return NewEvent(kind, ACCOUNT, account_id, account_id, data, at)


def transfer_ids(ids: Ids) -> Callable[[], str]:
    """Source of transfer ids."""
    return lambda: ids.new(Prefix.TRANSFER)


@dataclass(frozen=True, slots=True)
class Claims:
    """What the open orders of a position hold back."""

    cash: Decimal = ZERO
    qty: Decimal = ZERO

    @classmethod
    def of(cls, open_orders: Sequence[OpenOrder]) -> "Claims":
        """Sums over BUY orders (cash) and SELL orders (shares)."""
        cash = qty = ZERO
        for order in open_orders:
            if order.side is Side.BUY:
                cash += order.reserved or ZERO
            else:
                qty += order.reserved or ZERO
        return cls(cash, qty)


def plan_view(
    position: Position, claims: Claims, qty_step: Decimal = QUANTITY_STEP
) -> PositionView:
    """The position as its plan sees it, with what open orders hold taken out of the free
    amounts.
    """
    return PositionView(
        position_id=position.id,
        instrument=position.instrument,
        qty=position.qty,
        cash=position.cash,
        receivable=position.receivable,
        reserved_cash=claims.cash,
        reserved_qty=claims.qty,
        anchor_price=position.anchor_price,
        avg_cost=position.basis.avg_cost,
        is_paused=position.status is PositionStatus.PAUSED,
        qty_step=qty_step,
    )


def require_sound_reservations(position: Position, claims: Claims, balances: Balances) -> None:
    """Σ reservations = Σ open orders' remaining needs, and quantity and cash match the ledger."""
    held = balances.amount(position.share_key(Bucket.INVENTORY_RESERVED))
    shares = balances.amount(position.share_key(Bucket.INVENTORY)) + held
    sound = held == claims.qty and shares == position.qty
    if position.is_cell:
        reserved = balances.amount(position.cash_key(Bucket.RESERVED))
        cash = balances.amount(position.cash_key(Bucket.AVAILABLE)) + reserved
        sound = sound and reserved == claims.cash and cash == position.cash
    if not sound:
        raise Defect(
            "ledger_invariant",
            f"Ledger and book of position {position.id} disagree.",
            context={"position_id": position.id},
        )
