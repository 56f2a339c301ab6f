"""Changes a person makes to a position: pause, resume, anchor, plan, closing the record."""

from dataclasses import asdict, replace
from decimal import Decimal

from application.portfolio.order_outcome import anchor_event
from application.portfolio.recording import position_event, transfer_ids
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.plans.balancing_plan import BalancingPlan
from domain.portfolio.ledger import Bucket, LedgerKey, Phase, Transfer, TransferKind
from domain.portfolio.position import Position, PositionStatus
from domain.shared.decimals import plain
from domain.shared.errors import Conflict, StaleVersion


def _live(position_id: str, work: UnitOfWork) -> Position:
    position = work.positions.get(position_id)
    if position.status is PositionStatus.CLOSED:
        raise Conflict("position_closed", f"Position {position_id} is closed.")
    return position


def _save(before: Position, work: UnitOfWork, **changes: object) -> Position:
    after = replace(before, version=before.version + 1, **changes)  # type: ignore[arg-type]
    work.positions.save(after)
    return after


def pause(position_id: str, work: UnitOfWork) -> Position:
    """Stop running the plan; reducing orders still pass. Idempotent."""
    position = _live(position_id, work)
    if position.status is PositionStatus.PAUSED:
        return position
    paused = _save(position, work, status=PositionStatus.PAUSED)
    work.events.append([position_event("position_paused", paused, work.now, "The plan is paused.")])
    return paused


def resume(position_id: str, work: UnitOfWork) -> Position:
    """Run the plan again. Idempotent."""
    position = _live(position_id, work)
    if position.status is PositionStatus.OPEN:
        return position
    resumed = _save(position, work, status=PositionStatus.OPEN)
    work.events.append(
        [position_event("position_resumed", resumed, work.now, "The plan runs again.")]
    )
    return resumed


def set_anchor(position_id: str, price: Decimal, reason: str, work: UnitOfWork) -> Position:
    """Set the balancing reference by hand; audited with its reason."""
    position = _live(position_id, work)
    anchored = _save(position, work, anchor_price=price, anchored_at=work.now)
    message = f"Anchor set to {plain(price)}: {reason}"
    manual = position_event(
        "manual_anchor_set",
        anchored,
        work.now,
        message,
        inputs={"price": price, "reason": reason, "anchor_before": position.anchor_price},
        outputs={"anchor_after": price},
    )
    work.events.append([manual, anchor_event(position, anchored, work.now, "set by hand")])
    return anchored


def balancing_plan_of(position_id: str, work: UnitOfWork) -> BalancingPlan | None:
    """The plan whose settings may be changed; Conflict `governed_by_plan` for a trade, whose exits
    change through its protection.
    """
    position = work.positions.get(position_id)
    if position.exit_plan is not None:
        raise Conflict(
            "governed_by_plan", "The levels of a trade are changed through its protection."
        )
    return position.balancing_plan


def require_orders_by_hand(position_id: str, work: UnitOfWork) -> None:
    """NotFound for no such position; Conflict `governed_by_plan` for a trade: its plan makes the
    orders, and a close or a bar is what a person sends.
    """
    if work.positions.get(position_id).exit_plan is not None:
        raise Conflict(
            "governed_by_plan", "Orders of a trade come from its plan; close it instead."
        )


def change_plan(
    position_id: str, plan: BalancingPlan | None, expected_version: int, work: UnitOfWork
) -> Position:
    """Replace the plan; StaleVersion `stale_version` when somebody changed the position first."""
    position = _live(position_id, work)
    _require_version(position, expected_version)
    if position.plan == plan:
        return position
    changed = _save(position, work, plan=plan)
    event = position_event(
        "config_changed",
        changed,
        work.now,
        "Plan settings changed.",
        inputs={
            "before": None if position.balancing_plan is None else asdict(position.balancing_plan)
        },
        outputs={"after": None if plan is None else asdict(plan)},
    )
    work.events.append([event])
    return changed


def _require_version(position: Position, expected: int) -> None:
    if position.version != expected:
        raise StaleVersion(
            "stale_version",
            f"Position {position.id} is at version {position.version}.",
            context={"version": position.version},
        )


class RetireCell:
    """Close the record of a flat, idle cell: its cash goes to the account, history stays."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def __call__(self, position_id: str, expected_version: int, work: UnitOfWork) -> None:
        position = _live(position_id, work)
        _require_version(position, expected_version)
        if position.qty or position.receivable or work.orders.claims_of(position.id):
            raise Conflict(
                "position_not_flat", "Only a flat position without open orders can be deleted."
            )
        balances = work.ledger.balances(position.account_id, position.id)
        account_cash = LedgerKey(
            position.account_id, position.account_id, position.currency, Bucket.AVAILABLE
        )
        transfers: tuple[Transfer, ...] = ()
        if position.is_cell and position.cash > 0:
            transfers = (
                Transfer(
                    transfer_ids(self._ids)(),
                    TransferKind.CELL_FUNDING,
                    Phase.POSTED,
                    position.cash,
                    position.cash_key(Bucket.AVAILABLE),
                    account_cash,
                    "position",
                    position.id,
                    work.now,
                ),
            )
        balances.apply(transfers)
        work.ledger.post(transfers, balances)
        closed = _save(
            position, work, status=PositionStatus.CLOSED, closed_at=work.now, cash=Decimal(0)
        )
        message = f"Closed; {plain(position.cash)} cash returned to the account."
        work.events.append(
            [
                position_event(
                    "position_closed",
                    closed,
                    work.now,
                    message,
                    inputs={"cash": position.cash},
                    outputs={"status": closed.status.value},
                )
            ]
        )
