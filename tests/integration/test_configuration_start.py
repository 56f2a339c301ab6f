"""What a start makes of the configuration file and the environment, and what stops it."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from starlette.testclient import TestClient

from domain.shared.errors import Invalid
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.migrate import migrate
from infrastructure.persistence.store import SqlStore
from tests.conftest import serving, unhurried
from tests.contract.test_configuration_contract import version
from tests.support.portfolio import OWNER
from tests.support.scene import SteppingClock, address_of

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "tests" / "data" / "configuration" / "config.json"
PIN = "BALLAST_CONFIG__RISK_LIMITS__MAX_STOP_DISTANCE"


@contextmanager
def started(folder: Path, **settings: Any) -> Iterator[TestClient]:
    with serving(unhurried(folder).model_copy(update=settings)) as client:
        yield client


def configuration(folder: Path, **settings: Any) -> dict[str, Any]:
    """The document of a service that is started for it."""
    with started(folder, **settings) as client:
        answer = client.get("/config")
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body


def versions(folder: Path) -> list[tuple[int, str]]:
    with started(folder) as client:
        items = client.get("/api/v1/config/versions").json()["items"]
        return [(item["version"], item["actor"]) for item in items]


def write(folder: Path, **sections: object) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps(sections))
    return file


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    body = configuration(tmp_path)
    assert body["version"] == 1
    assert {s for section in body["sources"].values() for s in section.values()} == {"default"}


def test_the_published_file_is_taken_verbatim_and_never_rewritten(tmp_path: Path) -> None:
    content = PUBLISHED.read_bytes()
    file = tmp_path / "config.json"
    file.write_bytes(content)
    file.chmod(0o444)
    before = file.stat()
    body = configuration(tmp_path)
    assert body["version"] == 2
    assert set(body["sources"]["risk_limits"].values()) == {"file"}
    assert set(body["sources"]["exits"].values()) == {"default"}
    expected = json.loads(content)
    assert {name: body["config"][name] for name in expected} == expected
    with started(tmp_path) as client:
        changed = client.patch(
            "/config", json={"risk_limits": {"max_stop_distance": 10}}, headers={"If-Match": '"2"'}
        )
        assert changed.status_code == 200
    assert file.read_bytes() == content and file.stat().st_mtime_ns == before.st_mtime_ns


def test_only_changed_content_makes_a_version_and_its_actor_is_the_file(tmp_path: Path) -> None:
    write(tmp_path, risk_limits={"max_stop_distance": 20})
    assert configuration(tmp_path)["version"] == 2
    (tmp_path / "config.json").write_text('{ "risk_limits":\n {"max_stop_distance": 20.00} }\n')
    assert configuration(tmp_path)["version"] == 2
    write(tmp_path, risk_limits={"max_stop_distance": 15})
    assert configuration(tmp_path)["config"]["risk_limits"]["max_stop_distance"] == 15
    (tmp_path / "config.json").unlink()
    assert configuration(tmp_path)["config"]["risk_limits"]["max_stop_distance"] == 25
    assert versions(tmp_path) == [(4, "file"), (3, "file"), (2, "file")]


def test_a_file_elsewhere_is_named_by_its_setting(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = write(elsewhere, exits={"trailing": False})
    body = configuration(tmp_path / "data", config_file=file)
    assert body["config"]["exits"]["trailing"] is False
    gone = configuration(tmp_path / "other", config_file=elsewhere / "none.json")
    assert gone["version"] == 1


def test_the_environment_pins_above_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, risk_limits={"max_stop_distance": 20})
    with started(tmp_path) as client:
        client.patch(
            "/config", json={"risk_limits": {"max_stop_distance": 18}}, headers={"If-Match": '"2"'}
        )
    monkeypatch.setenv(PIN, "16")
    with started(tmp_path) as client:
        body = client.get("/config").json()
        assert body["config"]["risk_limits"]["max_stop_distance"] == 16
        assert body["sources"]["risk_limits"]["max_stop_distance"] == "environment"
        for path in ("/config", "/api/v1/config"):
            refused = client.patch(
                path, json={"risk_limits": {"max_stop_distance": 12}}, headers={"If-Match": '"4"'}
            )
            assert (refused.status_code, refused.json()["code"]) == (409, "pinned_by_environment")
            assert refused.json()["context"]["variables"] == [PIN]
    monkeypatch.delenv(PIN)
    assert configuration(tmp_path)["config"]["risk_limits"]["max_stop_distance"] == 18
    assert [actor for _, actor in versions(tmp_path)][:2] == ["environment", "environment"]


def _serve(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BALLAST_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "serve"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={**clean, "BALLAST_DATA_DIR": str(folder), "BALLAST_PORT": "0",
             "BALLAST_AUTH": "off", "BALLAST_SESSION_TABLES": "false", **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"exits": {\n  "trailing": no}}', "is not valid JSON: line 2 column 15: "),
        ('{"exits": {"trailling": true}}', "/exits/trailling: unknown key; the nearest known key"),
        ('{"performance_targets": {"min_win_rate": 60}}', "not percent: 0.6 means 60 %"),
        ('{"regime_overrides": {"force_regime": "bear"}}', "/regime_overrides/force_regime: one"),
        ('{"risk_limits": {"min_stop_distance": 25}}', "must be smaller than max_stop_distance"),
    ],
)
def test_a_bad_file_stops_the_start_with_one_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(content)
    digest = hashlib.sha256(file.read_bytes()).digest()
    done = _serve(tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("ballast: ") and said in line
    assert not (tmp_path / "ballast.db").exists()
    assert hashlib.sha256(file.read_bytes()).digest() == digest


def test_a_bad_variable_stops_the_start_with_one_line(tmp_path: Path) -> None:
    done = _serve(tmp_path, BALLAST_CONFIG__RISK_LIMITS__MAX_STOP="5")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"the nearest known key is {PIN}" in line


def test_a_file_that_contradicts_earlier_changes_stops_the_start(tmp_path: Path) -> None:
    with started(tmp_path) as client:
        patch = {"risk_limits": {"min_stop_distance": 10}}
        assert client.patch("/config", json=patch, headers={"If-Match": '"1"'}).status_code == 200
    write(tmp_path, risk_limits={"max_stop_distance": 5})
    done = _serve(tmp_path)
    assert done.returncode == 1
    assert "they are set by api and file" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    with pytest.raises(Invalid), started(tmp_path):
        pass
    (tmp_path / "config.json").unlink()
    assert configuration(tmp_path)["version"] == 2


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(Invalid, match="is not valid UTF-8"), started(tmp_path):
        pass


def test_a_folder_in_the_files_place_is_named_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    done = _serve(tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"ballast: {tmp_path / 'config.json'}: Is a directory"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "change",
    ["UPDATE configuration_versions SET reason = 'x'", "DELETE FROM configuration_versions"],
)
def test_the_database_refuses_to_change_versions(kind: str, change: str, tmp_path: Path) -> None:
    with address_of(kind, tmp_path) as address:
        database = open_database(address)
        migrate(database, tmp_path)
        store = SqlStore(database, SteppingClock())
        store.command(lambda work: work.configuration.add(version(2)), OWNER).result()
        store.close()
        engine = create_engine(address, poolclass=NullPool)
        with (
            pytest.raises(DBAPIError, match="configuration_versions is append-only"),
            engine.begin() as connection,
        ):
            connection.execute(text(change))
        engine.dispose()
        database.close()
