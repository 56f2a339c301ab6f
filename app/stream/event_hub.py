"""Hands new events of the log to everybody who listens, each encoded once.

A commit, in this process or another, is a signal on the bus; the hub then reads the log from its
own cursor. A listener whose backlog is full loses nothing: it reads what it missed from the log by
itself and joins again.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from application.ports.bus import Bus
from application.ports.event_log import EventLog
from domain.shared.errors import Unavailable
from domain.shared.events import LoggedEvent

TOPIC = "events"
BACKLOG_MAX = 1000
EVENTS_PER_READ = 500
LOOK_INTERVAL_S = 2.0
HEARTBEAT_S = 15.0
log = structlog.get_logger("ballast.stream")


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as JSON text, and the same as a server-sent event."""

    seq: int
    type: str
    body: bytes
    sse: bytes

    @classmethod
    def of(cls, event: LoggedEvent, encode: Callable[[LoggedEvent], bytes]) -> "Frame":
        """Encode the event."""
        body = encode(event)
        sse = b"id: %d\nevent: %b\ndata: %b\n\n" % (event.seq, event.type.encode(), body)
        return cls(event.seq, event.type, body, sse)


class Listener:
    """One consumer's place in the log; used on the event loop only."""

    def __init__(self, hub: "EventHub", owner_id: str, after_seq: int) -> None:
        self.owner_id = owner_id
        self._hub = hub
        self._sent_seq = after_seq
        self._backlog: deque[Frame] = deque()
        self._is_behind = True
        self._is_open = True
        self._wake = asyncio.Event()

    def offer(self, frame: Frame) -> None:
        """Take a new frame, or fall behind when the backlog is full."""
        if self._is_behind:
            return
        if len(self._backlog) >= self._hub.backlog_max:
            self._backlog.clear()
            self._is_behind = True
        else:
            self._backlog.append(frame)
        self._wake.set()

    def end(self) -> None:
        """Finish the iteration."""
        self._is_open = False
        self._wake.set()

    async def batches(self, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[list[Frame]]:
        """Frames by seq without gaps or repeats; an empty list per `heartbeat_s` of silence."""
        while self._is_open:
            if self._is_behind:
                # What is offered from here on waits in the backlog while the log is read.
                self._is_behind = False
                async for missed in self._from_log():
                    yield missed
                continue
            fresh = self._take()
            if fresh:
                yield fresh
            elif not await self._woken(heartbeat_s):
                yield []

    async def _from_log(self) -> AsyncIterator[list[Frame]]:
        while self._is_open:
            frames = await self._hub.read(self.owner_id, self._sent_seq)
            if frames:
                self._sent_seq = frames[-1].seq
                yield frames
            if len(frames) < EVENTS_PER_READ:
                return

    def _take(self) -> list[Frame]:
        fresh = [frame for frame in self._backlog if frame.seq > self._sent_seq]
        self._backlog.clear()
        if fresh:
            self._sent_seq = fresh[-1].seq
        return fresh

    async def _woken(self, patience_s: float) -> bool:
        self._wake.clear()
        if self._is_behind or not self._is_open:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._wake.wait()
        return self._wake.is_set()


class EventHub:
    """One per process. It reads nothing while nobody listens; `announce` is what a commit calls."""

    def __init__(
        self,
        events: EventLog,
        bus: Bus,
        encode: Callable[[LoggedEvent], bytes],
        *,
        backlog_max: int = BACKLOG_MAX,
    ) -> None:
        self.backlog_max = backlog_max
        self._events = events
        self._bus = bus
        self._encode = encode
        self._listeners: dict[str, set[Listener]] = {}
        self._seq: int | None = None
        self._reader: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    def announce(self, seq: int) -> None:
        """Tell every process that the log has grown. Callable from any thread."""
        self._bus.publish(TOPIC, b"%d" % seq)

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(len(group) for group in self._listeners.values())

    @property
    def is_closed(self) -> bool:
        """True once the service is shutting down: whatever streams must end by itself."""
        return self._is_closed

    @asynccontextmanager
    async def listen(self, owner_id: str, after_seq: int | None) -> AsyncIterator[Listener]:
        """A listener from after the sequence number on, or from now on; Unavailable when closed."""
        if self._is_closed:
            raise Unavailable("shutting_down", "The service is shutting down.", retry_after_s=5)
        self._loop = asyncio.get_running_loop()
        head = await asyncio.to_thread(self._events.last_seq)
        if self._seq is None:
            self._seq = head
        # After a restore the log may be shorter than what a client saw.
        start = head if after_seq is None else min(after_seq, head)
        listener = Listener(self, owner_id, start)
        self._listeners.setdefault(owner_id, set()).add(listener)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._run())
        try:
            yield listener
        finally:
            self._leave(listener)

    async def read(self, owner_id: str, after_seq: int) -> list[Frame]:
        """A page of one owner's events, encoded."""
        events = await asyncio.to_thread(
            self._events.of_owner_after, owner_id, after_seq, EVENTS_PER_READ
        )
        return [Frame.of(event, self._encode) for event in events]

    def close(self) -> None:
        """End every stream, so that connections can drain. Callable from any thread; idempotent."""
        self._is_closed = True
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for group in self._listeners.values():
            for listener in group:
                listener.end()
        if self._reader is not None:
            self._reader.cancel()

    def _leave(self, listener: Listener) -> None:
        group = self._listeners[listener.owner_id]
        group.discard(listener)
        if not group:
            del self._listeners[listener.owner_id]
        if not self._listeners:
            self._seq = None

    async def _run(self) -> None:
        waiting = await self._bus.subscribe([TOPIC])
        try:
            while True:
                try:
                    await self._hand_on()
                except Unavailable as outage:
                    log.warning("stream_waits_for_store", code=outage.code)
                # A signal is only a hint, and a lost one must not keep news back for long.
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_INTERVAL_S):
                        await anext(waiting)
        except StopAsyncIteration:
            return
        finally:
            await waiting.close()

    async def _hand_on(self) -> None:
        while self._seq is not None:
            events = await asyncio.to_thread(self._events.after, self._seq, EVENTS_PER_READ)
            for event in events:
                group = self._listeners.get(event.owner_id)
                if group:
                    frame = Frame.of(event, self._encode)
                    for listener in group:
                        listener.offer(frame)
            if events and self._seq is not None:
                self._seq = events[-1].seq
            if len(events) < EVENTS_PER_READ:
                return
