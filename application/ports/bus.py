"""Wake-up signals between threads and processes; the event log holds the durable truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from application.ports.backend_health import BackendHealth


@dataclass(frozen=True, slots=True)
class Signal:
    """Something new under `topic`. An empty payload means "signals may be missing, look now"."""

    topic: str
    payload: bytes


class Subscription(Protocol):
    """An endless async iterator of signals for one consumer, on the loop that opened it.

    Signals that wait are merged per topic: the newest payload wins, so memory is bounded by the
    number of topics and a slow consumer still learns the latest sequence number.
    """

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Signal: ...

    async def close(self) -> None:
        """End the iteration, also one that is waiting now. Idempotent."""
        ...


class Bus(Protocol):
    """A signal is a hint: it may be merged, lost with its process, or arrive twice.

    A consumer therefore subscribes, reads the log up to its head, and only then waits; it reads
    from its own cursor whatever a signal says. Delivery inside one process never depends on a
    backend. Topics are short names without NUL; payloads are small (a sequence number).
    """

    def publish(self, topic: str, payload: bytes) -> None:
        """Callable from any thread, never blocks on I/O, never raises for a dead backend."""
        ...

    async def subscribe(self, topics: Sequence[str]) -> Subscription:
        """Active when this returns: later signals are seen, also those of other processes.

        If the backend is unreachable it returns after a short wait; when the backend is back,
        each topic yields one signal with an empty payload, as it does after every gap.
        """
        ...

    def health(self) -> BackendHealth: ...

    async def close(self) -> None:
        """End every subscription and stop the threads. Idempotent; later publishes vanish."""
        ...
