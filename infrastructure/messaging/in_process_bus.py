"""Signals between the threads of one process; also the local half of the Redis bus."""

import asyncio
from collections.abc import Sequence
from threading import Lock
from typing import Self

from application.ports.backend_health import BackendHealth
from application.ports.bus import Signal


class Mailbox:
    """One subscription: the newest payload per topic, in the order the topics woke up."""

    def __init__(self, bus: "InProcessBus", topics: frozenset[str]) -> None:
        self.topics = topics
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._lock = Lock()
        self._pending: dict[str, bytes] = {}
        self._is_wake_scheduled = False
        self._is_open = True

    def post(self, topic: str, payload: bytes) -> None:
        """Called by publishers on any thread; one loop wake-up per batch of signals."""
        with self._lock:
            if not self._is_open:
                return
            self._pending[topic] = payload
            if self._is_wake_scheduled:
                return
            self._is_wake_scheduled = True
        self._rouse()

    def end(self) -> None:
        """Close from any thread; a waiting consumer stops."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            self._pending.clear()
        self._bus.drop(self)
        self._rouse()

    def _rouse(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:
            # The consumer's loop is closed, so nobody will ever read this mailbox again.
            self._is_open = False
            self._bus.drop(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Signal:
        while True:
            with self._lock:
                if not self._is_open:
                    raise StopAsyncIteration
                if self._pending:
                    topic = next(iter(self._pending))
                    return Signal(topic, self._pending.pop(topic))
                self._is_wake_scheduled = False
                self._wake.clear()
            await self._wake.wait()

    async def close(self) -> None:
        self.end()


class InProcessBus:
    """Bus for one process. A publish costs one loop wake-up per idle subscription."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mailboxes: tuple[Mailbox, ...] = ()
        self._is_open = True

    def publish(self, topic: str, payload: bytes) -> None:
        for mailbox in self._mailboxes:
            if topic in mailbox.topics:
                mailbox.post(topic, payload)

    def announce_gap(self) -> None:
        """Wake every subscription on all its topics with an empty payload."""
        for mailbox in self._mailboxes:
            for topic in mailbox.topics:
                mailbox.post(topic, b"")

    async def subscribe(self, topics: Sequence[str]) -> Mailbox:
        mailbox = Mailbox(self, frozenset(topics))
        with self._lock:
            is_open = self._is_open
            if is_open:
                self._mailboxes = (*self._mailboxes, mailbox)
        if not is_open:
            mailbox.end()
        return mailbox

    def drop(self, mailbox: Mailbox) -> None:
        """Forget a mailbox that ended."""
        with self._lock:
            self._mailboxes = tuple(kept for kept in self._mailboxes if kept is not mailbox)

    def health(self) -> BackendHealth:
        return BackendHealth(backend="in_process")

    async def close(self) -> None:
        with self._lock:
            self._is_open = False
            mailboxes = self._mailboxes
        for mailbox in mailboxes:
            mailbox.end()
