"""Starts a server in a process of its own on loopback and stops it by its process id."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUDGETS = ("READ", "WRITE", "ORDERS", "COMPUTE")
AS_IS: Mapping[str, str] = {}
"""Environment of a server on this machine as it is."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and how long it took to answer its first request."""

    port: int
    pid: int
    ready_s: float

    def cpu_s(self) -> float:
        """Processor time it has used so far, user and system, seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise LookupError("VmRSS")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def peer(folder: Path, env: Mapping[str, str] = AS_IS) -> Iterator[Server]:
    """The plain FastAPI peer under uvicorn."""
    command = ["uvicorn", "tests.performance.peer_app:app", "--log-level", "warning"]
    env = {"PEER_DATABASE": str(folder / "peer.db"), **env}
    with _served([*command, "--no-access-log"], env, "/order", "--port") as server:
        yield server


@contextmanager
def ballast(folder: Path, env: Mapping[str, str] = AS_IS, **settings: str) -> Iterator[Server]:
    """The service as `make run` starts it, auth off, with budgets out of the way."""
    env = {**env, **{f"BALLAST_RATE_{name}_PER_MINUTE": "100000000" for name in BUDGETS}}
    env |= {"BALLAST_DATA_DIR": str(folder), "BALLAST_AUTH": "off", "BALLAST_LOG_LEVEL": "warning"}
    env |= {f"BALLAST_{name.upper()}": value for name, value in settings.items()}
    with _served(["app.cli", "serve"], env, "/livez", None) as server:
        yield server


@contextmanager
def _served(
    module: list[str], env: Mapping[str, str], path: str, port_option: str | None
) -> Iterator[Server]:
    port = free_port()
    options = [port_option, str(port)] if port_option else []
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *module, *options],
        cwd=ROOT,
        env={**os.environ, **env, "BALLAST_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, path)
        yield Server(port, process.pid, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int, path: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.01)
        finally:
            connection.close()
    raise TimeoutError(f"nothing answered {path}")
