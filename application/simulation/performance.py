"""What a run achieved: its closed trades and its daily equity, by the definitions every report
uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.ports.repositories import Page
from application.ports.unit_of_work import UnitOfWork
from application.simulation.open_book import OpenBook, open_book
from application.simulation.valuation import Valuation
from domain.portfolio.account import Account
from domain.portfolio.round_trip import RoundTrip
from domain.portfolio.simulation_run import EquityPoint, SimulationRun
from domain.portfolio.trade_statistics import TradeStatistics, trade_statistics
from domain.portfolio.trades import TradeResult
from domain.risk.nav import UnitNav
from domain.risk.nav_performance import (
    DailyNav,
    NavHistory,
    NavPerformance,
    nav_performance,
    periods_per_year,
)

TRADES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class RunPerformance:
    """Figures of one run."""

    trades: TradeStatistics
    nav: NavPerformance
    book: OpenBook


def run_performance(
    run: SimulationRun, account: Account, value: Valuation, work: UnitOfWork
) -> RunPerformance:
    """From the closed round trips, and from the last equity of each UTC day."""
    closed = work.simulation.trips.closed(run.id, Page(limit=TRADES_MAX))
    points = work.simulation.equity.of_run(run.id)
    # An archived run ended when it was archived.
    at = run.clock(run.archived_at or work.now)
    history = _nav_history(run, points, value, at)
    return RunPerformance(
        trade_statistics(_result(trip) for trip in closed),
        nav_performance(history, periods_per_year(account.calendar)),
        open_book(run, account, value, work),
    )


def _nav_history(
    run: SimulationRun, points: Sequence[EquityPoint], value: Valuation, at: datetime
) -> NavHistory:
    state = UnitNav(equity=run.initial_capital)
    days: dict[object, DailyNav] = {}
    for point in points:
        state = state.marked(point.equity)
        days[point.at.date()] = DailyNav(point.at.date(), state.nav)
    if value.equity is not None:
        state = state.marked(value.equity)
    closed = [daily for daily in days.values() if daily.day < at.date()]
    opened_on = (points[0].at if points else run.created_at).date()
    return NavHistory(opened_on, closed, state, at.date())


def _result(trip: RoundTrip) -> TradeResult:
    return TradeResult(trip.net_pnl, trip.entry_notional, trip.fees, trip.risk)


def daily_pnl(
    run: SimulationRun, value: Valuation, work: UnitOfWork
) -> tuple[Decimal | None, str | None]:
    """Equity now less the last one of the day before (UTC); the capital on the first day."""
    if value.equity is None:
        return None, "no_price"
    at = run.clock(work.now)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    before = [p for p in work.simulation.equity.of_run(run.id) if p.at < midnight]
    if before:
        return value.equity - before[-1].equity, None
    if run.created_at >= midnight or run.replay is not None:
        return value.equity - run.initial_capital, None
    return None, "no_equity_before_today"
