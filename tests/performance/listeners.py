"""Many readers of the event stream in one client loop: they count events and do nothing else."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STREAM = b"GET /api/v1/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
MARK = b"\nevent: "
JOIN_TIMEOUT_S = 30


class Crowd:
    """Counts the events that every reader has received."""

    def __init__(self, readers: int) -> None:
        self.counts = [0] * readers
        self._joined = 0
        self.has_joined = threading.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def joined(self) -> None:
        """One more reader has the head of its answer."""
        self._joined += 1
        if self._joined == len(self.counts):
            self.has_joined.set()

    async def read(self, port: int) -> None:
        """All readers, until they are cancelled."""
        self._tasks = [
            asyncio.create_task(self._read_one(port, place)) for place in range(len(self.counts))
        ]
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def leave(self) -> None:
        """End every reader; on the client's loop."""
        for task in self._tasks:
            task.cancel()

    async def _read_one(self, port: int, place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(STREAM)
            await reader.readuntil(b"\r\n\r\n")
            # The greeting is sent once the reader's place in the log is taken.
            tail = await reader.read(65536)
            self.joined()
            while received := await reader.read(1 << 20):
                # A mark may be cut by the end of what was read.
                text = tail[-len(MARK) + 1 :] + received
                self.counts[place] += text.count(MARK)
                tail = received
        finally:
            writer.close()


@contextmanager
def listening(port: int, readers: int) -> Iterator[Crowd]:
    """Readers that have joined, on a loop of their own."""
    crowd = Crowd(readers)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(crowd.read(port)))
    thread.start()
    try:
        if not crowd.has_joined.wait(JOIN_TIMEOUT_S):
            raise TimeoutError("not every reader joined")
        yield crowd
    finally:
        loop.call_soon_threadsafe(crowd.leave)
        thread.join()
        loop.close()
