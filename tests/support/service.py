"""The service over HTTP in this process, on a database of its own and with a clock set by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

import app.container
from app.main import create_app
from app.settings import Settings
from tests.support.hand_clock import HandClock

START = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)


class Service:
    """Requests against a running service; answers are checked for the status the test expects."""

    def __init__(self, client: TestClient, clock: HandClock) -> None:
        self.client = client
        self.clock = clock

    def post(
        self, path: str, body: object = None, *, expect: int = 200, key: str | None = None
    ) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.client.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def get(self, path: str, *, expect: int = 200) -> Any:
        answer = self.client.get(f"/api/v1{path}")
        assert answer.status_code == expect, answer.text
        return answer.json()


@contextmanager
def running_service(
    folder: Path, patch: pytest.MonkeyPatch, *routers: APIRouter
) -> Iterator[Service]:
    """Start the service; `routers` that it does not serve yet are added."""
    clock = HandClock(START)
    patch.setattr(app.container, "SystemClock", lambda: clock)
    service = create_app(Settings(auth="off", data_dir=folder, session_tables=False))
    for router in routers:
        _include(service, router)
    with TestClient(service, base_url="http://127.0.0.1:8000") as client:
        yield Service(client, clock)


def _include(service: FastAPI, router: APIRouter) -> None:
    served = {getattr(route, "operation_id", None) for route in service.routes}
    if not served & {getattr(route, "operation_id", None) for route in router.routes}:
        service.include_router(router)
