"""Jobs over HTTP: 202 and where to look, waiting, following, cancelling."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from dishka import Provider, Scope, make_container
from fastapi import APIRouter, Body, Depends, FastAPI, Request
from starlette.responses import Response
from starlette.testclient import TestClient

from app.api.dependencies import Dispatch, Trader
from app.api.idempotency import Once, optional_key
from app.api.jobs import routes, watch
from app.api.jobs.accepted import ACCEPTED_RESPONSES, Accepts, wait_preference
from app.api.jobs.watch import JobWatch
from app.api.paging import Cursors
from app.api.problems import install_problem_handlers
from app.api.routing import capability_router
from application.context import ROLE_SCOPES, Principal, Role
from application.jobs.job import JobState
from application.jobs.submit import SubmitJob
from application.ports.bus import Bus
from application.ports.jobs import JobFiles
from domain.shared.errors import NotFound
from tests.support.databases import sqlite_address
from tests.support.job_service import OWNER, JobService, lines_of, wait_until

CALLER = Principal(
    OWNER.owner_id, OWNER.owner_id, Role.TRADER, ROLE_SCOPES[Role.TRADER], via="test"
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    folder = tmp_path_factory.mktemp("jobs")
    running = JobService(sqlite_address(folder), folder)
    running.supervisor.start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def client(service: JobService) -> Iterator[TestClient]:
    with TestClient(_app(service)) as opened:
        yield opened


def _app(service: JobService) -> FastAPI:
    async def caller(_request: Request) -> Principal:
        return CALLER

    async def spend(_request: Request, _principal: Principal, _bucket: object) -> None:
        return None

    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: service.bus, provides=Bus)
    provider.provide(lambda: service.files, provides=JobFiles)
    app = FastAPI()
    install_problem_handlers(app)
    app.state.container = make_container(provider)
    app.state.dispatch = Dispatch(service.store, reads_inline=True)
    app.state.once = Once(app.state.dispatch)
    app.state.cursors = Cursors(b"k" * 32)
    app.state.authenticate, app.state.spend = caller, spend
    app.include_router(routes.router)
    app.include_router(_work_router(service))
    return app


def _work_router(service: JobService) -> APIRouter:
    """A capability that submits jobs, the way every other one does."""
    router = capability_router("work")

    @router.post("/work/{kind}", status_code=202, responses=ACCEPTED_RESPONSES)
    async def submit_work(
        kind: str,
        body: Annotated[dict[str, Any], Body()],
        caller: Trader,
        key: Annotated[str | None, Depends(optional_key)],
        accepts: Annotated[Accepts, Depends()],
    ) -> Response:
        request = SubmitJob(kind, body)
        return await accepts(caller, key, lambda work: service.submit_handler(request, work))

    return router


def test_long_work_is_accepted_and_says_where_to_look(
    client: TestClient, service: JobService
) -> None:
    accepted = client.post("/api/v1/work/add_up", json={"numbers": [1, 2.5]})
    assert accepted.status_code == 202
    job = accepted.json()
    assert accepted.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["state"], job["cached"], job["spec"]) == ("queued", False, {"numbers": [1, 2.5]})
    service.ended(job["id"])
    found = client.get(accepted.headers["Location"]).json()
    assert found["state"] == "succeeded"
    assert found["progress"]["done"] == 2
    assert client.get(found["result_url"]).json()["total"] == 3.5


def test_a_caller_that_waits_gets_the_result_itself(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/work/add_up", json={"numbers": [4, 5]}, headers={"Prefer": "wait=20"}
    )
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.headers["Location"].startswith("/api/v1/jobs/job_")
    assert answer.json()["total"] == 9
    again = client.post("/api/v1/work/add_up", json={"numbers": [4, 5]})
    assert (again.status_code, again.json()["cached"]) == (202, True)


def test_a_wait_that_is_too_short_ends_in_202(
    client: TestClient, service: JobService, tmp_path: Path
) -> None:
    body = {"trace": str(tmp_path / "trace")}
    answer = client.post("/api/v1/work/wait_long", json=body, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    service.cancel(answer.json()["id"])
    service.ended(answer.json()["id"])


def test_waiting_for_a_job_that_fails_shows_the_failed_job(client: TestClient) -> None:
    answer = client.post("/api/v1/work/refuse", json={}, headers={"Prefer": "wait=20"})
    assert answer.status_code == 202
    assert answer.json()["error"]["code"] == "data_too_short"


def test_a_retry_with_the_same_key_finds_the_same_job(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = client.post("/api/v1/work/refuse", json={"n": 1}, headers=headers)
    again = client.post("/api/v1/work/refuse", json={"n": 1}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]


async def test_only_a_whole_number_of_seconds_up_to_30_is_waited() -> None:
    sent = [None, "wait=5", "respond-async, wait=10", "wait = 99", "wait=x", "wait=-1", "await=5"]
    waited = [await wait_preference(value) for value in sent]
    assert waited == [0.0, 5.0, 10.0, 30.0, 0.0, 0.0, 0.0]


def test_lists_are_newest_first_filtered_and_paged(client: TestClient) -> None:
    ids = [client.post("/api/v1/work/leave_early", json={"n": n}).json()["id"] for n in range(3)]
    url = "/api/v1/jobs?kind=leave_early&limit=2&count=exact"
    page = client.get(url).json()
    assert ([job["id"] for job in page["items"]], page["total"]) == ([ids[2], ids[1]], 3)
    rest = client.get(f"{url}&cursor={page['next_cursor']}").json()
    assert [job["id"] for job in rest["items"]] == [ids[0]]
    assert rest["next_cursor"] is None
    assert client.get("/api/v1/jobs?state=nonsense").status_code == 422


def test_cancelling_over_http(client: TestClient, service: JobService, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    job = client.post("/api/v1/work/wait_long", json={"trace": str(trace)}).json()
    wait_until(lambda: len(lines_of(trace)) == 1)
    answer = client.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelling")
    assert service.ended(job["id"]).state is JobState.CANCELLED
    result = client.get(f"/api/v1/jobs/{job['id']}/result")
    assert (result.status_code, result.json()["code"]) == (409, "job_has_no_result")


def test_a_job_that_succeeded_cannot_be_cancelled(client: TestClient, service: JobService) -> None:
    job = service.ended(service.submit("add_up", {"numbers": [7]}).id)
    answer = client.post(f"/api/v1/jobs/{job.id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_finished")


@pytest.mark.parametrize("path", ["", "/result", "/stream"])
def test_an_unknown_job_is_a_404(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/jobs/job_unknown{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


def parsed(body: bytes) -> list[tuple[str, str, dict[str, Any]]]:
    """(event, id, data) of each server-sent event."""
    events = []
    for block in body.decode().strip().split("\n\n"):
        if not block.startswith(":"):
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            events.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return events


def test_the_stream_of_an_ended_job_is_its_end(client: TestClient, service: JobService) -> None:
    job = service.ended(service.submit("add_up", {"numbers": [8]}).id)
    answer = client.get(f"/api/v1/jobs/{job.id}/stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    ((event, event_id, data),) = parsed(answer.content)
    assert (event, event_id, data["state"]) == ("end", "1.end", "succeeded")


async def test_a_stream_shows_each_step_once_and_in_order_and_then_ends(
    service: JobService, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    job = service.submit("steps", {"gate": str(gate), "count": 5, "seconds": 0.1})
    jobs = JobWatch(Dispatch(service.store, reads_inline=True), service.bus)
    body = b""
    async for part in jobs.stream(_request(), CALLER, job.id):
        body += part
        gate.touch()
    events = parsed(body)
    assert [event for event, _, _ in events][-1] == "end"
    assert events[-1][2]["state"] == "succeeded"
    places = [tuple(map(int, event_id.split("."))) for _, event_id, _ in events[:-1]]
    assert places == sorted(places)
    done = [data["progress"]["done"] for _, _, data in events]
    assert done == sorted(done)
    assert {1, 2, 3, 4, 5} <= set(done)


async def test_a_quiet_stream_sends_heartbeats_and_follows_without_any_signal(
    service: JobService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_INTERVAL_S", 0.02)
    monkeypatch.setattr(watch, "HEARTBEAT_S", 0.05)
    job = service.submit("wait_long", {"trace": str(tmp_path / "trace")})
    service.until(job.id, JobState.RUNNING)
    deaf = JobWatch(Dispatch(service.store, reads_inline=True), _DeafBus())  # type: ignore[arg-type]
    beats, last = 0, b""
    async for part in deaf.stream(_request(), CALLER, job.id):
        last = part
        beats += part == watch.HEARTBEAT
        if beats == 2:
            service.cancel(job.id)
    assert beats >= 2
    assert parsed(last)[0][2]["state"] == "cancelled"


async def test_another_owner_cannot_follow(service: JobService) -> None:
    job = service.submit("add_up", {"numbers": [1, 1]})
    stranger = Principal("usr_x", "usr_x", Role.ADMIN, ROLE_SCOPES[Role.ADMIN], via="test")
    jobs = JobWatch(Dispatch(service.store, reads_inline=True), service.bus)
    with pytest.raises(NotFound):
        async for _ in jobs.stream(_request(), stranger, job.id):
            pytest.fail("a stranger saw a job")


def _request() -> Request:
    return Request({"type": "http", "ballast_request_id": "req_test"})


class _DeafBus:
    """A bus whose signals never arrive."""

    async def subscribe(self, _topics: object) -> "_DeafBus":
        return self

    async def __anext__(self) -> object:
        return await asyncio.Event().wait()

    async def close(self) -> None:
        return None
