"""Fixtures many tests share."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from domain.shared.events import NewEvent
from tests.support.databases import scratch_postgresql
from tests.support.portfolio import HttpBook

hypothesis_settings.register_profile(
    "ballast", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("ballast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long rounds run only where `-m` asks for them."""
    if "slow" in str(config.getoption("-m")):
        return
    long_rounds = [item for item in items if item.get_closest_marker("slow")]
    if long_rounds:
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=long_rounds)


@pytest.fixture(scope="session", autouse=True)
def _events_are_listed() -> Iterator[None]:
    """No test sees an event of a type that the reference page leaves out."""
    page = Path(__file__).parents[1] / "docs" / "reference" / "events.md"
    types = set(re.findall(r"^\| `(\w+)`", page.read_text(), re.MULTILINE))
    make = NewEvent.__init__

    def listed(self: NewEvent, type: str, *terms: Any, **named: Any) -> None:
        assert type in types, f"{type} is not on the page of events"
        make(self, type, *terms, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NewEvent, "__init__", listed)
        yield


def unhurried(data_dir: Path) -> Settings:
    """Settings of a service on its own folder, with budgets out of the way."""
    return Settings(
        data_dir=data_dir,
        auth="off",
        session_tables=False,
        rate_read_per_minute=1_000_000,
        rate_write_per_minute=1_000_000,
        rate_orders_per_minute=1_000_000,
        rate_compute_per_minute=1_000_000,
    )


@contextmanager
def serving(settings: Settings) -> Iterator[TestClient]:
    """The real application, started; its failures are answers, as a caller sees them."""
    with TestClient(
        create_app(settings), base_url="http://127.0.0.1:8000", raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the module's service."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def app_client(data_dir: Path) -> Iterator[TestClient]:
    """The real application on a SQLite file of the module's own: tests make their own objects."""
    with serving(unhurried(data_dir)) as client:
        yield client


@pytest.fixture
def book(app_client: TestClient) -> HttpBook:
    """The book of record over HTTP, canonical prefix."""
    return HttpBook(app_client)


@pytest.fixture
def fresh_book(tmp_path: Path) -> Iterator[HttpBook]:
    """A book nobody else writes to."""
    with serving(unhurried(tmp_path)) as client:
        yield HttpBook(client)


@pytest.fixture(scope="module")
def postgresql_address() -> Iterator[str]:
    """Address of a database the module owns; skips when no server answers."""
    with scratch_postgresql() as address:
        yield address
