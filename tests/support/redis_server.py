"""Real Redis servers for contract tests: the one that is running, or a private one to kill."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import redis

DEFAULT_URL = "redis://127.0.0.1:6379"
DEFAULT_DATABASE = 9


def server_url() -> str:
    """BALLAST_TEST_REDIS_URL or the local server; database 9 unless the address names one."""
    parts = urlsplit(os.environ.get("BALLAST_TEST_REDIS_URL") or DEFAULT_URL)
    path = parts.path if parts.path.strip("/") else f"/{DEFAULT_DATABASE}"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


@cache
def why_unreachable() -> str | None:
    """None if the server answers, else a sentence for the skip report (no credentials)."""
    try:
        with redis.Redis.from_url(server_url(), socket_connect_timeout=1) as client:
            client.ping()
    except redis.RedisError as error:
        place = urlsplit(server_url())
        return (
            f"No Redis at {place.hostname}:{place.port} ({type(error).__name__}); "
            "set BALLAST_TEST_REDIS_URL to run these."
        )
    return None


@contextmanager
def scratch_prefix() -> Iterator[str]:
    """A key prefix on the running server, its keys deleted afterwards; skips without a server."""
    reason = why_unreachable()
    if reason is not None:
        pytest.skip(reason)
    prefix = f"ballast-test:{uuid4().hex}:"
    try:
        yield prefix
    finally:
        with redis.Redis.from_url(server_url()) as client:
            for key in client.scan_iter(match=f"{prefix}*", count=1000):
                client.delete(key)


def closed_port_url() -> str:
    """An address on this machine where nothing listens."""
    return f"redis://127.0.0.1:{_free_port()}/0"


class PrivateRedis:
    """A server of its own that a test may stop, freeze and start again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = ("--port", str(self._port), "--bind", "127.0.0.1", "--save", "")
        self._process = subprocess.Popen(
            ["redis-server", *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        deadline_s = time.monotonic() + 10
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.RedisError:
                    if time.monotonic() > deadline_s:
                        raise
                    time.sleep(0.02)
                else:
                    return

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def freeze(self) -> None:
        """Connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def private_redis(folder: Path) -> Iterator[PrivateRedis]:
    """A started private server; skips where no redis-server program is installed."""
    if shutil.which("redis-server") is None:
        pytest.skip("No redis-server program to start a private server for outage tests.")
    server = PrivateRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
