"""Money that comes or goes never changes a return or a drawdown."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.portfolio.trade_statistics import TradeTally, trade_statistics
from domain.portfolio.trades import TradeResult
from domain.risk.nav import NavMark, UnitNav, fold, with_late_flow
from domain.risk.nav_performance import DailyNav, NavHistory, nav_performance
from domain.shared.decimals import fraction

START = datetime(2026, 1, 5, tzinfo=UTC)
equities = st.decimals(Decimal("0.01"), Decimal(1000000000), places=6)
flows = st.decimals(Decimal(-1000000), Decimal(1000000), places=6)
starts = st.builds(UnitNav, equities)


def grow(returns: list[Decimal], flows_by_mark: list[Decimal], start: Decimal) -> list[NavMark]:
    """Marks of a portfolio that earns `returns` on whatever money it holds, flows included."""
    equity, marks = start, []
    for n, (r, flow) in enumerate(zip(returns, flows_by_mark, strict=True)):
        equity *= 1 + r
        paid = max(flow, 1 - equity)
        marks.append(NavMark(START + timedelta(days=n), equity, paid))
        equity += paid
    return marks


@given(starts, equities, flows)
def test_a_flow_leaves_nav_and_drawdown_unchanged_at_its_instant(
    start: UnitNav, equity: Decimal, flow: Decimal
) -> None:
    before = start.marked(equity)
    after = before.with_flow(flow)
    assert (after.nav, after.drawdown) == (before.nav, before.drawdown)
    if after.equity > 0:
        again = after.marked(after.equity)
        assert (again.nav, again.drawdown, again.max_drawdown) == (
            before.nav, before.drawdown, before.max_drawdown,
        )  # fmt: skip


@given(
    st.lists(
        st.tuples(st.decimals(Decimal("-0.5"), Decimal("0.5"), places=3), flows),
        min_size=1,
        max_size=8,
    ),
    st.decimals(Decimal(100), Decimal(100_000), places=2),
)
def test_the_same_returns_give_the_same_nav_with_and_without_flows(
    steps: list[tuple[Decimal, Decimal]], start: Decimal
) -> None:
    returns = [r for r, _ in steps]
    quiet = fold(UnitNav(start), grow(returns, [Decimal(0)] * len(returns), start))
    busy = fold(UnitNav(start), grow(returns, [flow for _, flow in steps], start))
    for one, other in zip(quiet, busy, strict=True):
        assert abs(one.nav - other.nav) < Decimal("1e-12")
        assert abs(one.drawdown - other.drawdown) < Decimal("1e-12")


@given(starts, equities, flows, flows, equities)
def test_splitting_a_flow_changes_nothing(
    start: UnitNav, equity: Decimal, one: Decimal, two: Decimal, later: Decimal
) -> None:
    whole = start.marked(equity).with_flow(one + two)
    parts = start.marked(equity).with_flow(one).with_flow(two)
    assert whole.marked(later) == parts.marked(later)


@given(starts, st.lists(st.tuples(equities, flows), max_size=6), st.integers(2, 1000))
def test_scaling_all_money_changes_nothing(
    start: UnitNav, steps: list[tuple[Decimal, Decimal]], by: int
) -> None:
    marks = [NavMark(START, equity, flow) for equity, flow in steps]
    scaled = [NavMark(m.at, m.equity * by, m.flow * by) for m in marks]
    wide = UnitNav(start.equity * by)
    assert [s.nav for s in fold(start, marks)] == [s.nav for s in fold(wide, scaled)]


@given(st.lists(equities, min_size=2, max_size=8), flows, st.data())
def test_a_late_flow_equals_the_flow_at_its_time(
    levels: list[Decimal], flow: Decimal, data: st.DataObject
) -> None:
    marks = [NavMark(START + timedelta(days=n), e) for n, e in enumerate(levels)]
    joined = data.draw(st.integers(0, len(marks) - 1))
    in_time = [
        replace(
            m, equity=m.equity + (flow if n > joined else 0), flow=flow if n == joined else m.flow
        )
        for n, m in enumerate(marks)
    ]
    late = with_late_flow(marks, marks[joined].at + timedelta(hours=1), flow)
    assert fold(UnitNav(Decimal(100)), late) == fold(UnitNav(Decimal(100)), in_time)


@given(starts, st.lists(st.tuples(equities, flows), max_size=12))
def test_drawdowns_are_fractions_and_the_peak_never_falls(
    start: UnitNav, steps: list[tuple[Decimal, Decimal]]
) -> None:
    previous = start
    for state in fold(start, (NavMark(START, e, f) for e, f in steps)):
        assert 0 <= state.drawdown <= state.max_drawdown <= 1
        assert state.high_water_mark >= previous.high_water_mark >= 1
        assert state.max_drawdown >= previous.max_drawdown
        previous = state


@given(st.lists(st.decimals(Decimal(0), Decimal(100), places=4), max_size=40))
def test_performance_never_answers_what_is_not_a_number(navs: list[Decimal]) -> None:
    days = [DailyNav(date(2026, 1, 5) + timedelta(days=n), nav) for n, nav in enumerate(navs)]
    state = UnitNav(Decimal(1))
    for nav in navs:
        state = state.marked(nav)
    found = nav_performance(NavHistory(date(2026, 1, 5), days, state, date(2027, 1, 1)), 365)
    for name in ("sharpe_ratio", "sortino_ratio", "annualized_return", "calmar_ratio"):
        value = getattr(found, name)
        assert (value is None) == (name in found.reasons)
        assert value is None or value.is_finite()
    assert (found.recovery_days is None) == ("recovery_days" in found.reasons)
    assert found.drawdown_days >= (found.recovery_days or 0)


results = st.builds(
    TradeResult,
    net_pnl=st.decimals(Decimal(-100000), Decimal(100_000), places=2),
    cost=st.decimals(Decimal("0.01"), Decimal(10_000), places=2),
    fees=st.decimals(Decimal(0), Decimal(100), places=2),
    initial_risk=st.none() | st.decimals(Decimal("0.01"), Decimal(1000), places=2),
    regime_at_entry=st.sampled_from([None, "bull_normal", "crisis_opportunity"]),
)


@given(st.lists(results, max_size=20), st.integers(0, 20))
def test_statistics_of_trades_agree_with_their_definitions(
    trades: list[TradeResult], cut: int
) -> None:
    found = trade_statistics(trades)
    tally = TradeTally()
    for part in (trades[:cut], trades[cut:]):
        for one in part:
            tally.add(one)
        tally.statistics()
    assert tally.statistics() == found
    returns = [t.net_pnl / t.cost for t in trades]
    assert found.total_trades == len(trades)
    assert found.sum_return == fraction(sum(returns, Decimal(0)))
    assert found.best_return == fraction(max([Decimal(0), *returns]))
    assert found.worst_return == fraction(min([Decimal(0), *returns]))
    assert 0 <= found.curve_drawdown <= 1
    assert sum(group.trades for group in found.by_regime) == len(trades)
    for name in ("average_return", "win_rate", "profit_factor", "expectancy_r"):
        assert (getattr(found, name) is None) == (name in found.reasons)
    decided = [r for r in returns if r]
    if decided:
        assert found.win_rate == fraction(Decimal(sum(r > 0 for r in decided)) / len(decided))
