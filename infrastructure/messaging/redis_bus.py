"""Signals between processes over one Redis channel.

Signals inside the process go through an in-process bus at once; two daemon threads with their
own connections carry them to and from Redis, so neither the writer thread nor an event loop ever
waits for the network. A message is: origin (16 bytes), topic in UTF-8, NUL, payload.
"""

import asyncio
from collections.abc import Sequence
from threading import Condition, Event, Lock, Thread
from uuid import uuid4

from redis.exceptions import RedisError

from application.ports.backend_health import BackendHealth
from infrastructure.messaging.in_process_bus import InProcessBus, Mailbox
from infrastructure.messaging.outage import Outage
from infrastructure.messaging.redis_connections import DEFAULT_PREFIX, open_client

_ORIGIN_BYTES = 16
_POLL_S = 0.5
_PING_AFTER_IDLE_S = 10


class RedisBus:
    """Bus for several processes.

    The sender keeps the newest payload per topic until Redis has taken it and tries again every
    `pause_s`; the listener announces a gap after each new subscription of the channel, so a
    consumer that waits is woken after any outage.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        timeout_s: float = 1.0,
        pause_s: float = 1.0,
    ) -> None:
        self._local = InProcessBus()
        self._client = open_client(url, timeout_s, ping_after_idle_s=_PING_AFTER_IDLE_S)
        self._channel = f"{prefix}bus"
        self._origin = uuid4().bytes
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._sending = Outage("redis", "bus_sender", pause_s)
        self._listening = Outage("redis", "bus_listener", pause_s)
        self._outbox: dict[str, bytes] = {}
        self._outbox_changed = Condition()
        self._is_subscribed = Event()
        self._is_closed = Event()
        self._threads: dict[str, Thread] = {}
        self._threads_lock = Lock()

    def publish(self, topic: str, payload: bytes) -> None:
        self._local.publish(topic, payload)
        if self._is_closed.is_set():
            return
        self._ensure_thread("bus-sender")
        with self._outbox_changed:
            self._outbox[topic] = payload
            self._outbox_changed.notify()

    async def subscribe(self, topics: Sequence[str]) -> Mailbox:
        if not self._is_closed.is_set():
            self._ensure_thread("bus-listener")
        if not self._is_subscribed.is_set():
            await asyncio.to_thread(self._is_subscribed.wait, self._timeout_s)
        return await self._local.subscribe(topics)

    def health(self) -> BackendHealth:
        sending, listening = self._sending.health(), self._listening.health()
        return BackendHealth(
            backend="redis",
            degraded=sending.degraded or listening.degraded,
            failures=sending.failures + listening.failures,
            last_error=listening.last_error or sending.last_error,
        )

    async def close(self) -> None:
        self._is_closed.set()
        with self._outbox_changed:
            self._outbox_changed.notify_all()
        await self._local.close()
        with self._threads_lock:
            threads = tuple(self._threads.values())
        for thread in threads:
            await asyncio.to_thread(thread.join, self._timeout_s + _POLL_S)
        self._client.close()

    def _ensure_thread(self, name: str) -> None:
        if name in self._threads:
            return
        with self._threads_lock:
            if name not in self._threads:
                target = self._send if name == "bus-sender" else self._listen
                thread = Thread(target=target, name=name, daemon=True)
                thread.start()
                self._threads[name] = thread

    def _send(self) -> None:
        while True:
            with self._outbox_changed:
                while not self._outbox and not self._is_closed.is_set():
                    self._outbox_changed.wait()
                batch, self._outbox = self._outbox, {}
            if batch and not self._is_sent(batch):
                with self._outbox_changed:
                    self._outbox = {**batch, **self._outbox}
                self._is_closed.wait(self._pause_s)
            # Whatever was published before the close gets one try, then the thread ends.
            if self._is_closed.is_set():
                return

    def _is_sent(self, batch: dict[str, bytes]) -> bool:
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for topic, payload in batch.items():
                    pipeline.publish(self._channel, encode(self._origin, topic, payload))
                pipeline.execute()
        except RedisError as error:
            self._sending.failed(error)
            return False
        self._sending.succeeded()
        return True

    def _listen(self) -> None:
        while not self._is_closed.is_set():
            try:
                self._follow_channel()
            except RedisError as error:
                self._is_subscribed.clear()
                self._listening.failed(error)
                self._is_closed.wait(self._pause_s)

    def _follow_channel(self) -> None:
        with self._client.pubsub() as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(self._channel)
            while not self._is_closed.is_set():
                message = channel.get_message(timeout=_POLL_S)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    # The client may also reconnect by itself; it confirms here each time.
                    self._listening.succeeded()
                    self._local.announce_gap()
                    self._is_subscribed.set()
                elif message["type"] == "message":
                    self._receive(message["data"])

    def _receive(self, message: bytes) -> None:
        origin, topic, payload = decode(message)
        if origin != self._origin:
            self._local.publish(topic, payload)


def encode(origin: bytes, topic: str, payload: bytes) -> bytes:
    """One message on the channel."""
    return origin + topic.encode() + b"\0" + payload


def decode(message: bytes) -> tuple[bytes, str, bytes]:
    """Origin, topic and payload; a message of another shape has an unknown topic, so is ignored."""
    topic, _, payload = message[_ORIGIN_BYTES:].partition(b"\0")
    return message[:_ORIGIN_BYTES], topic.decode(errors="replace"), payload
