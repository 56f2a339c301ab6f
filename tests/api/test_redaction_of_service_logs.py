"""Whatever a caller sends or the service mints, its logs and its ring hold no secret."""

from pathlib import Path

import orjson
import pytest
import structlog
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings

PASSWORD = "a long and wrong pass phrase 77"
SECRET = "k3y-material-that-nobody-may-see-0123456789"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, session_tables=False, log_level="debug", log_format="json",
        secret=SECRET, redis_url="",
    )  # type: ignore[arg-type]  # fmt: skip


def test_the_logs_of_a_day_of_secrets_hold_none(
    settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        app.state.operations.logs.redactor.remember(SECRET)
        capfd.readouterr()
        token = (tmp_path / "owner.token").read_text().strip()
        as_owner = {"Authorization": f"Bearer {token}"}
        client.get("/api/v1/positions", headers=as_owner)
        client.get(f"/api/v1/positions?token={token}&api_key={SECRET}", headers=as_owner)
        client.get(f"/{token}", headers={"X-Correlation-ID": token, "Cookie": f"session={token}"})
        login = {"username": "owner", "password": PASSWORD}
        client.post("/api/v1/auth/login", data=login)
        client.post("/api/v1/auth/login", json=login)
        made = client.post(
            "/api/v1/auth/tokens", json={"name": "ci", "scopes": ["read"]}, headers=as_owner
        )
        fresh = made.json().get("token", "")
        structlog.get_logger("ballast.test").warning(
            "everything", headers=as_owner, body=login, text=f"saw {token} and {SECRET}"
        )
        ring = app.state.operations.logs.ring.newest(500)
    said = capfd.readouterr().err
    assert made.status_code == 201 and fresh.startswith("blt_")
    assert {line["event"] for line in ring} >= {"request", "everything"}
    for place in (said, orjson.dumps(ring).decode()):
        assert '"event":"request"' in place
        for secret in (token, token.rsplit("_", 1)[1], fresh, PASSWORD, SECRET):
            assert secret not in place
