"""How fast the paper market takes prices with thousands of resting orders, and whether orders of
other symbols cost anything.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import perf_counter, thread_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from application.ports.paper_market import PaperSnapshot, PaperTerms
from domain.market.price_event import PriceTick
from domain.portfolio.order import OrderType
from domain.portfolio.ticket import OrderTicket
from domain.shared.side import Side
from infrastructure.exchanges.paper.engine import PaperEngine

pytestmark = pytest.mark.bench
ORDERS, SYMBOLS, EVENTS = 5_000, 200, 2_000
START = datetime(2026, 1, 5, tzinfo=UTC)
RATE, SLIPPAGE, CENT = Decimal("0.001"), Decimal("0.0001"), Decimal("0.01")


def tick(symbol: int, number: int, cents: int) -> PriceTick:
    bid = cents * CENT
    at = START + timedelta(milliseconds=number)
    return PriceTick(f"S{symbol}", at, "bench", bid, bid + CENT, mark=bid)


def loaded(orders: int, symbols: int) -> PaperEngine:
    """Resting limits and stops, a quarter each side and kind, up to 10 % around 100.00."""
    draw = random.Random(7)
    engine = PaperEngine(PaperTerms("acc_bench"), PaperSnapshot(Decimal(10_000_000)))
    for symbol in range(symbols):
        engine.on_tick(tick(symbol, 0, 10_000))
    for number in range(orders):
        side, is_stop = draw.choice(tuple(Side)), draw.random() < 0.5
        distance = draw.randint(10, 1_000) * CENT * side.sign * (1 if is_stop else -1)
        engine.submit(
            OrderTicket(
                f"ord_{number}", f"blo_{number}", "acc_bench", f"S{number % symbols}", side,
                Decimal(1), CENT, OrderType.STOP_MARKET if is_stop else OrderType.LIMIT,
                stop_price=100 + distance if is_stop else None,
                limit_price=None if is_stop else 100 + distance,
                taker_rate=RATE, maker_rate=RATE, slippage=SLIPPAGE, leverage=10,
            ),
            START,
        )  # fmt: skip
    assert len(engine.open_orders()) == orders
    return engine


def walks(symbols: int) -> list[PriceTick]:
    """A random walk per symbol in steps of up to 2 %, symbols in turn."""
    draw = random.Random(11)
    cents = [10_000] * symbols
    events = []
    for number in range(1, EVENTS + 1):
        symbol = draw.randrange(symbols)
        cents[symbol] += draw.randint(-200, 200)
        events.append(tick(symbol, number, cents[symbol]))
    return events


def test_prices_against_resting_orders(benchmark: BenchmarkFixture) -> None:
    """Event to fill: from the call with a price to its answer with the executions."""
    waits: list[float] = []
    works: list[float] = []
    filled = [0]

    def run(engine: PaperEngine, events: list[PriceTick]) -> None:
        for event in events:
            started, busy = perf_counter(), thread_time()
            answer = engine.on_tick(event)
            if answer.executions:
                waits.append(perf_counter() - started)
                works.append(thread_time() - busy)
                filled[0] += len(answer.executions)

    measure: Callable[..., object] = benchmark.pedantic
    measure(
        run,
        setup=lambda: ((loaded(ORDERS, SYMBOLS), walks(SYMBOLS)), {}),
        rounds=5,
        warmup_rounds=1,
    )
    seconds = benchmark.stats.stats.median  # type: ignore[union-attr]
    p50, p99 = (1e6 * sorted(waits)[int(len(waits) * share)] for share in (0.5, 0.99))
    worked = 1e6 * sorted(works)[int(len(works) * 0.99)]
    benchmark.extra_info["events_per_second"] = round(EVENTS / seconds)
    benchmark.extra_info["event_to_fill_p99_us"] = round(p99)
    print(
        f"\n{EVENTS / seconds:,.0f} events/s over {ORDERS} orders on {SYMBOLS} symbols; "
        f"event to fill p50 {p50:.0f} µs, p99 {p99:.0f} µs, "
        f"of which it worked {worked:.0f} µs; {filled[0] // 6} executions a round"
    )


@pytest.mark.parametrize("symbols", [1, 50, 200])
def test_orders_on_other_symbols_cost_nothing(benchmark: BenchmarkFixture, symbols: int) -> None:
    """25 orders on the symbol that moves, and 25 on each other symbol that does not."""
    events = [tick(0, n, 10_000 + (n % 7 - 3)) for n in range(1, EVENTS + 1)]

    def run(engine: PaperEngine) -> None:
        for event in events:
            engine.on_tick(event)

    measure: Callable[..., object] = benchmark.pedantic
    measure(run, setup=lambda: ((loaded(25 * symbols, symbols),), {}), rounds=5, warmup_rounds=1)
    seconds = benchmark.stats.stats.median  # type: ignore[union-attr]
    print(f"\n{1e6 * seconds / EVENTS:.1f} µs an event with {25 * symbols} orders resting")
