"""How many decisions of a regime trade one core makes in a second."""

from decimal import Decimal

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from domain.plans.regime_exit import ExitMarket, decide
from domain.plans.regime_rules import ExitRules
from tests.support.exit_trade import LONG_HOLD, Trade, bar, opened, state

pytestmark = pytest.mark.bench
DECISIONS = 10_000
QUIET = ("101.5", "103", "99", "100.25")


def per_second(benchmark: BenchmarkFixture) -> float:
    return DECISIONS / benchmark.stats.stats.median


def test_quiet_bars_of_a_day_each(benchmark: BenchmarkFixture) -> None:
    """The backtest's case: every bar begins a session and has a market of its own."""
    updates = [
        ExitMarket(bar(*QUIET, day=day), state("18", day=day, vix_change="1"), LONG_HOLD, 1)
        for day in range(1, DECISIONS + 1)
    ]

    def walk() -> Decimal:
        trade = Trade(opened(rules=LONG_HOLD))
        for update in updates:
            trade.plan = decide(trade.plan, trade.view, update).plan
        return trade.plan.stop.price

    assert benchmark(walk) == 92
    print(f"\nregime exit, a session per bar: {per_second(benchmark):,.0f} decisions/s")


def test_quiet_updates_of_one_running_session(benchmark: BenchmarkFixture) -> None:
    """The plan runner's case: polls that amend the session's bar."""
    market, rules = state("18", day=1), ExitRules()
    updates = [
        ExitMarket(
            bar(str(100 + Decimal(n % 700) / 1000), final=False), market, rules, 1, None, f"{n}"
        )
        for n in range(DECISIONS)
    ]

    def walk() -> Decimal:
        trade = Trade(opened())
        for update in updates:
            trade.plan = decide(trade.plan, trade.view, update).plan
        return trade.plan.stop.price

    assert benchmark(walk) == 92
    print(f"\nregime exit, one running session: {per_second(benchmark):,.0f} decisions/s")
