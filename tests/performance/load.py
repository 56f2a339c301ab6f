"""A bounded HTTP/1.1 load client on loopback, cheap enough not to be what is measured."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Requests per second and latency of one run; `failures` are statuses of 300 and above."""

    requests: int
    seconds: float
    latencies_s: tuple[float, ...]
    failures: tuple[tuple[int, bytes], ...]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    def quantile_ms(self, share: float) -> float:
        """Latency at the quantile, milliseconds."""
        return self.latencies_s[min(len(self.latencies_s) - 1, int(share * self.requests))] * 1e3


def request(
    method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """Bytes of one keep-alive request."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


def run_load(port: int, by_client: Sequence[Sequence[bytes]]) -> LoadResult:
    """Each client sends its requests one after the other; clients run side by side."""
    return asyncio.run(_run(port, by_client))


async def _run(port: int, by_client: Sequence[Sequence[bytes]]) -> LoadResult:
    latencies: list[float] = []
    failures: list[tuple[int, bytes]] = []
    started = time.perf_counter()
    await asyncio.gather(*(_client(port, sent, latencies, failures) for sent in by_client))
    seconds = time.perf_counter() - started
    return LoadResult(len(latencies), seconds, tuple(sorted(latencies)), tuple(failures))


async def _client(
    port: int, requests: Sequence[bytes], latencies: list[float], failures: list[tuple[int, bytes]]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for sent in requests:
        started = time.perf_counter()
        writer.write(sent)
        await writer.drain()
        status, body = await _answer(reader)
        latencies.append(time.perf_counter() - started)
        if status >= 300:
            failures.append((status, body[:300]))
    writer.close()
    await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return int(head[9:12]), await reader.readexactly(length) if length else b""
