"""`make bench`: the service against a plain peer, side by side in one run. Nothing is asserted on time."""

import json
import os
import statistics
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.performance.load import LoadResult, request, run_load
from tests.performance.servers import Server, ballast, peer
from tests.performance.slow_sync import slow_sync

pytestmark = pytest.mark.bench

CLIENTS = 32
ROUNDS = 3
SUBMITS = 3200
READS = 9600
LISTS = 640


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with peer(tmp_path_factory.mktemp("peer")) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ballast")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Server]:
    with ballast(folder, session_tables="false") as server:
        yield server


def post(server: Server, path: str, body: object, **headers: str) -> dict[str, str]:
    sent = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(sent) as answer:
        found: dict[str, str] = json.load(answer)
        return found


def cells(server: Server, count: int) -> list[str]:
    plan = {"max_orders_per_day": 1000}
    body = {"ticker": "ZIM", "qty": 0, "cash": 10000, "anchor_price": 20, "plan": plan}
    return [post(server, "/api/v1/positions", body)["id"] for _ in range(count)]


def spread(requests: list[bytes]) -> list[list[bytes]]:
    return [requests[client::CLIENTS] for client in range(CLIENTS)]


def median_rate(results: list[LoadResult]) -> float:
    assert not [failure for result in results for failure in result.failures]
    return statistics.median(result.rate for result in results)


def report(benchmark, name: str, ours: list[LoadResult], theirs: list[LoadResult], goal: str):
    rate, peer_rate = median_rate(ours), median_rate(theirs)
    figures = {
        "ballast_per_s": round(rate),
        "peer_per_s": round(peer_rate),
        "ratio": round(rate / peer_rate, 2),
        "expected": goal,
        "p50_ms": round(statistics.median(r.quantile_ms(0.5) for r in ours), 2),
        "p99_ms": round(statistics.median(r.quantile_ms(0.99) for r in ours), 2),
    }
    benchmark.extra_info.update(figures)
    print(f"\n{name}: {figures}")


def alternate(benchmark, ours, theirs):
    """Rounds of one and the other in turn, so that a noisy neighbour hits both."""
    mine: list[LoadResult] = []
    others: list[LoadResult] = []

    def one_round() -> None:
        others.append(theirs())
        mine.append(ours())

    benchmark.pedantic(one_round, rounds=ROUNDS, iterations=1, warmup_rounds=1)
    return mine[1:], others[1:]


def test_durable_order_submit(benchmark, service: Server, plain: Server, tmp_path: Path) -> None:
    """On this machine's disk as it is."""
    name = f"durable order submit, a sync takes {sync_ms(tmp_path):.2f} ms"
    compare_submits(benchmark, name, service, plain)


@pytest.mark.parametrize("ms", [1.0, 4.0])
def test_durable_order_submit_on_a_slower_disk(benchmark, tmp_path: Path, ms: float) -> None:
    """As on a disk that is no volatile cache: 1 ms is a fast one, 4 ms a common one."""
    disk = slow_sync(tmp_path, ms)
    if disk is None:
        pytest.skip("No C compiler to make syncs slower with.")
    with (
        ballast(tmp_path, disk, session_tables="false") as service,
        peer(tmp_path, disk) as plain,
    ):
        name = f"durable order submit, a sync takes {ms:g} ms more"
        compare_submits(benchmark, name, service, plain)


def sync_ms(folder: Path, writes: int = 200) -> float:
    """Median time of making 8 KiB durable, milliseconds."""
    taken = []
    with (folder / "probe").open("wb", buffering=0) as probe:
        for _ in range(writes):
            probe.write(b"x" * 8192)
            started = time.perf_counter()
            os.fdatasync(probe.fileno())
            taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e3


def compare_submits(benchmark, name: str, service: Server, plain: Server) -> None:
    body = {"side": "BUY", "qty": 1.5}
    positions = cells(service, 800)

    def ours() -> LoadResult:
        sent = [
            request(
                "POST",
                f"/api/v1/positions/{positions[n % len(positions)]}/orders",
                body,
                {"Idempotency-Key": uuid.uuid4().hex},
            )
            for n in range(SUBMITS)
        ]
        return run_load(service.port, spread(sent))

    def theirs() -> LoadResult:
        sent = [request("POST", "/positions/x/orders", body) for _ in range(SUBMITS)]
        return run_load(plain.port, spread(sent))

    mine, others = alternate(benchmark, ours, theirs)
    report(benchmark, name, mine, others, ">= 3")


def test_one_small_resource(benchmark, service: Server, plain: Server) -> None:
    position = cells(service, 1)[0]
    order = post(
        service,
        f"/api/v1/positions/{position}/orders",
        {"side": "BUY", "qty": 1.5},
        **{"Idempotency-Key": uuid.uuid4().hex},
    )["order_id"]
    mine, others = alternate(
        benchmark,
        lambda: run_load(service.port, spread([request("GET", f"/api/v1/orders/{order}")] * READS)),
        lambda: run_load(plain.port, spread([request("GET", "/order")] * READS)),
    )
    report(benchmark, "one small resource", mine, others, ">= 0.5")


@pytest.mark.parametrize("path", ["/orders", "/orders/from-memory"])
def test_a_list_of_a_hundred(benchmark, service: Server, plain: Server, path: str) -> None:
    """Ballast reads its rows; the peer reads the same rows, or has the models in memory."""
    for position in cells(service, 25):
        for _ in range(4):
            post(
                service,
                f"/api/v1/positions/{position}/orders",
                {"side": "BUY", "qty": 1.5},
                **{"Idempotency-Key": uuid.uuid4().hex},
            )
    mine, others = alternate(
        benchmark,
        lambda: run_load(
            service.port, spread([request("GET", "/api/v1/orders?limit=100")] * LISTS)
        ),
        lambda: run_load(plain.port, spread([request("GET", path)] * LISTS)),
    )
    report(benchmark, f"list of 100 resources, peer {path}", mine, others, ">= 0.7")


def test_start_to_ready_when_warm(benchmark, tmp_path: Path) -> None:
    """As `make run` installs it: a development tool brings rich, which structlog loads if it can."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "rich.py").write_text("raise ImportError")
    without_tools = {"PYTHONPATH": str(hidden)}
    with ballast(tmp_path, without_tools, session_tables="false"):
        pass
    seen: list[Server] = []
    memory: list[float] = []

    def start() -> None:
        with ballast(tmp_path, without_tools, session_tables="false") as server:
            seen.append(server)
            memory.append(server.resident_mb())

    benchmark.pedantic(start, rounds=ROUNDS, iterations=1)
    figures = {
        "ready_s": round(statistics.median(server.ready_s for server in seen), 2),
        "expected_s": "< 1.5",
        "resident_mb": round(statistics.median(memory)),
        "expected_mb": "< 120",
    }
    benchmark.extra_info.update(figures)
    print(f"\nstart to ready, warm: {figures}")
