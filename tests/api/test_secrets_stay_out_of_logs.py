"""From the first start to a revoked token: no secret of the service reaches its log or its ring."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from starlette.testclient import TestClient

from app.main import create_app
from app.platform_providers import known_secrets
from app.settings import Settings
from application.identity.totp import code_at, step_of
from infrastructure.security.service_secret import SECRET_FILE

OWNER_PASSWORD = "brass lantern over the quay"
NEXT_PASSWORD = "seven grey herons waiting"
WRONG_PASSWORD = "a long and wrong pass phrase"


class Day:
    """One day of the owner; every secret that is sent or received is kept."""

    def __init__(self, client: TestClient, token: str) -> None:
        self._client = client
        self.secrets = {token, token.split("_", 2)[2], OWNER_PASSWORD, WRONG_PASSWORD}
        self._token = token

    def call(self, method: str, path: str, token: str, expect: int, body: Any = None) -> Any:
        answer = self._client.request(
            method, f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    def login(self, password: str, expect: int = 200, **more: str) -> str:
        form = {"username": "owner", "password": password, **more}
        answer = self._client.post("/api/v1/auth/login", data=form)
        assert answer.status_code == expect, answer.text
        if expect != 200:
            return ""
        session = answer.json()
        self.secrets |= {session["access_token"], session["refresh_token"]}
        return str(session["access_token"])

    def live(self) -> None:
        self.login(WRONG_PASSWORD, 401)
        access = self.login(OWNER_PASSWORD)
        body = {"name": "ci", "scopes": ["read"]}
        made = self.call("POST", "/auth/tokens", access, 201, body)
        self.secrets |= {made["token"], made["token"].split("_", 2)[2]}
        self._enrol(access)
        change = {"current_password": OWNER_PASSWORD, "new_password": NEXT_PASSWORD}
        self.secrets.add(NEXT_PASSWORD)
        self.call("PUT", "/auth/password", access, 204, change)
        self.call("GET", "/auth/me", access, 401)
        user = {"username": "ada", "role": "viewer", "password": WRONG_PASSWORD}
        self.call("POST", "/users", self._token, 201, user)
        self.call("GET", f"/orders/{made['token']}", self._token, 404)
        self.call("DELETE", f"/auth/tokens/{made['id']}", self._token, 204)

    def _enrol(self, access: str) -> None:
        started = self.call("POST", "/auth/totp", access, 200, {"password": OWNER_PASSWORD})
        self.secrets |= {started["secret"], started["uri"]}
        secret = base64.b32decode(started["secret"] + "=" * (-len(started["secret"]) % 8))
        code = code_at(secret, step_of(datetime.now(UTC)))
        self.call("POST", "/auth/totp/confirm", access, 204, {"code": code})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    password = tmp_path / "password"
    password.write_text(f"{OWNER_PASSWORD}\n")
    return Settings(
        data_dir=tmp_path / "data", session_tables=False, log_level="debug", log_format="json",
        owner_password_file=password,
    )  # fmt: skip


def test_a_day_of_the_owner_leaves_no_secret_in_the_log(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        token = (settings.data_dir / "owner.token").read_text().strip()
        day = Day(client, token)
        day.live()
        service_secret = (settings.data_dir / SECRET_FILE).read_text().strip()
        structlog.get_logger("ballast.test").warning("mishap", text=f"signed with {service_secret}")
        ring = orjson.dumps(app.state.operations.logs.ring.newest(500)).decode()
    log = capfd.readouterr().err
    for place in (log, ring):
        assert place.count('"event":"request"') > 8
        assert "mishap" in place
        assert [s for s in {*day.secrets, service_secret} if s in place] == []


def test_passwords_of_addresses_are_known_plain_and_encoded(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, secret="s3rvice-secret-of-thirty-two-bytes!",
        database_url="postgresql+psycopg://u:p%40ss%2Fword9@127.0.0.1/b",
        redis_url="redis://:other-pass@127.0.0.1/0",
    )  # type: ignore[arg-type]  # fmt: skip
    assert set(known_secrets(settings)) == {
        "s3rvice-secret-of-thirty-two-bytes!", "p%40ss%2Fword9", "p@ss/word9", "other-pass",
    }  # fmt: skip
