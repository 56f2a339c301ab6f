"""Open trades as lists show them: one query for positions, none per position."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.portfolio.close_trade import live_trade
from application.portfolio.trade_sessions import TradeCalendar, trade_calendar
from application.portfolio.trade_state import net_state
from application.ports.calendars import CalendarTables
from application.ports.unit_of_work import UnitOfWork
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.plans.trade_figures import TradeFigures, trade_figures
from domain.portfolio.position import Position


@dataclass(frozen=True, slots=True)
class LiveTrade:
    """An open trade with its figures at the newest reported price; `days_held` up to its newest
    bar.
    """

    position: Position
    plan: RegimeExitPlan
    figures: TradeFigures
    days_held: int


class ReadLiveTrades:
    """Open trades of the main account that were entered."""

    def __init__(self, calendars: CalendarTables) -> None:
        self._calendars = calendars

    def all(self, work: UnitOfWork) -> Sequence[LiveTrade]:
        """By instrument; each calendar is looked up once."""
        live = work.positions.live_trades(work.accounts.main().id)
        calendars = {
            name: trade_calendar(name, self._calendars, work.now)
            for name in {position.calendar for position in live}
        }
        views = (_view(position, calendars[position.calendar]) for position in live)
        return [trade for trade in views if trade is not None]

    def of_symbol(self, symbol: str, work: UnitOfWork) -> LiveTrade | None:
        """The one in the symbol, None while its entry waits; NotFound `position_not_found`."""
        position = live_trade(symbol, work)
        return _view(position, trade_calendar(position.calendar, self._calendars, work.now))


def _view(position: Position, calendar: TradeCalendar) -> LiveTrade | None:
    plan = position.exit_plan
    if plan is None or plan.initial_qty is None or position.last_executed_at is None:
        return None
    session = plan.entry_session if plan.last_bar is None else plan.last_bar.session
    days_held = calendar.sessions_after(plan.entry_session, session)
    return LiveTrade(position, plan, trade_figures(plan, net_state(position)), days_held)
