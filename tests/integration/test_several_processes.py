"""Two API processes under one parent: one greeting when they listen, one switch for both."""

from pathlib import Path

import httpx
import pytest

from tests.support.plan_book import eventually
from tests.support.redis_server import private_redis
from tests.support.server_process import ServerProcess

RUNNER = "/api/v1/plans/runner"
ASKS = 12


def states(server: ServerProcess) -> set[str]:
    """What fresh connections are told, each of which any process may take."""
    return {httpx.get(f"{server.address}{RUNNER}").json()["state"] for _ in range(ASKS)}


@pytest.mark.timeout(180)
def test_every_process_reports_the_switch_and_a_start_turns_it_off(
    tmp_path: Path, postgresql_address: str
) -> None:
    with private_redis(tmp_path) as redis:
        server = ServerProcess(tmp_path, postgresql_address, workers="2", redis_url=redis.url)
        server.start()
        try:
            eventually(lambda: "Ballast listens on" in server.output)
            assert server.output.count("Ballast listens on") == 1
            assert states(server) == {"stopped"}
            assert httpx.post(f"{server.address}{RUNNER}/start").json()["state"] == "running"
            assert states(server) == {"running"}
            assert httpx.post(f"{server.address}{RUNNER}/stop").json()["state"] == "stopped"
            assert states(server) == {"stopped"}
            httpx.post(f"{server.address}{RUNNER}/start")
            server.stop()
            server.start()
            assert states(server) == {"stopped"}
        finally:
            server.stop()
