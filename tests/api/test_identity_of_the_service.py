"""The whole service with authentication on: first start, and no route that lets anybody in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app.api.dependencies import Requires
from app.api.routing import PREFIX
from app.main import ROUTERS, create_app
from app.settings import Settings
from application.context import Scope
from tests.support.portfolio import refusal

PUBLIC = {("POST", "/auth/login"), ("POST", "/auth/refresh"), ("GET", "/status/health"),
          ("GET", "/healthz")}  # fmt: skip
WITHOUT_THE_SCOPE = {
    Scope.READ: ["trade"],
    Scope.TRADE: ["read"],
    Scope.RISK: ["read", "trade"],
    Scope.ADMIN: ["read", "trade", "risk"],
}


def _settings(folder: Path, **more: Any) -> Settings:
    return Settings(
        data_dir=folder, session_tables=False, rate_read_per_minute=1_000_000,
        rate_write_per_minute=1_000_000, rate_orders_per_minute=1_000_000,
        rate_compute_per_minute=1_000_000, **more,
    )  # fmt: skip


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(_settings(tmp_path)), base_url="http://127.0.0.1:8000") as running:
        yield running


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_first_start_prints_once_and_keeps_a_private_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for start in range(2):
        with TestClient(create_app(_settings(tmp_path)), base_url="http://localhost") as client:
            file = tmp_path / "owner.token"
            token = file.read_text().strip()
            assert file.stat().st_mode & 0o777 == 0o600
            me = client.get("/api/v1/auth/me", headers=_bearer(token))
            assert me.json()["username"] == "owner"
            printed = capsys.readouterr().out
            assert (token in printed) is (start == 0)
            if start == 0:
                password = printed.partition("shown once): ")[2].split()[0]
            form = {"username": "owner", "password": password}
            assert client.post("/api/v1/auth/login", data=form).status_code == 200


def test_password_file_presets_the_owners_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "password"
    file.write_text("brass lantern over the quay\n")
    settings = _settings(tmp_path / "data", owner_password_file=file)
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        form = {"username": "owner", "password": "brass lantern over the quay"}
        assert client.post("/v1/auth/login", data=form).status_code == 200
    assert "brass lantern" not in capsys.readouterr().out


def test_foreign_hosts_and_origins_are_refused(client: TestClient) -> None:
    foreign = client.get("/api/v1/auth/me", headers={"Host": "evil.example"})
    assert refusal(foreign) == (421, "misdirected_request")
    page = client.post("/api/v1/auth/refresh", headers={"Origin": "https://evil.example"})
    assert refusal(page) == (403, "origin_refused")


def _routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def _needed(dependant: Dependant) -> set[Scope]:
    found = {dependant.call.scope} if isinstance(dependant.call, Requires) else set()
    return found.union(*(_needed(part) for part in dependant.dependencies))


def _path(route: APIRoute) -> str:
    return route.path.replace("{", "").replace("}", "")


def test_every_route_but_the_public_ones_asks_for_a_scope() -> None:
    open_routes = {
        (method, route.path.removeprefix(PREFIX))
        for route in _routes()
        for method in route.methods
        if not _needed(route.dependant)
    }
    assert open_routes <= PUBLIC
    assert len(_routes()) > 60


def test_every_route_refuses_strangers_and_credentials_with_too_little(
    client: TestClient, tmp_path: Path
) -> None:
    owner = _bearer((tmp_path / "owner.token").read_text().strip())
    poor = {}
    for scope, scopes in WITHOUT_THE_SCOPE.items():
        body = {"name": scope.value, "scopes": scopes}
        made = client.post("/api/v1/auth/tokens", headers=owner, json=body)
        poor[scope] = _bearer(made.json()["token"])
    for route in _routes():
        for scope in _needed(route.dependant):
            for method in sorted(route.methods):
                stranger = client.request(method, _path(route), json={})
                assert refusal(stranger) == (401, "not_authenticated"), (method, route.path)
                little = client.request(method, _path(route), json={}, headers=poor[scope])
                assert refusal(little) == (403, "access_denied"), (method, route.path)


def test_published_schema_declares_login_as_its_oauth2_flow(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    (scheme,) = schema["components"]["securitySchemes"].values()
    assert scheme["flows"]["password"]["tokenUrl"] == "/api/v1/auth/login"
    login = schema["paths"]["/api/v1/auth/login"]["post"]["requestBody"]["content"]
    assert list(login) == ["application/x-www-form-urlencoded"]
