"""Status routes answer from real probes, and /metrics is not for everybody."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI, Request

from app.api.problems import install_problem_handlers
from app.api.status import routes as status
from app.health import (
    AliveProbe,
    BackendProbe,
    Condition,
    ConsumersProbe,
    CoverageProbe,
    DiskProbe,
    HealthBoard,
    Readiness,
    Reading,
    StoreProbe,
)
from app.logging import configure_logging
from app.metrics import Metrics
from app.operations import Operations, ServiceFacts
from application.context import ROLE_SCOPES, Principal, Role
from application.ports.backend_health import BackendHealth
from domain.shared.errors import NotAuthenticated
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.migrate import migrate
from infrastructure.persistence.observations import StoreReadings
from infrastructure.persistence.store import SqlStore
from tests.support.scene import SteppingClock, trade_a_little

FACTS = ServiceFacts(
    name="ballast", version="9.9.9", database="sqlite", schema_revision="0001",
    messaging="in_process", compute="local", auth="on", trusts_loopback=True,
)  # fmt: skip


@dataclass
class Stub:
    """A probe that says what it is told to, and counts how often it is asked."""

    name: str
    reading: Reading
    is_vital: bool = False
    looks: int = 0

    def look(self) -> Reading:
        self.looks += 1
        return self.reading


async def _authenticate(request: Request) -> Principal:
    role = request.headers.get("x-role")
    if role is None:
        raise NotAuthenticated("not_authenticated", "No credential.")
    return Principal("usr_1", "usr_1", Role(role), ROLE_SCOPES[Role(role)], "token")


async def _spend(*_: object) -> None:
    return None


class Service:
    """The status routes on a bare application."""

    def __init__(self, *probes: Stub, facts: ServiceFacts = FACTS, keep_s: float = 0.0) -> None:
        self.board = HealthBoard(keep_s=keep_s)
        self.board.add(*probes)
        self.readiness = Readiness()
        self.readiness.clear("starting")
        self.logs = configure_logging("info", "json", io.BytesIO())
        app = FastAPI()
        install_problem_handlers(app)
        app.include_router(status.root)
        app.include_router(status.router)
        app.state.operations = Operations(facts, self.board, self.readiness, Metrics(), self.logs)
        app.state.authenticate, app.state.spend = _authenticate, _spend
        self.app = app

    async def get(
        self, path: str, role: str | None = None, client: str = "10.0.0.9", **headers: str
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(client, 5000))
        if role is not None:
            headers["x-role"] = role
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            return await http.get(path, headers=headers)


@pytest.fixture(autouse=True)
def _structlog() -> Iterator[None]:
    yield
    structlog.reset_defaults()


FINE = Reading(Condition.HEALTHY)
TIRED = Reading(Condition.DEGRADED, "late")
DOWN = Reading(Condition.UNHEALTHY, "gone")


async def test_liveness_answers_are_exact() -> None:
    service = Service(Stub("database", DOWN, is_vital=True))
    assert (await service.get("/healthz")).json() == {"status": "ok"}
    assert (await service.get("/v1/healthz")).json() == {"status": "ok", "version": "v1"}
    assert (await service.get("/livez")).json() == {"status": "ok"}


async def test_the_root_says_where_to_go() -> None:
    answer = (await Service().get("/")).json()
    assert set(answer) == {"message", "status", "version", "timestamp", "docs", "dashboard"}
    assert (answer["status"], answer["docs"], answer["dashboard"]) == ("running", "/docs", None)
    assert answer["version"] == "9.9.9" and answer["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("database", "redis", "status_code", "said"),
    [
        (FINE, FINE, 200, "healthy"),
        (FINE, TIRED, 200, "degraded"),
        (FINE, DOWN, 200, "degraded"),
        (TIRED, FINE, 200, "degraded"),
        (DOWN, FINE, 503, "unhealthy"),
    ],
)
async def test_only_a_vital_part_makes_the_service_unhealthy(
    database: Reading, redis: Reading, status_code: int, said: str
) -> None:
    service = Service(Stub("database", database, is_vital=True), Stub("redis", redis))
    answer = await service.get("/api/v1/status/health")
    assert answer.status_code == status_code
    body = answer.json()
    assert (body["context"]["status"] if status_code == 503 else body["status"]) == said
    if status_code == 503:
        assert body["code"] == "unhealthy" and answer.headers["retry-after"] == "5"


async def test_details_show_every_probe_to_a_reader_only() -> None:
    service = Service(Stub("database", FINE, is_vital=True), Stub("redis", TIRED))
    assert (await service.get("/api/v1/status/health/detailed")).status_code == 401
    answer = (await service.get("/api/v1/status/health/detailed", "viewer")).json()
    assert answer["components"] == {
        "database": {"status": "healthy", "detail": "", "facts": {}},
        "redis": {"status": "degraded", "detail": "late", "facts": {}},
    }
    ill = Service(Stub("database", DOWN, is_vital=True))
    refused = (await ill.get("/api/v1/status/health/detailed", "viewer")).json()
    assert refused["context"]["components"]["database"]["detail"] == "gone"


async def test_a_reading_is_shared_for_a_moment_and_then_made_anew() -> None:
    probe = Stub("database", FINE, is_vital=True)
    keeping, fresh = Service(probe, keep_s=60.0), Service(probe, keep_s=0.0)
    for _ in range(3):
        await keeping.get("/api/v1/status/health")
    assert probe.looks == 1
    await fresh.get("/api/v1/status/health")
    await fresh.get("/api/v1/status/health")
    assert probe.looks == 3


async def test_readiness_is_red_for_a_reason_or_an_ill_database() -> None:
    probe = Stub("database", FINE, is_vital=True)
    service = Service(probe)
    assert (await service.get("/readyz")).json() == {"status": "ok"}
    service.readiness.block("orders", "Two orders are unknown.")
    red = await service.get("/readyz")
    assert red.status_code == 503 and red.json()["code"] == "not_ready"
    assert red.json()["context"]["reasons"] == {"orders": "Two orders are unknown."}
    service.readiness.clear("orders")
    probe.reading = DOWN
    assert (await service.get("/readyz")).status_code == 503
    probe.reading = TIRED
    assert (await service.get("/readyz")).status_code == 200


def test_readiness_starts_red() -> None:
    assert Readiness().reasons() != {}


async def test_metrics_are_for_this_machine_or_a_reader() -> None:
    service = Service()
    for client in ("127.0.0.1", "127.9.9.9", "::1"):
        answer = await service.get("/metrics", client=client)
        assert answer.status_code == 200 and "ballast_http_in_flight" in answer.text
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert (await service.get("/metrics")).status_code == 401
    assert (await service.get("/metrics", "viewer")).status_code == 200


async def test_a_proxy_on_this_machine_does_not_open_the_metrics() -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.7"}
    assert (await Service().get("/metrics", client="127.0.0.1", **forwarded)).status_code == 401
    behind = Service(facts=replace(FACTS, trusts_loopback=False))
    assert (await behind.get("/metrics", client="127.0.0.1")).status_code == 401


async def test_the_digest_and_info_are_for_readers() -> None:
    service = Service()
    for path in ("metrics", "info"):
        assert (await service.get(f"/api/v1/status/{path}")).status_code == 401
    digest = (await service.get("/api/v1/status/metrics", "viewer")).json()
    assert digest["requests_total"] == 0 and digest["latency_p50_s"] is None
    info = (await service.get("/api/v1/status/info", "viewer")).json()
    assert (info["version"], info["database"], info["schema_revision"]) == (
        "9.9.9", "sqlite", "0001",
    )  # fmt: skip


async def test_logs_are_for_admins_and_masked() -> None:
    service = Service()
    structlog.get_logger("x").info("one", password="hunter22")
    structlog.get_logger("x").error("two")
    assert (await service.get("/api/v1/status/logs", "risk_manager")).status_code == 403
    everything = (await service.get("/api/v1/status/logs", "admin")).json()["items"]
    assert [item["event"] for item in everything] == ["two", "one"]
    assert "hunter22" not in str(everything)
    errors = await service.get("/api/v1/status/logs?level=error&limit=1", "admin")
    assert [item["event"] for item in errors.json()["items"]] == ["two"]
    assert (await service.get("/api/v1/status/logs?limit=501", "admin")).status_code == 422


def test_every_public_operation_exists_and_the_others_ask_for_a_credential() -> None:
    openapi = Service().app.openapi()
    operations = {
        operation["operationId"]: operation
        for methods in openapi["paths"].values()
        for operation in methods.values()
    }
    assert set(operations) >= status.PUBLIC_OPERATIONS
    for name, operation in operations.items():
        if name != "prometheus_metrics":
            assert ("security" not in operation) == (name in status.PUBLIC_OPERATIONS), name


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    database = open_database(f"sqlite:///{tmp_path / 'ballast.db'}")
    migrate(database, tmp_path)
    store = SqlStore(database, SteppingClock())
    yield store
    store.close()


def _probe(store: SqlStore) -> StoreProbe:
    return StoreProbe(store, StoreReadings(store.database), store.writer)


def test_the_store_probe_reads_and_commits(store: SqlStore) -> None:
    reading = _probe(store).look()
    assert reading.condition is Condition.HEALTHY
    assert reading.facts["commits"] == 1 and reading.facts["queue_depth"] == 0


def test_the_store_probe_sees_a_writer_that_has_stopped(store: SqlStore) -> None:
    store.writer.close()
    reading = _probe(store).look()
    assert reading.condition is Condition.UNHEALTHY


async def test_the_store_probe_sees_a_database_that_is_gone(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'none' / 'ballast.db'}")
    store = SqlStore(database, SteppingClock())
    board = HealthBoard()
    board.add(_probe(store))
    health = await board.ask()
    store.close()
    assert health.condition is Condition.UNHEALTHY
    assert str(tmp_path) not in health.readings["database"].detail


def test_consumers_are_measured_against_the_head_of_the_log(store: SqlStore) -> None:
    trade_a_little(store)
    connection: Any = store.database.writes.raw_connection()
    connection.cursor().execute(
        "INSERT INTO event_cursors VALUES ('stream', 2, '2026-01-05T15:00:00.000000Z')"
    )
    connection.close()
    readings = StoreReadings(store.database)
    assert readings.consumer_lags() == {"stream": 10.0}
    assert ConsumersProbe(readings, lag_max_events=9).look().condition is Condition.DEGRADED
    assert ConsumersProbe(readings, lag_max_events=10).look().condition is Condition.HEALTHY
    assert readings.job_states() == {}


def test_disk_backend_task_and_calendar_probes_tell_their_condition(tmp_path: Path) -> None:
    assert DiskProbe(tmp_path, 1).look().condition is Condition.HEALTHY
    assert DiskProbe(tmp_path, 2**62).look().condition is Condition.DEGRADED
    up, down = BackendHealth("redis"), BackendHealth("redis", True, 3, "TimeoutError")
    assert BackendProbe("bus", lambda: up).look().condition is Condition.HEALTHY
    seen = BackendProbe("bus", lambda: down).look()
    assert seen.condition is Condition.DEGRADED and seen.facts["last_error"] == "TimeoutError"
    assert AliveProbe("jobs", lambda: True).look().condition is Condition.HEALTHY
    assert AliveProbe("jobs", lambda: False).look().condition is Condition.UNHEALTHY
    now = datetime.now(UTC)
    for last, wanted in (
        (now + timedelta(days=90), Condition.HEALTHY),
        (now + timedelta(days=3), Condition.DEGRADED),
        (None, Condition.DEGRADED),
    ):
        assert CoverageProbe("calendars", lambda last=last: last).look().condition is wanted


async def test_a_probe_that_fails_or_hangs_is_a_finding(tmp_path: Path) -> None:
    board = HealthBoard(timeout_s=0.05)
    board.add(DiskProbe(tmp_path / "none"), AliveProbe("slow", _hangs))
    health = await board.ask()
    assert health.readings["disk"].condition is Condition.UNHEALTHY
    assert "No answer" in health.readings["slow"].detail
    assert health.condition is Condition.DEGRADED


def _hangs() -> bool:
    import time

    time.sleep(0.3)
    return True
