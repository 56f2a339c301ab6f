"""Durations, nulls with reasons, and the sessions that count."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from domain.portfolio.trade_statistics import trade_statistics
from domain.quant.figure import known
from domain.quant.return_ratios import growth_rate, sharpe_ratio, simple_returns, sortino_ratio
from domain.risk.nav import UnitNav
from domain.risk.nav_performance import (
    DailyNav,
    NavHistory,
    NavPerformance,
    nav_performance,
    periods_per_year,
)

D = Decimal
OPENED = date(2026, 1, 5)


def performance(*navs: str, now: str | None = None, stale: tuple[int, ...] = ()) -> NavPerformance:
    days = [
        DailyNav(OPENED + timedelta(days=n), D(nav), n in stale) for n, nav in enumerate(navs, 1)
    ]
    state = UnitNav(D(1))
    for level in (*navs, *([now] if now else [])):
        state = state.marked(D(level))
    return nav_performance(
        NavHistory(OPENED, days, state, OPENED + timedelta(days=len(navs))),
        periods_per_year("XNYS"),
    )


def test_a_new_account_has_counts_of_zero_and_ratios_that_say_why_they_are_null() -> None:
    found = performance()
    assert (found.total_return, found.current_drawdown, found.max_drawdown) == (0, 0, 0)
    assert (found.drawdown_days, found.stale_days, found.daily_returns) == (0, 0, 0)
    assert found.reasons == {
        "sharpe_ratio": "fewer_than_5_days",
        "sortino_ratio": "fewer_than_5_days",
        "annualized_return": "fewer_than_20_sessions",
        "calmar_ratio": "fewer_than_20_sessions",
        "recovery_days": "no_drawdown",
    }


def test_an_empty_book_of_trades() -> None:
    found = trade_statistics([])
    assert (found.total_trades, found.sum_return, found.curve_drawdown) == (0, 0, 0)
    assert (found.best_return, found.worst_return, found.total_fees) == (0, 0, 0)
    nulls = ("average_return", "win_rate", "profit_factor", "expectancy_r")
    assert [getattr(found, name) for name in nulls] == [None] * 4
    assert found.reasons == dict.fromkeys(nulls, "no_trades")


def test_the_fifth_daily_return_makes_a_sharpe_ratio() -> None:
    assert performance("1.01", "1", "1.02", "1.01").sharpe_ratio is None
    five = performance("1.01", "1", "1.02", "1.01", "1.03")
    r = np.array([b / a - 1 for a, b in pairwise((1, 1.01, 1, 1.02, 1.01, 1.03))])
    assert float(five.sharpe_ratio or 0) == pytest.approx(
        r.mean() / r.std(ddof=1) * np.sqrt(252), abs=1e-9
    )


def test_a_flat_or_constant_series_has_no_ratio() -> None:
    flat = performance(*["1"] * 6)
    assert flat.reasons["sharpe_ratio"] == flat.reasons["sortino_ratio"] == "zero_variance"
    steady = performance(*(str(D("1.001") ** n) for n in range(1, 8)))
    assert steady.reasons["sharpe_ratio"] == "zero_variance"
    assert steady.reasons["sortino_ratio"] == "no_downside"


def test_growth_counts_calendar_days_and_needs_twenty_sessions() -> None:
    rising = [str(1 + D(n) / 1000) for n in range(1, 21)]
    assert performance(*rising[:19]).annualized_return is None
    found = performance(*rising)
    assert float(found.annualized_return or 0) == pytest.approx(1.02 ** (365 / 20) - 1, abs=1e-9)
    assert found.reasons["calmar_ratio"] == "no_drawdown"


def test_calmar_is_growth_over_the_deepest_drawdown() -> None:
    found = performance(*["1.1", "0.99"] * 10)
    assert found.max_drawdown == D("0.1")
    assert found.calmar_ratio is not None
    assert found.annualized_return is not None
    assert float(found.calmar_ratio) == pytest.approx(float(found.annualized_return) / 0.1)


def test_durations_run_from_peak_to_recovery_and_from_trough_to_recovery() -> None:
    found = performance("1.1", "1", "0.9", "1", "1.1", "1.2", "1.19", "1.3")
    assert found.drawdown_days == 4
    assert found.recovery_days == 2


def test_a_running_drawdown_has_not_recovered() -> None:
    found = performance("1.1", "1.05", "0.9", now="0.95")
    assert (found.recovery_days, found.reasons["recovery_days"]) == (None, "not_recovered")
    assert found.drawdown_days == 2
    assert found.max_drawdown == D("0.1818181818")
    assert found.current_drawdown == D("0.1363636364")


def test_a_fall_that_recovered_within_its_session_took_no_days() -> None:
    state = UnitNav(D(100)).marked(D(90)).marked(D(100))
    found = nav_performance(
        NavHistory(OPENED, [DailyNav(OPENED, D(1))], state, OPENED), periods_per_year("24/7")
    )
    assert (found.max_drawdown, found.recovery_days) == (D("0.1"), 0)


def test_carried_sessions_are_counted() -> None:
    assert performance("1.1", "1.1", "1.2", stale=(2,)).stale_days == 1


def test_everything_lost_is_a_return_of_minus_one() -> None:
    gone = UnitNav(D(100)).marked(D(-5))
    assert (gone.nav, gone.drawdown) == (0, 1)
    assert gone.with_flow(D(1000)).marked(D(2000)).nav == 0
    days = [DailyNav(OPENED + timedelta(days=n), D(0)) for n in range(1, 25)]
    found = nav_performance(NavHistory(OPENED, days, gone, days[-1].day), 252)
    assert (found.total_return, found.annualized_return, found.max_drawdown) == (-1, -1, 1)


def test_an_account_without_money_carries_its_nav_until_money_comes() -> None:
    emptied = UnitNav(D(100)).marked(D(110)).with_flow(D(-110))
    refilled = emptied.marked(D(0)).with_flow(D(500)).marked(D(550))
    assert refilled.nav == D("1.21")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e13])
def test_no_figure_is_infinite_or_not_a_number(value: float) -> None:
    assert known(value).reason == "out_of_range"


def test_kernels_refuse_what_is_not_a_finite_series() -> None:
    for ratio in (sharpe_ratio, sortino_ratio):
        with pytest.raises(ValueError, match="finite"):
            ratio(np.array([0.1, np.nan, 0.1, 0.1, 0.1]), 252)
    with pytest.raises(ValueError, match="negative"):
        simple_returns(np.array([1.0, -1.0]))
    assert growth_rate(1e9, 1e-6).reason == "out_of_range"
    assert growth_rate(2.0, 0.0).reason == "short_period"


def test_growth_from_dust_stays_within_what_can_be_stored() -> None:
    state = UnitNav(D("0.000001"))
    for _ in range(3):
        state = state.marked(D(10) ** 19).with_flow(D("0.000001") - D(10) ** 19)
    assert state.nav == D(10) ** 18
