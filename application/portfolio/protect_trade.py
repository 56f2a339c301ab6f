"""Change the protection of a trade: a higher stop, nearer targets, trailing on; never back."""

from dataclasses import replace

from application.portfolio.recording import position_event
from application.portfolio.trade_events import step_events, step_rows
from application.portfolio.trade_rows import TradeMoment, targets_row
from application.portfolio.trade_sessions import trade_calendar
from application.portfolio.update_regime_position import trade_plan
from application.ports.calendars import CalendarTables
from application.ports.unit_of_work import UnitOfWork
from domain.plans.exit_actions import MoveTarget
from domain.plans.protection import ProtectionChange, tightened
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.portfolio.position import Position


class ProtectTrade:
    """Conflict `stop_widening_refused`, `position_closed`; Invalid `invalid_plan` for a price off
    the tick or on the wrong side.
    """

    def __init__(self, calendars: CalendarTables) -> None:
        self._calendars = calendars

    def __call__(self, position_id: str, change: ProtectionChange, work: UnitOfWork) -> Position:
        position = work.positions.get(position_id)
        plan = trade_plan(position)
        after_plan, actions = tightened(plan, change)
        if after_plan == plan:
            return position
        after = replace(position, plan=after_plan, version=position.version + 1)
        work.positions.save(after)
        calendar = trade_calendar(position.calendar, self._calendars, work.now)
        moment = TradeMoment(calendar.today, work.now)
        changed = position_event(
            "config_changed",
            after,
            work.now,
            f"Protection of {after.instrument} tightened.",
            inputs={"before": _protection(plan)},
            outputs={"after": _protection(after_plan)},
        )
        rows = step_rows(after, actions, {}, moment)
        nearer = [action for action in actions if isinstance(action, MoveTarget)]
        if nearer:
            rows.append(targets_row(after, nearer, moment))
        work.events.append([changed, *step_events(after, rows, {}, work)])
        return after


def _protection(plan: RegimeExitPlan) -> dict[str, object]:
    return {
        "stop": plan.stop.price,
        "targets": {str(target.level): target.price for target in plan.pending_targets},
        "trailing": plan.trailing,
    }
