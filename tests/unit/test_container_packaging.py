"""The image runs unprivileged, holds no development files and knows whether it is alive."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")


def dockerfile_instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    pairs = [line.strip().partition(" ") for line in lines if line.strip()]
    return [(word.upper(), " ".join(rest.split())) for word, _, rest in pairs]


def final_stage() -> list[tuple[str, str]]:
    instructions = dockerfile_instructions()
    last = max(at for at, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[last:]


def is_ignored(path: str) -> bool:
    """Whether .dockerignore keeps `path` out: the last pattern that matches it or a parent wins."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        escaped = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        escaped = re.sub(r"\\\[(.*?)\\\]", r"[\1]", escaped)
        if re.fullmatch(f"{escaped}(?:/.*)?", path):
            ignored = not line.startswith("!")
    return ignored


def test_the_image_is_built_in_stages_on_the_slim_interpreter() -> None:
    stages = [rest.split()[0] for word, rest in dockerfile_instructions() if word == "FROM"]
    assert stages == ["python:3.11-slim"] * 2


def test_the_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert len(users) == 1
    uid, _, gid = users[0].partition(":")
    assert int(uid) >= 1000
    assert int(gid) >= 1000


def test_nothing_runs_or_is_copied_as_root_after_the_user_is_set() -> None:
    words = [word for word, _ in final_stage()]
    assert not {"RUN", "COPY", "ADD"} & set(words[words.index("USER") :])


def test_the_data_folder_is_made_for_that_user_before_it_becomes_a_volume() -> None:
    stage = dict(final_stage())
    assert json.loads(stage["VOLUME"]) == ["/var/lib/ballast"]
    runs = " ".join(rest for word, rest in final_stage() if word == "RUN")
    assert "install -d -o ballast -g ballast -m 0700 /var/lib/ballast" in runs


def test_dependencies_are_installed_from_the_lock_with_hashes_and_nothing_else() -> None:
    installs = [rest for word, rest in dockerfile_instructions() if "pip install" in rest]
    assert installs == ["/opt/venv/bin/pip install --require-hashes -r /tmp/lock.txt"]
    assert ("ARG", "LOCK=runtime") in dockerfile_instructions()
    assert ("COPY", "requirements/${LOCK}.txt /tmp/lock.txt") in dockerfile_instructions()


def test_only_the_four_packages_and_the_migration_settings_are_copied_in() -> None:
    copied = {
        rest.split()[0]
        for word, rest in final_stage()
        if word in {"COPY", "ADD"} and "--from" not in rest
    }
    assert copied == {"app", "application", "domain", "infrastructure", "alembic.ini"}


def test_the_container_starts_ballast_serve() -> None:
    stage = dict(final_stage())
    assert json.loads(stage["ENTRYPOINT"]) + json.loads(stage["CMD"]) == ["ballast", "serve"]


def test_no_secret_is_baked_into_the_image() -> None:
    for word, rest in dockerfile_instructions():
        if word in {"ENV", "ARG"}:
            assert not SECRET_NAME.search(rest), rest


class _Live(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/livez" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Dead(_Live):
    status = 503


@pytest.fixture(params=[(_Live, 0), (_Dead, 1), (None, 1)], ids=["live", "dead", "absent"])
def answer(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A port on which /livez answers well, badly or not at all; the exit code expected."""
    handler, code = request.param
    if handler is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            yield probe.getsockname()[1], code
        return
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_port, code
        server.shutdown()
        thread.join()


def test_the_health_check_of_the_image_follows_livez(answer: tuple[int, int]) -> None:
    port, code = answer
    check = dict(final_stage())["HEALTHCHECK"]
    command = json.loads(check[check.index("CMD ") + 4 :])
    assert command[:2] == ["python", "-c"]
    finished = subprocess.run(
        [sys.executable, *command[1:]],
        env={"BALLAST_PORT": str(port)},
        check=False,
        capture_output=True,
        timeout=30,
    )
    assert finished.returncode == code


@pytest.mark.parametrize(
    "path",
    [
        "tests/unit/test_container_packaging.py",
        "tests/data/candles.csv",
        "docs/openapi.json",
        "data/owner.token",
        ".git/config",
        ".venv/bin/python",
        ".env",
        "app/.env.local",
        "app/__pycache__/main.cpython-311.pyc",
        "infrastructure/persistence/ballast.db-wal",
        "pyproject.toml",
        "Makefile",
    ],
)
def test_the_build_context_leaves_out(path: str) -> None:
    assert is_ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        "app/main.py",
        "application/ports/bus.py",
        "domain/risk/gate.py",
        "infrastructure/persistence/migrations/env.py",
        "requirements/runtime.txt",
        "alembic.ini",
    ],
)
def test_the_build_context_holds(path: str) -> None:
    assert not is_ignored(path)
