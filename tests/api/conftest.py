"""Every answer of the service that a test in this folder sees must be one its operation declares."""

from functools import cache

import httpx
import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.support.declared_answers import DeclaredAnswers


@cache
def _declared() -> DeclaredAnswers:
    return DeclaredAnswers(create_app(Settings(session_tables=False)).openapi())


@pytest.fixture(autouse=True)
def declared_answers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wraps the client's `send`; the test that gets an undeclared answer fails."""
    send = TestClient.send
    declared = _declared()  # Before the test: making an application sets up logging anew.

    def checked(client: TestClient, request: httpx.Request, **options: object) -> httpx.Response:
        response = send(client, request, **options)  # type: ignore[arg-type]
        kind = response.headers.get("content-type", "")
        code = response.json()["code"] if kind == "application/problem+json" else None
        path = request.url.path
        missing = declared.undeclared(request.method, path, response.status_code, code)
        assert missing is None, missing
        return response

    monkeypatch.setattr(TestClient, "send", checked)
