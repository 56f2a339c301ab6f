"""A started service holds nothing in memory that only workers, tools or other set-ups need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKER_LIBRARIES = {"numba", "pandas", "scipy", "pyarrow", "yfinance", "exchange_calendars", "arch"}
OTHER_SET_UPS = {"distributed", "dask", "redis", "psycopg", "alembic", "xlsxwriter"}
TOOLS = {"hypothesis", "pytest", "schemathesis", "mypy", "IPython", "matplotlib", "tkinter"}
NEVER = WORKER_LIBRARIES | OTHER_SET_UPS | TOOLS

STARTED = """
import asyncio, json, sys
from pathlib import Path
from app.main import create_app
from app.settings import Settings

imported = sorted(sys.modules)
app = create_app(Settings(data_dir=Path(sys.argv[1]), session_tables=False))

async def started():
    async with app.router.lifespan_context(app):
        return sorted(sys.modules)

print(json.dumps([imported, asyncio.run(started())]))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str]]:
    """Modules after `import app.main`, and after a warm start."""
    folder = tmp_path_factory.mktemp("data")
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", STARTED, str(folder)],
            cwd=ROOT, capture_output=True, text=True, timeout=90, check=True,
        )  # fmt: skip
    imported, started = json.loads(done.stdout.splitlines()[-1])
    return set(imported), set(started)


def _packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_importing_the_service_loads_no_library_it_may_never_need(
    loaded: tuple[set[str], set[str]],
) -> None:
    assert _packages(loaded[0]) & NEVER == set()


def test_a_warm_start_loads_none_of_them_either(loaded: tuple[set[str], set[str]]) -> None:
    assert _packages(loaded[1]) & NEVER == set()


def test_the_list_names_libraries_that_are_really_here() -> None:
    """A misspelt name would be absent for ever."""
    from importlib.util import find_spec

    optional = {"numba", "yfinance", "scipy", "IPython", "matplotlib", "tkinter", "dask"}
    assert {name for name in NEVER - optional if find_spec(name) is None} == set()
