"""`ballast serve` as a process of its own, to be killed and started again on the same data."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
UNLIMITED = "1000000000"
# Settings of whoever runs the tests, and the wish not to keep compiled modules: each start needs them.
NOT_OURS = ("BALLAST_", "PYTHONDONTWRITEBYTECODE")


class ServerProcess:
    """One server on a loopback port; its output is kept in `server.log` beside the data."""

    def __init__(self, data_dir: Path, database_url: str = "", **settings: str) -> None:
        self._data_dir = data_dir
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(NOT_OURS)},
            "BALLAST_DATA_DIR": str(data_dir),
            "BALLAST_DATABASE_URL": database_url,
            "BALLAST_PORT": str(self.port),
            "BALLAST_AUTH": "off",
            "BALLAST_SESSION_TABLES": "false",
            "BALLAST_RUN_JOBS": "false",
            "BALLAST_LOG_LEVEL": "error",
            **{f"BALLAST_RATE_{b}_PER_MINUTE": UNLIMITED for b in ("READ", "WRITE", "ORDERS")},
            **{f"BALLAST_{name.upper()}": text for name, text in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when the service is ready; AssertionError with its output if it never is."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                cwd=ROOT, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_ready():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM and wait; the exit status."""
        return self._end(signal.SIGTERM)

    @property
    def output(self) -> str:
        """What it wrote."""
        return self._log.read_text()

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(PATIENCE_S)
        self._process = None
        return status

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.address}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def _log(self) -> Path:
        return self._data_dir / "server.log"


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
