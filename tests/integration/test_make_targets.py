"""The commands the README promises exist and mean what it says, without running them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = ("run", "test", "check", "bench", "demo", "docs", "openapi", "lock", "clean")


def planned(*arguments: str) -> str:
    """What make would run."""
    if shutil.which("make") is None:
        pytest.skip("No make program.")
    done = subprocess.run(
        ["make", "-n", "--no-print-directory", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_planned(target: str) -> None:
    assert planned(target)


def test_run_serves_where_it_is_told_to() -> None:
    assert "BALLAST_" not in planned("run"), "settings and their defaults decide"
    assert "BALLAST_PORT=3001" in planned("run", "PORT=3001")
    assert "BALLAST_HOST=::1" in planned("run", "HOST=::1")


def test_check_is_everything_ci_asks() -> None:
    plan = planned("check")
    for part in ("ruff check", "ruff format --check", "mypy", "lint-imports", "--check", "pytest"):
        assert part in plan, part


def test_modules_and_files_in_recipes_exist() -> None:
    plan = "\n".join(planned(target) for target in TARGETS)
    for module in set(re.findall(r"-m (app\.[a-z_.]+)", plan)):
        assert (ROOT / Path(*module.split("."))).with_suffix(".py").is_file(), module
    for name in set(re.findall(r"requirements/[a-z]+\.txt|tests/[a-z]+", plan)):
        assert (ROOT / name).exists(), name
