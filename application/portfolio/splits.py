"""Announce a split, and apply it to the positions that held the instrument before its ex-date.

What arrived in kind keeps its price per old share (`opening_price`): the rebuild folds it in before
the split, so rescaling it would change the cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from application.market.register_instrument import registered
from application.portfolio.end_order import EndOrder
from application.portfolio.ex_session import (
    calendar_of,
    ex_session_opens_at,
    require_ex_date_reached,
)
from application.portfolio.recording import (
    Claims,
    position_event,
    require_sound_reservations,
    transfer_ids,
)
from application.portfolio.trade_rows import Row, TradeMoment, split_row
from application.ports.calendars import CalendarTables
from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.plans.corporate_actions import rescaled_by_split
from domain.portfolio.cost_basis import BookEntry, EntryKind, apply_entry
from domain.portfolio.ledger import Bucket, Phase, Transfer, TransferKind
from domain.portfolio.lifecycle import OrderFact
from domain.portfolio.position import Plan, Position
from domain.portfolio.split import (
    Split,
    SplitLevels,
    SplitResult,
    apply_split,
    require_in_order,
    rescaled,
)
from domain.portfolio.trading_day import session_date
from domain.shared.decimals import plain
from domain.shared.errors import Conflict
from domain.shared.events import NewEvent, explained
from domain.shared.ids import Prefix

CORPORATE_ACTION = "corporate_action"
TICK_DEFAULT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class NewSplit:
    """`ratio` = new shares per old share."""

    ticker: str
    ratio: Decimal
    ex_date: date


@dataclass(frozen=True, slots=True)
class AnnouncedSplit:
    """The split; `replayed` when it had been announced before with this ratio."""

    split: Split
    replayed: bool


@dataclass(frozen=True, slots=True)
class PositionSplit:
    """A position after the split; `change` is null when the split had been applied before."""

    position: Position
    change: SplitResult | None = None
    cancelled_orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitApplied:
    """What the split did, position by position."""

    split: Split
    positions: tuple[PositionSplit, ...]

    @property
    def replayed(self) -> bool:
        """True when it had been applied to every position before."""
        return bool(self.positions) and all(item.change is None for item in self.positions)


class AnnounceSplit:
    """Conflict `split_terms_differ`; Invalid `invalid_split`."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def __call__(self, new: NewSplit, work: UnitOfWork) -> AnnouncedSplit:
        instrument, _ = registered(new.ticker, work)
        split = Split(self._ids.new(Prefix.SPLIT), instrument.id, new.ratio, new.ex_date)
        known = work.splits.find(split.instrument, split.ex_date)
        if known is None:
            work.splits.add(split)
            work.events.append([_announcement(split, work.now)])
            return AnnouncedSplit(split, replayed=False)
        if known.ratio != split.ratio:
            raise Conflict(
                "split_terms_differ",
                f"This split is already announced with the ratio {plain(known.ratio)}.",
                context={"split_id": known.id, "ratio": known.ratio},
            )
        return AnnouncedSplit(known, replayed=True)


class ApplySplit:
    """Once per position, all positions of the owner or none.

    Conflict `before_ex_date`, and `split_out_of_order` behind an execution of the ex-date or a
    later split.
    """

    def __init__(self, ids: Ids, calendars: CalendarTables, end_order: EndOrder) -> None:
        self._ids = ids
        self._calendars = calendars
        self._end_order = end_order

    def __call__(self, split_id: str, work: UnitOfWork) -> SplitApplied:
        split = work.splits.get(split_id)
        calendar = calendar_of(split.instrument, work)
        require_ex_date_reached(calendar, split.ex_date, work.now)
        opens_at = ex_session_opens_at(calendar, split.ex_date, self._calendars)
        # Applied before the open, it counts from now on: later executions are in new shares.
        effective_at = min(opens_at, work.now)
        done = []
        for position in work.positions.holding(split.instrument):
            if any(a.split_id == split.id for a in work.splits.applied_to_position(position.id)):
                done.append(PositionSplit(position))
            elif position.opened_at < effective_at:
                done.append(self._apply(split, position, effective_at, work))
        return SplitApplied(split, tuple(done))

    def _apply(
        self, split: Split, held: Position, effective_at: datetime, work: UnitOfWork
    ) -> PositionSplit:
        _require_in_order(split, held, effective_at, work)
        cancelled = self._cancel_orders(held, work)
        position = work.positions.get(held.id)
        work.splits.mark_applied(split.id, position.id, effective_at)
        entry = BookEntry(EntryKind.SPLIT, effective_at, ("", split.id), split.ratio)
        basis, _ = apply_entry(position.basis, entry)
        change = apply_split(split.ratio, _levels(position), tick=_tick(position, work))
        after = replace(
            position,
            basis=basis,
            anchor_price=change.levels.anchor_price,
            high_water=change.levels.high_water,
            low_water=change.levels.low_water,
            last_fill_price=rescaled(position.last_fill_price, split.ratio),
            mark_price=rescaled(position.mark_price, split.ratio),
            plan=_plan_after(position, split),
            # An execution reported later for an earlier instant must be seen as out of order.
            last_executed_at=effective_at,
            version=position.version + 1,
        )
        work.positions.save(after)
        balances = work.ledger.balances(position.account_id, position.id)
        transfers = self._transfers(split, position, after.qty - position.qty, work.now)
        balances.apply(transfers)
        work.ledger.post(transfers, balances)
        claims = Claims.of(work.orders.claims_of(after.id))
        require_sound_reservations(after, claims, balances)
        work.events.append(
            [
                _event(
                    split,
                    position,
                    after,
                    change,
                    cancelled,
                    _row(split, after, effective_at),
                    work.now,
                )
            ]
        )
        return PositionSplit(after, change, cancelled)

    def _cancel_orders(self, position: Position, work: UnitOfWork) -> tuple[str, ...]:
        ended = [
            self._end_order.end(order, OrderFact.CANCEL_CONFIRMED, CORPORATE_ACTION, work)
            for order in work.orders.open_of(position.id)
        ]
        return tuple(order.id for order in ended)

    def _transfers(
        self, split: Split, position: Position, change: Decimal, now: datetime
    ) -> tuple[Transfer, ...]:
        if change == 0:
            return ()
        ends = position.share_key(Bucket.ISSUER), position.share_key(Bucket.INVENTORY)
        source, target = ends if change > 0 else ends[::-1]
        new_id = transfer_ids(self._ids)
        posted = Phase.POSTED
        return (
            Transfer(new_id(), TransferKind.SPLIT, posted, abs(change), source, target,
                     "split", split.id, now),
        )  # fmt: skip


def _plan_after(position: Position, split: Split) -> Plan | None:
    plan = position.exit_plan
    return position.plan if plan is None else rescaled_by_split(plan, split.ratio, split.ex_date)


def _row(split: Split, after: Position, effective_at: datetime) -> Row:
    """The split as a step of the trade's history; a cell has none."""
    if after.exit_plan is None:
        return {}
    return split_row(after, split.ratio, TradeMoment(split.ex_date, effective_at))


def _require_in_order(
    split: Split, position: Position, effective_at: datetime, work: UnitOfWork
) -> None:
    applied = work.splits.applied_to_position(position.id)
    days = [session_date(position.calendar, earlier.at) for earlier in applied]
    require_in_order(
        split,
        ex_session_opens_at=effective_at,
        last_fill_at=position.last_executed_at,
        last_split_ex_date=max(days, default=None),
    )


def _levels(position: Position) -> SplitLevels:
    return SplitLevels(
        qty=position.qty,
        anchor_price=position.anchor_price,
        avg_cost=position.basis.avg_cost,
        high_water=position.high_water,
        low_water=position.low_water,
    )


def _tick(position: Position, work: UnitOfWork) -> Decimal:
    instrument = work.instruments.find(position.instrument)
    return (instrument.tick_size if instrument else None) or TICK_DEFAULT


def _announcement(split: Split, now: datetime) -> NewEvent:
    message = f"{split.instrument}: {plain(split.ratio)} new shares per old share."
    inputs = {"ticker": split.instrument, "ratio": split.ratio, "ex_date": str(split.ex_date)}
    data = explained(message, inputs=inputs, outputs={"split_id": split.id})
    return NewEvent("split_announced", "split", split.id, None, data, now)


def _event(
    split: Split,
    before: Position,
    after: Position,
    change: SplitResult,
    cancelled: Sequence[str],
    row: Row,
    now: datetime,
) -> NewEvent:
    message = f"Split {plain(split.ratio)}: {plain(before.qty)} shares became {plain(after.qty)}"
    if change.qty_dropped:
        message += f", {plain(change.qty_dropped)} below the smallest quantity dropped"
    return position_event(
        "split_applied",
        after,
        now,
        message + ".",
        inputs={
            "split_id": split.id,
            "ratio": split.ratio,
            "ex_date": split.ex_date.isoformat(),
            "qty": before.qty,
            "cost": before.basis.cost,
            "anchor_price": before.anchor_price,
            "high_water": before.high_water,
            "low_water": before.low_water,
            "last_fill_price": before.last_fill_price,
        },
        outputs={
            "qty": after.qty,
            "qty_dropped": change.qty_dropped,
            "cost": after.basis.cost,
            "avg_cost": after.basis.avg_cost,
            "anchor_price": after.anchor_price,
            "high_water": after.high_water,
            "low_water": after.low_water,
            "last_fill_price": after.last_fill_price,
            "cancelled_orders": list(cancelled),
            **row,
        },
    )
