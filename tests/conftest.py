"""Fixtures many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.support.databases import scratch_postgresql
from tests.support.portfolio import HttpBook

hypothesis_settings.register_profile(
    "ballast", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("ballast")


@pytest.fixture
def service_settings(tmp_path: Path) -> Settings:
    """A service of its own on an empty data folder, budgets out of the way."""
    return Settings(
        data_dir=tmp_path,
        auth="off",
        bundled_data=False,
        rate_read_per_minute=1_000_000,
        rate_write_per_minute=1_000_000,
        rate_orders_per_minute=1_000_000,
        rate_compute_per_minute=1_000_000,
    )


@pytest.fixture
def app_client(service_settings: Settings) -> Iterator[TestClient]:
    """The real application on a fresh SQLite file."""
    app = create_app(service_settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def book(app_client: TestClient) -> HttpBook:
    """The book of record over HTTP, canonical prefix."""
    return HttpBook(app_client)


@pytest.fixture(scope="session")
def postgresql_address() -> Iterator[str]:
    """Address of a database this session owns; skips when no server answers."""
    with scratch_postgresql() as address:
        yield address
