"""The compose file has no default secret, no open port and no root; it refuses to start without."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

COMPOSE_FILE = Path(__file__).parents[2] / "docker-compose.yml"
DUMMY_SECRETS = {
    "POSTGRES_PASSWORD": "x" * 32,
    "REDIS_PASSWORD": "y" * 32,
    "BALLAST_SECRET": "z" * 32,
}
REQUIRED = re.compile(r"\$\{\w+:\?[^}]+\}")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")
LONG_RUNNING = {"api", "worker", "postgres", "redis"}

Service = dict[str, object]


def services() -> dict[str, Service]:
    document = yaml.safe_load(COMPOSE_FILE.read_text())
    return {name: dict(service) for name, service in document["services"].items()}


def secret_faults(environment: dict[str, object]) -> list[str]:
    """Names whose secret is anything but a required interpolation."""
    faults = []
    for name, value in environment.items():
        text = str(value)
        if SECRET_NAME.search(name) and not REQUIRED.fullmatch(text):
            faults.append(name)
        credentials = re.search(r"://([^/]*)@", text)
        if credentials and not REQUIRED.fullmatch(credentials[1].partition(":")[2]):
            faults.append(name)
    return faults


def test_compose_names_the_services_and_dask_only_as_a_profile() -> None:
    found = services()
    assert {*LONG_RUNNING, "migrate"} == {n for n, s in found.items() if "profiles" not in s}
    assert {n for n, s in found.items() if s.get("profiles") == ["dask"]} == {
        "dask-scheduler",
        "dask-worker",
    }


def test_every_service_that_keeps_running_has_a_health_check() -> None:
    for name, service in services().items():
        check = service["healthcheck"]
        assert isinstance(check, dict)
        if name == "migrate":
            assert check == {"disable": True}
        elif name == "api":
            # Without a test of its own the one of the image applies.
            assert "test" not in check
            assert "interval" in check
        else:
            assert check["test"], name


def test_services_wait_for_healthy_stores_and_a_finished_migration() -> None:
    found = services()
    stores = {"postgres": "service_healthy", "redis": "service_healthy"}
    waits = {
        name: {on: rule["condition"] for on, rule in service["depends_on"].items()}  # type: ignore[attr-defined]
        for name, service in found.items()
        if "depends_on" in service
    }
    assert waits["migrate"] == stores
    for name in ("api", "worker"):
        assert waits[name] == {**stores, "migrate": "service_completed_successfully"}


def test_every_secret_is_an_interpolation_that_compose_refuses_to_leave_empty() -> None:
    for name, service in services().items():
        environment = service.get("environment", {})
        assert isinstance(environment, dict)
        assert secret_faults(environment) == [], name


def test_a_secret_is_required_at_every_place_it_is_interpolated() -> None:
    used = re.findall(r"(?<!\$)\$\{(\w+)(:?[-?+]?)", COMPOSE_FILE.read_text())
    operators = {(name, operator) for name, operator in used if SECRET_NAME.search(name)}
    assert operators == {(name, ":?") for name in DUMMY_SECRETS}


@pytest.mark.parametrize(
    "environment",
    [
        {"POSTGRES_PASSWORD": "postgres"},
        {"POSTGRES_PASSWORD": "${POSTGRES_PASSWORD:-postgres}"},
        {"POSTGRES_PASSWORD": "${POSTGRES_PASSWORD}"},
        {"BALLAST_SECRET": None},
        {"BALLAST_DATABASE_URL": "postgresql+psycopg://ballast:ballast@postgres/ballast"},
        {"BALLAST_REDIS_URL": "redis://:${REDIS_PASSWORD:-}@redis:6379/0"},
    ],
)
def test_the_check_for_secrets_catches(environment: dict[str, object]) -> None:
    assert secret_faults(environment) != []


def test_the_only_published_port_is_the_api_on_loopback() -> None:
    published = {n: s["ports"] for n, s in services().items() if "ports" in s}
    assert list(published) == ["api"]
    ports = published["api"]
    assert isinstance(ports, list)
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_service_runs_as_root_or_keeps_capabilities() -> None:
    for name, service in services().items():
        assert "build" in service or service.get("user") not in {None, "", "root", "0", 0}, name
        assert service.get("user") not in {"root", "0", 0}, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name


def test_third_party_images_are_pinned_to_a_release() -> None:
    images = {n: str(s["image"]) for n, s in services().items() if "build" not in s}
    assert set(images) == {"postgres", "redis"}
    assert all(re.search(r":\d", image) for image in images.values())


def test_data_lives_in_named_volumes_and_nothing_of_the_host_is_mounted() -> None:
    document = yaml.safe_load(COMPOSE_FILE.read_text())
    for service in services().values():
        mounts = service.get("volumes", [])
        assert isinstance(mounts, list)
        assert {mount.split(":")[0] for mount in mounts} <= set(document["volumes"])


def test_stores_sit_on_a_network_without_a_way_out() -> None:
    document = yaml.safe_load(COMPOSE_FILE.read_text())
    assert document["networks"]["backend"]["internal"] is True
    for name in ("postgres", "redis", "dask-scheduler", "dask-worker"):
        assert services()[name]["networks"] == ["backend"]


def test_both_processes_of_ballast_get_the_same_settings() -> None:
    found = services()
    settings = found["api"]["environment"]
    assert isinstance(settings, dict)
    assert found["worker"]["environment"] == settings == found["migrate"]["environment"]
    assert settings["BALLAST_BEHIND_TLS_PROXY"] == "true"
    assert settings["BALLAST_DATA_DIR"] == "/var/lib/ballast"
    assert settings["BALLAST_WORKERS"] == "${BALLAST_WORKERS:-2}"
    assert settings["BALLAST_DASK_SCHEDULER"] is None
    assert set(settings) >= {"BALLAST_SECRET", "BALLAST_REDIS_URL", "BALLAST_ALLOWED_HOSTS"}


def test_the_commands_are_those_of_the_ballast_program() -> None:
    commands = {n: s["command"] for n, s in services().items() if n in {"api", "worker", "migrate"}}
    assert commands == {"api": ["serve"], "worker": ["worker"], "migrate": ["migrate"]}


def test_redis_reads_its_password_from_its_environment_and_never_evicts_a_lease() -> None:
    command = services()["redis"]["command"]
    assert isinstance(command, list)
    settings = command[-1].splitlines()
    assert "requirepass $$REDIS_PASSWORD" in settings
    assert "maxmemory-policy noeviction" in settings


def compose_client() -> list[str]:
    """A compose client that works without an engine; skips with the reason if there is none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        asked = subprocess.run(
            [*command, "version"], check=False, capture_output=True, timeout=30, env=os.environ
        )
        if asked.returncode == 0:
            return command
    pytest.skip("No docker compose client here to validate docker-compose.yml with.")


def compose_config(environment: dict[str, str]) -> int:
    client = compose_client()
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    finished = subprocess.run(
        [*client, "--env-file", os.devnull, "-f", str(COMPOSE_FILE), "config", "-q"],
        check=False,
        capture_output=True,
        timeout=60,
        env={**bare, **environment},
    )
    return finished.returncode


def test_the_compose_client_accepts_the_file_once_the_secrets_are_set() -> None:
    assert compose_config(DUMMY_SECRETS) == 0


@pytest.mark.parametrize("missing", sorted(DUMMY_SECRETS))
def test_the_compose_client_refuses_to_start_without(missing: str) -> None:
    assert compose_config({k: v for k, v in DUMMY_SECRETS.items() if k != missing}) != 0
