"""`make bench`: what a server-sent event costs for each of a hundred readers, in CPU time."""

import time
import uuid
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.performance.listeners import listening
from tests.performance.load import request, run_load
from tests.performance.servers import Server, ballast
from tests.performance.test_http_bench import cells

pytestmark = pytest.mark.bench

READERS = 100
ROUNDS = 3
WRITERS = 4
DEPOSITS = 400
PATIENCE_S = 60


def deposit(server: Server, position: str) -> None:
    """As many events as deposits, from a few callers at a time."""
    sent = [
        request(
            "POST",
            f"/api/v1/positions/{position}/deposits",
            {"amount": 1},
            {"Idempotency-Key": uuid.uuid4().hex},
        )
        for _ in range(DEPOSITS)
    ]
    result = run_load(server.port, [sent[n::WRITERS] for n in range(WRITERS)])
    assert not result.failures


def test_fan_out_to_a_hundred_readers(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The same deposits with and without readers; the difference is what the readers cost."""
    quiet: list[float] = []
    heard: list[float] = []
    with ballast(tmp_path, session_tables="false") as server:
        position = cells(server, 1)[0]
        deposit(server, position)

        def one_round() -> None:
            before = server.cpu_s()
            deposit(server, position)
            quiet.append(server.cpu_s() - before)
            with listening(server.port, READERS) as crowd:
                before = server.cpu_s()
                deposit(server, position)
                deadline = time.monotonic() + PATIENCE_S
                while min(crowd.counts) < DEPOSITS and time.monotonic() < deadline:
                    time.sleep(0.01)
                heard.append(server.cpu_s() - before)
                assert set(crowd.counts) == {DEPOSITS}

        benchmark.pedantic(one_round, rounds=ROUNDS, iterations=1)
    spent = min(heard) - min(quiet)
    figures = {
        "readers": READERS,
        "events": DEPOSITS,
        "cpu_us_per_event_per_reader": round(spent / DEPOSITS / READERS * 1e6, 2),
        "cpu_s_without_readers": round(min(quiet), 3),
        "cpu_s_with_readers": round(min(heard), 3),
    }
    benchmark.extra_info.update(figures)
    print(f"\nevent fan-out: {figures}")
