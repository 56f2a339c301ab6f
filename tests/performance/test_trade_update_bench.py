"""1,000 open trades updated in one session: CPU time of the writer's commands, SQLite, durable."""

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.trade_book import TradeBook, trade_book

pytestmark = pytest.mark.bench
TRADES = 1000
CPU_EXPECTED_S = 2.0


@pytest.fixture
def book(tmp_path: Path) -> Iterator[TradeBook]:
    with trade_book(tmp_path) as made:
        yield made


def test_a_thousand_trades_updated_in_one_session(book: TradeBook) -> None:
    ids = [book.open(f"T{n}", Decimal(20), size=Decimal("0.0005")) for n in range(TRADES)]
    book.clock.jump("2026-01-06T15:00:00Z")
    started, cpu = time.perf_counter(), time.process_time()
    reports = [book.bar(position_id, Decimal("20.1")) for position_id in ids]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - started
    print(f"\n{TRADES} updates: {cpu:.2f} s CPU ({CPU_EXPECTED_S} expected), {wall:.2f} s wall")
    assert all(report.answer["status"] == "ACTIVE" for report in reports)
