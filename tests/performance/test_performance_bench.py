"""GET /performance with 10,000 closed trades and 1,000 open ones; the export of 50,000 events."""

import http.client
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from application.context import SYSTEM, RequestContext
from application.ports.unit_of_work import Store, UnitOfWork
from tests.performance.load import request, run_load
from tests.performance.servers import ballast
from tests.support.market import calendar_folder
from tests.support.service import Service, running_service
from tests.support.trade_log import trade_events

pytestmark = pytest.mark.bench
CLOSED, OPEN = 10_000, 1_000
EVENTS = 50_000
READS = 2_000


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    shutil.copytree(calendar_folder() / "calendars", tmp_path / "calendars")
    with running_service(tmp_path, monkeypatch) as running:
        yield running


def _store(service: Service) -> tuple[Store, RequestContext]:
    store: Store = service.client.app.state.container.get(Store)  # type: ignore[attr-defined]
    founder = store.query(lambda work: work.users.founder(), SYSTEM)
    assert founder is not None
    return store, RequestContext(founder.owner_id, "usr_bench", "req_bench")


def _close(service: Service, trades: int, first: int = 0) -> None:
    store, owner = _store(service)
    account_id = service.get("/accounts")["items"][0]["id"]
    for start in range(first, first + trades, 500):
        events = [
            event
            for number in range(start, start + 500)
            for event in trade_events(account_id, f"S{number % 50}", f"pos_{number:06d}")
        ]
        store.command(lambda work, e=events: work.events.append(e), owner).result(timeout=60)  # type: ignore[misc]


def _open(service: Service) -> None:
    body = {"symbol": "AAPL", "entry_price": 100, "market_data": {"vix": 18, "true_range": 2}}
    assert service.client.post("/positions/open", json=body).status_code == 200
    store, owner = _store(service)

    def multiply(work: UnitOfWork) -> None:
        (one,) = work.positions.unclosed()
        for number in range(1, OPEN):
            name = f"N{number}"
            work.positions.add(replace(one, id=f"pos_open_{number}", instrument=name, version=1))

    store.command(multiply, owner).result(timeout=60)


def test_performance_of_ten_thousand_trades(service: Service, benchmark: BenchmarkFixture) -> None:
    _close(service, CLOSED)
    _open(service)
    benchmark.extra_info["expected_ms"] = 50
    answer = benchmark(service.client.get, "/performance")
    found = answer.json()
    assert (found["total_trades"], found["active_positions"]) == (CLOSED, OPEN)


@pytest.mark.parametrize("path", ["/positions", "/api/v1/positions?limit=500"])
def test_positions_beside_ten_thousand_closed_trades(
    service: Service, benchmark: BenchmarkFixture, path: str
) -> None:
    _close(service, CLOSED)
    _open(service)
    benchmark.extra_info["expected_ms"] = 50
    answer = benchmark(service.client.get, path)
    assert answer.status_code == 200


def test_trade_history_of_ten_thousand_rows(service: Service, benchmark: BenchmarkFixture) -> None:
    _close(service, 4_000)
    answer = benchmark(service.client.get, "/trade-history")
    assert len(answer.json()) == 10_000


def test_fifty_thousand_events_to_a_workbook(service: Service) -> None:
    _close(service, EVENTS // 3)
    started = perf_counter()
    answer = service.client.post("/export-report", params={"format": "xlsx"})
    print(f"\n{answer.json()['total_events']} events to xlsx in {perf_counter() - started:.2f} s")
    assert answer.status_code == 200


def test_reads_while_a_workbook_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Latency of a small read by one client, before and while 50,000 events are exported."""
    shutil.copytree(calendar_folder() / "calendars", tmp_path / "calendars")
    with running_service(tmp_path, monkeypatch) as prepared:
        _close(prepared, EVENTS // 3)
    read = request("GET", "/api/v1/accounts")
    with ballast(tmp_path, session_tables="false") as server:
        before = run_load(server.port, [[read] * READS])
        export = threading.Thread(target=_export, args=(server.port,))
        export.start()
        during: list[float] = []
        while export.is_alive():
            during += run_load(server.port, [[read] * 100]).latencies_s
    during.sort()
    p99 = during[int(0.99 * len(during))] * 1e3
    print(
        f"\nread p50 {before.quantile_ms(0.5):.2f} ms, p99 {before.quantile_ms(0.99):.2f} ms; "
        f"during the export p50 {during[len(during) // 2] * 1e3:.2f} ms, p99 {p99:.2f} ms, "
        f"most {during[-1] * 1e3:.1f} ms of {len(during)}"
    )


def _export(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/export-report?format=xlsx")
    assert connection.getresponse().status == 200
