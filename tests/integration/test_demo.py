"""The tour: the pages show the demo's commands and answers, and a shell can paste them in order."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo import ROOT, DemoFailed, Done, Place, running_service, tour, updated
from app.demo_request import Request, command_of
from app.demo_steps import STEPS
from app.main import create_app
from app.settings import Settings
from tests.support.declared_answers import DeclaredAnswers

README = ROOT / "README.md"
PAGES = (README, ROOT / "docs" / "tutorial" / "first-position.md")
pytestmark = pytest.mark.xdist_group("demo")

BLOCK = re.compile(r"```sh\n(.*?)\n```", re.DOTALL)

# What differs from run to run, and nothing else.
VOLATILE = (
    (r"\b(pos|ord|fil|div|job|req|evt|eval)_[0-9a-f]{32}", r"\1_"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r'"age_s": [0-9.]+', '"age_s": AGE'),
    (r"ballast-\d{8}T\d{6}Z", "ballast-TIME"),
    (r"\d+ bytes, sha256 [0-9a-f]{64}", "SIZE"),
    (r"Looked at \d+ events", "Looked at N events"),
)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caller") / "callers_own.db"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, elsewhere: Path) -> Iterator[Place]:
    """The demo's service, started by somebody whose environment names another database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BALLAST_DATABASE_URL", f"sqlite:///{elsewhere}")
        with running_service(tmp_path_factory.mktemp("demo")) as running:
            yield running


@pytest.fixture(scope="module")
def done(place: Place) -> list[Done]:
    return list(tour(place))


def steady(text: str) -> str:
    for pattern, replacement in VOLATILE:
        text = re.sub(pattern, replacement, text)
    return text


def test_every_step_of_the_demo_is_answered_as_expected(done: list[Done]) -> None:
    assert [item.command for item in done] == [command_of(step) for step in STEPS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_the_demos_commands_in_their_order(page: Path) -> None:
    wanted = [command_of(step) for step in STEPS]
    shown = [block for block in BLOCK.findall(page.read_text()) if block in wanted]
    assert shown == wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_the_answers_the_service_gives(page: Path, done: list[Done]) -> None:
    text = steady(page.read_text())
    for item in done:
        assert steady(f"```sh\n{item.command}\n```\n\n```text\n{item.answer}\n```") in text


def test_update_puts_answers_after_their_own_commands_only() -> None:
    page = "```sh\nmake run\n```\n\n```sh\nask\n```\n\n```text\nold\n```\n\n```text\nkept\n```\n"
    assert updated(page, [Done("ask", "new")]) == page.replace("old", "new")


def test_every_path_of_the_tour_is_an_operation_of_the_api() -> None:
    operations = DeclaredAnswers(create_app(Settings()).openapi())
    for step in STEPS:
        if isinstance(step, Request):
            assert operations.operation(step.method, step.path) is not None, step.path


@pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl"
)
def test_the_readmes_commands_work_pasted_into_one_shell(place: Place, done: list[Done]) -> None:
    blocks = BLOCK.findall(README.read_text())
    setup = next(block for block in blocks if "TOKEN=" in block)
    commands = [block for block in blocks if "$URL" in block]
    assert len(done) > len(commands) > 0
    folder = place.data_dir.parent
    (folder / "tests").symlink_to(ROOT / "tests")
    shell = subprocess.run(
        ["bash", "-eu"],
        input="\n".join([setup.replace("http://127.0.0.1:8000", place.url), *commands]),
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        timeout=60,
        check=False,
    )
    said = shell.stdout + shell.stderr
    assert shell.returncode == 0, said
    for sign in (
        '"position_cash":9970',
        '"code":"risk_rejected"',
        "close:bundled:SPX",
        "event: end",
    ):
        assert sign in said


def test_a_step_that_is_answered_otherwise_stops_the_demo(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.demo.STEPS", (Request("Not there", "/api/v1/positions/none"),))
    with pytest.raises(DemoFailed, match="expected 200"):
        list(tour(place))


def test_settings_of_the_caller_do_not_reach_the_demo(place: Place, elsewhere: Path) -> None:
    assert (place.data_dir / "ballast.db").exists()
    assert not elsewhere.exists()
