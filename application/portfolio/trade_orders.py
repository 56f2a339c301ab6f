"""A trade's orders: through the one gate, and reported filled on the manual venue at once.

There is no second path: what a plan decides and what a person closes are orders like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from application.portfolio.account_nav import AccountNav
from application.portfolio.nav_restatement import BarEffect
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution, RecordFill
from application.portfolio.running_worth import Change
from application.portfolio.submit_order import SubmitOrder, Submitted
from application.portfolio.trade_rows import ExecutedExit
from application.ports.unit_of_work import UnitOfWork
from domain.plans.exit_actions import Exit, ExitCause
from domain.plans.plan import Action
from domain.plans.regime_rules import ExitRules
from domain.plans.trade_figures import exit_fill_price
from domain.portfolio.order import Origin
from domain.portfolio.position import Position, PositionStatus
from domain.shared.decimals import ZERO, cash, divide
from domain.shared.errors import RuleRefused
from domain.shared.side import Side

AFTER_THE_LAST = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Sold:
    """The position after its exits, each with the index of its action."""

    position: Position
    exits: dict[int, ExecutedExit]
    last: Submitted | None = None


class TradeOrders:
    """Entries at the price the caller names, exits at the decided prices less slippage.

    Sessions that closed before are recorded first. `record` keeps no NAV itself: between an exit
    and the bar's close the rest would be valued at the exit.
    """

    def __init__(
        self, submit: SubmitOrder, record: RecordFill, nav: AccountNav | None = None
    ) -> None:
        self._submit = submit
        self._record = record
        self._nav = nav or AccountNav()

    def enter(
        self, position: Position, order: OrderRequest, price: Decimal, work: UnitOfWork
    ) -> tuple[Submitted, Position]:
        """Buy and fill at `price`; a refused entry closes the position it was made for."""
        self._close_sessions(position, work)
        submitted = self._submit(position.id, order, work)
        if not submitted.accepted:
            closed = replace(
                position,
                status=PositionStatus.CLOSED,
                closed_at=work.now,
                version=position.version + 1,
            )
            work.positions.save(closed)
            return submitted, closed
        execution = Execution(price, order.qty, executed_at=position.opened_at)
        recorded = self._record(submitted.order.id, execution, work)
        self.touch(Change(position, recorded.position), work)
        return submitted, recorded.position

    def leave(
        self,
        position: Position,
        actions: Sequence[Action],
        rules: ExitRules,
        at: datetime,
        work: UnitOfWork,
    ) -> Sold:
        """Sell what the actions say, one reduce-only order each, in their order."""
        self._close_sessions(position, work)
        exits: dict[int, ExecutedExit] = {}
        last = None
        entry_fee_per_share = _entry_fee_per_share(position)
        for number, action in enumerate(actions):
            if isinstance(action, Exit):
                submitted = self._sell(position, action, rules, work)
                execution = Execution(
                    _fill_price(position, action, rules),
                    action.qty,
                    executed_at=_executed_at(position, at, work.now),
                )
                recorded = self._record(submitted.order.id, execution, work)
                last = replace(submitted, order=recorded.order)
                position = recorded.position
                entry_fee = cash(entry_fee_per_share * action.qty)
                exits[number] = ExecutedExit(action, recorded.fill, entry_fee)
        return Sold(position, exits, last)

    def priced(self, effect: BarEffect, work: UnitOfWork) -> None:
        """The account's NAV after a bar was stored, also where the bar came late."""
        self._nav.reprice(work.accounts.get(effect.after.account_id), effect, work)
        self.touch(effect, work)

    def touch(self, change: Change, work: UnitOfWork) -> None:
        """The account's NAV after a position changed."""
        self._nav.touch(work.accounts.get(change.after.account_id), change, work)

    def _close_sessions(self, position: Position, work: UnitOfWork) -> None:
        self._nav.close_sessions(work.accounts.get(position.account_id), work)

    def _sell(
        self, position: Position, exit_: Exit, rules: ExitRules, work: UnitOfWork
    ) -> Submitted:
        order = OrderRequest(
            side=Side.SELL,
            qty=exit_.qty,
            is_close=True,
            origin=Origin.MANUAL if exit_.cause is ExitCause.MANUAL_CLOSE else Origin.PLAN,
            declared_price=exit_.price,
            note=exit_.reason,
            confirm_duplicate=True,
            commission_rate=rules.commission_rate,
        )
        submitted = self._submit(position.id, order, work)
        if not submitted.accepted:
            raise RuleRefused(
                "risk_rejected",
                submitted.verdict.sentence(),
                context={"checks": submitted.order.checks},
            )
        return submitted


def _entry_fee_per_share(position: Position) -> Decimal:
    plan = position.exit_plan
    return divide(plan.entry_fee, plan.initial_qty) if plan and plan.initial_qty else ZERO


def _fill_price(position: Position, exit_: Exit, rules: ExitRules) -> Decimal:
    plan = position.exit_plan
    assert plan is not None
    return max(plan.price_step, exit_fill_price(exit_.price, rules.slippage, plan.price_step))


def _executed_at(position: Position, at: datetime, now: datetime) -> datetime:
    """The bar's instant, after everything already executed and never later than now."""
    after = position.last_executed_at or position.opened_at
    return min(now, max(at, after + AFTER_THE_LAST))
