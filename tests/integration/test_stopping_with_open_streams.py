"""A service that is told to stop ends its endless streams first, in one process and in several."""

import signal
from contextlib import ExitStack
from pathlib import Path

import httpx

from tests.support.server_process import ServerProcess

STREAMS = 4
CANDLES = b"date,open,high,low,close,volume\n2024-01-02,1,2,1,2,10\n"


def _queued_job(address: str) -> str:
    spec = '{"instrument": "AAPL", "interval": "1d"}'
    answer = httpx.post(
        f"{address}/api/v1/data/imports", files={"file": CANDLES}, data={"spec": spec}
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _ends_whole(address: str, server: ServerProcess) -> None:
    """Every stream was answered and then ended by the service, none of them cut."""
    job = _queued_job(address)
    paths = ["events/stream"] * STREAMS + [f"jobs/{job}/stream"]
    with ExitStack() as stack:
        streams = []
        for path in paths:
            client = stack.enter_context(httpx.Client(timeout=20))
            stream = stack.enter_context(client.stream("GET", f"{address}/api/v1/{path}"))
            assert stream.status_code == 200
            chunks = stream.iter_raw()
            next(chunks)
            streams.append(chunks)
        assert server.stop() in (0, -signal.SIGTERM), server.output
        for chunks in streams:
            list(chunks)
    assert "Exception in ASGI application" not in server.output
    assert "timeout graceful shutdown exceeded" not in server.output


def test_one_process_ends_its_streams(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    server.start()
    try:
        _ends_whole(server.address, server)
    finally:
        server.kill()


def test_each_of_several_processes_ends_its_streams(
    tmp_path: Path, postgresql_address: str
) -> None:
    server = ServerProcess(tmp_path, postgresql_address, workers="2")
    server.start()
    try:
        _ends_whole(server.address, server)
    finally:
        server.kill()
