"""Published performance figures: trades, NAV with flows, ratios of two real series."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from domain.portfolio.trade_statistics import trade_statistics
from domain.portfolio.trades import Trade, TradeResult
from domain.quant.return_ratios import (
    calmar_ratio,
    drawdown,
    growth_rate,
    sharpe_ratio,
    simple_returns,
    sortino_ratio,
)
from domain.risk.nav import NavMark, UnitNav, fold
from domain.risk.nav_performance import NavHistory, nav_performance

D = Decimal
DATA = Path(__file__).parents[1] / "data" / "performance"
OPENED = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


def result(qty: str, entry: str, realized: str, stop: str = "92", fees: str = "0") -> TradeResult:
    return Trade(
        position_id="pos_1",
        instrument="AAPL",
        opened_at=OPENED,
        closed_at=OPENED + timedelta(days=3),
        entry_price=D(entry),
        initial_qty=D(qty),
        realized_pnl=D(realized),
        fees=D(fees),
        initial_risk=D(qty) * (D(entry) - D(stop)),
        regime_at_entry="bull_normal",
    ).result


@pytest.mark.parametrize(
    ("slices", "qty", "expected"),
    [
        (((50, 112), (50, 125), (100, 140)), "200", "0.2925"),
        (((33, 112), (33, 125), (67, 140)), "133", "0.2933082707"),
    ],
)
def test_the_return_of_a_trade_counts_every_slice_over_the_whole_entry(
    slices: tuple[tuple[int, int], ...], qty: str, expected: str
) -> None:
    realized = sum(D(shares) * (D(price) - 100) for shares, price in slices)
    figures = trade_statistics([result(qty, "100", str(realized))])
    assert figures.sum_return == figures.average_return == figures.best_return == D(expected)
    assert figures.win_rate == 1
    assert figures.worst_return == figures.curve_drawdown == 0
    assert (figures.profit_factor, figures.reasons["profit_factor"]) == (None, "no_losses")


def test_one_losing_trade_on_a_fifth_of_the_equity() -> None:
    figures = trade_statistics([result("200", "100", "-1600")])
    assert (figures.best_return, figures.worst_return) == (0, D("-0.08"))
    assert figures.curve_drawdown == D("0.08")
    assert (figures.win_rate, figures.profit_factor, figures.expectancy_r) == (0, 0, -1)
    nav = UnitNav(D(100_000)).marked(D(98_400))
    account = nav_performance(NavHistory(OPENED.date(), [], nav, date(2026, 1, 8)), 252)
    assert account.current_drawdown == D("0.016")
    assert account.total_return == D("-0.016")
    assert (account.sharpe_ratio, account.annualized_return) == (None, None)
    assert account.reasons["sharpe_ratio"] == "fewer_than_5_days"
    assert account.reasons["annualized_return"] == "fewer_than_20_sessions"


def test_fees_lower_the_return_and_the_multiple() -> None:
    figures = trade_statistics([result("10", "100", "80", fees="4")])
    assert figures.average_return == D("0.076")
    assert figures.expectancy_r == D("0.95")
    assert figures.total_fees == 4


def test_a_deposit_hides_no_loss() -> None:
    marks = [
        NavMark(OPENED, D(11_000)),
        NavMark(OPENED + timedelta(days=1), D(11_000), D(5_000)),
        NavMark(OPENED + timedelta(days=2), D(14_400)),
    ]
    after = fold(UnitNav(D(10_000)), marks)
    assert [state.nav for state in after] == [D("1.1"), D("1.1"), D("0.99")]
    assert (after[-1].high_water_mark, after[-1].drawdown) == (D("1.1"), D("0.1"))
    assert after[-1].nav / after[1].nav - 1 == D("-0.1")
    assert marks[-1].equity - marks[0].equity - D(5_000) == -1_600


def test_a_withdrawal_at_the_peak_is_no_drawdown() -> None:
    after = UnitNav(D(10_000)).marked(D(11_000)).with_flow(D(-3_000)).marked(D(8_000))
    assert (after.nav, after.drawdown, after.max_drawdown) == (D("1.1"), 0, 0)


@pytest.mark.parametrize(
    ("file", "periods", "sharpe", "sortino", "cagr", "deepest", "calmar"),
    [
        (
            "sp500_closes_2008_2018.csv", 252,
            0.3426039521, 0.4776402049, 0.04988246288, 0.539261489, 0.09250143742,
        ),
        (
            "btcusd_daily_closes.csv", 365,
            1.192026841, 1.779128541, 0.8500632543, 0.834293493, 1.018901935,
        ),
    ],
)  # fmt: skip
def test_ratios_of_real_series_agree_with_independent_libraries(
    file: str,
    periods: int,
    sharpe: float,
    sortino: float,
    cagr: float,
    deepest: float,
    calmar: float,
) -> None:
    closes = np.loadtxt(DATA / file, skiprows=1)
    returns = simple_returns(closes)
    growth = growth_rate(float(closes[-1] / closes[0]), returns.size / periods)
    worst = float(drawdown(closes).max())
    found = [
        sharpe_ratio(returns, periods).value,
        sortino_ratio(returns, periods).value,
        growth.value,
        worst,
        calmar_ratio(growth, worst).value,
    ]
    assert found == pytest.approx([sharpe, sortino, cagr, deepest, calmar], rel=1e-9)
