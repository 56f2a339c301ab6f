"""A walk over every operation of the real service with authentication on.

Nobody gets in without a credential or with too little scope, the alias prefix answers as the
canonical one, and a slash at the end never costs a caller the body.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app.api.dependencies import Requires
from app.api.routing import PREFIX
from app.api.status.routes import PUBLIC_OPERATIONS
from app.main import ALIAS, COMPAT_ROUTERS, ROUTERS, create_app
from app.openapi_document import operations
from app.settings import Settings
from application.context import Scope
from tests.conftest import serving, unhurried
from tests.support.portfolio import refusal

DOCUMENT: dict[str, Any] = create_app(Settings(session_tables=False)).openapi()
# Tokens of these begin a session; the metrics also answer this machine without one.
SIGN_IN = {"log_in", "refresh_session"}
FROM_THIS_MACHINE = {"prometheus_metrics"}
OPEN = PUBLIC_OPERATIONS | SIGN_IN | FROM_THIS_MACHINE
WITHOUT = {
    Scope.READ: ["trade"],
    Scope.TRADE: ["read"],
    Scope.RISK: ["read", "trade"],
    Scope.ADMIN: ["read", "trade", "risk"],
}


def _needed(dependant: Dependant) -> set[Scope]:
    found = {dependant.call.scope} if isinstance(dependant.call, Requires) else set()
    return found.union(*(_needed(part) for part in dependant.dependencies))


SCOPES = {
    route.operation_id: _needed(route.dependant)
    for router in (*ROUTERS, *COMPAT_ROUTERS)
    for route in router.routes
    if isinstance(route, APIRoute)
}
GUARDED = [
    pytest.param(method.upper(), path, operation["operationId"], id=operation["operationId"])
    for path, method, operation in operations(DOCUMENT)
    if operation["operationId"] not in OPEN
]
MIRRORED = [case for case in GUARDED if str(case.values[1]).startswith(PREFIX)]


def _filled(path: str) -> str:
    return re.sub(r"\{extension\}", "csv", path).replace("{", "").replace("}", "")


class Walker:
    """The service, its owner, and a token that lacks each scope."""

    def __init__(self, client: TestClient, owner_token: str) -> None:
        self.client = client
        self.owner = {"Authorization": f"Bearer {owner_token}"}
        self.lacking = {scope: self._token(scopes) for scope, scopes in WITHOUT.items()}

    def _token(self, scopes: list[str]) -> dict[str, str]:
        body = {"name": "-".join(scopes), "scopes": scopes}
        made = self.client.post("/api/v1/auth/tokens", json=body, headers=self.owner)
        assert made.status_code == 201, made.text
        return {"Authorization": f"Bearer {made.json()['token']}"}


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walker]:
    folder: Path = tmp_path_factory.mktemp("walk")
    with serving(unhurried(folder).model_copy(update={"auth": "on"})) as client:
        yield Walker(client, (folder / "owner.token").read_text().strip())


def test_the_open_operations_are_these_and_no_more() -> None:
    without_security = {
        operation["operationId"]
        for _, _, operation in operations(DOCUMENT)
        if not operation.get("security")
    }
    assert without_security == OPEN
    assert len(GUARDED) > 85


@pytest.mark.parametrize(("method", "path", "name"), GUARDED)
def test_nobody_gets_in_without_a_credential(
    walker: Walker, method: str, path: str, name: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer blt_0_0"}, {"Authorization": "Basic eDp5"}):
        answer = walker.client.request(method, _filled(path), headers=headers)
        assert refusal(answer) == (401, "not_authenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "name"), GUARDED)
def test_too_little_scope_is_403_before_anything_is_looked_at(
    walker: Walker, method: str, path: str, name: str
) -> None:
    assert SCOPES[name], "a guarded route asks for a scope"
    for scope in SCOPES[name]:
        answer = walker.client.request(method, _filled(path), headers=walker.lacking[scope])
        assert refusal(answer) == (403, "access_denied")
        assert answer.json()["context"] == {"needed": scope.value}


def _shape(answer: Any) -> tuple[int, object]:
    body = answer.json() if "json" in answer.headers.get("content-type", "") else None
    return answer.status_code, sorted(body) if isinstance(body, dict) else body


@pytest.mark.parametrize(("method", "path", "name"), MIRRORED)
def test_the_alias_answers_as_the_canonical_prefix_does(
    walker: Walker, method: str, path: str, name: str
) -> None:
    if name == "stream_events":
        pytest.skip("An endless answer; its own tests read it.")
    if name in ("start_simulation", "stop_simulation"):
        pytest.skip("Refused the second time, whichever prefix is asked.")
    canonical = _filled(path)
    alias = ALIAS + canonical.removeprefix(PREFIX)
    answers = [
        walker.client.request(method, place, headers=walker.owner) for place in (canonical, alias)
    ]
    assert _shape(answers[0]) == _shape(answers[1])
    assert answers[0].status_code not in (404, 405) or answers[0].json()["code"] not in (
        "route_not_found", "method_not_allowed",
    )  # fmt: skip


@pytest.mark.parametrize(("method", "path", "name"), MIRRORED)
def test_a_slash_at_the_end_is_never_redirected(
    walker: Walker, method: str, path: str, name: str
) -> None:
    answer = walker.client.request(
        method, f"{_filled(path)}/", headers=walker.lacking[Scope.ADMIN], follow_redirects=False
    )
    assert not 300 <= answer.status_code < 400
