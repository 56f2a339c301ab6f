"""Delivers the event log to consumers: at least once, in order, past events nobody can handle.

Each consumer has a thread and a stored cursor of its own, so one that waits or fails delays no
other. A cursor moves only after its events were handled; whatever was handled between that and a
crash is delivered again, which is why handlers tell events apart by their id.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

from application.ports.event_log import EventDeliveries, EventLog
from domain.shared.errors import Defect, Fault
from domain.shared.events import LoggedEvent

ATTEMPTS_MAX = 8
EVENTS_PER_READ = 200
IDLE_S = 1.0
PAUSE_S = 0.05
PAUSE_MAX_S = 2.0
STOP_WITHIN_S = 2.0
log = logging.getLogger("ballast.events")


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who gets which events; no types means all.

    A new consumer begins with the oldest event, or with the next one if it `starts_at_head`. At
    most `redelivered_max` handled events come again after a crash; 1 costs a commit per event.
    """

    name: str
    handle: Callable[[LoggedEvent], None]
    types: frozenset[str] = frozenset()
    starts_at_head: bool = False
    redelivered_max: int = 1

    def wants(self, event: LoggedEvent) -> bool:
        """Whether the event is one of its types."""
        return not self.types or event.type in self.types


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait: for news nobody announced, and after a failure (doubled each time)."""

    idle_s: float = IDLE_S
    pause_s: float = PAUSE_S


class EventPump:
    """Starts and stops the deliveries; `wake` is what a commit calls."""

    def __init__(
        self, events: EventLog, deliveries: EventDeliveries, pace: Pace | None = None
    ) -> None:
        self._events = events
        self._deliveries = deliveries
        self._pace = pace or Pace()
        self._lanes: dict[str, _Lane] = {}
        self._is_started = False

    def register(self, consumer: Consumer) -> None:
        """Add a consumer before the start; Defect `consumer_registered` when too late or twice."""
        if self._is_started or consumer.name in self._lanes:
            raise Defect("consumer_registered", f"Consumer {consumer.name} came too late or twice.")
        self._lanes[consumer.name] = _Lane(consumer, self._events, self._deliveries, self._pace)

    def start(self) -> None:
        """Begin delivering, each consumer from its cursor."""
        self._is_started = True
        for lane in self._lanes.values():
            lane.thread.start()

    def wake(self, _seq: int = 0) -> None:
        """Something was committed. Callable from any thread; returns at once."""
        for lane in self._lanes.values():
            lane.news.set()

    def stop(self) -> None:
        """Return within 2 s. A handler that is still busy is left; its event will come again."""
        for lane in self._lanes.values():
            lane.stopping.set()
            lane.news.set()
        deadline = monotonic() + STOP_WITHIN_S
        for lane in self._lanes.values():
            if lane.thread.is_alive():
                lane.thread.join(max(0.0, deadline - monotonic()))

    @property
    def is_alive(self) -> bool:
        """True while every consumer is being served."""
        return all(lane.thread.is_alive() for lane in self._lanes.values())

    def lags(self) -> Mapping[str, int]:
        """Events each consumer has not yet taken."""
        head = self._events.last_seq()
        return {name: max(0, head - (lane.done or 0)) for name, lane in self._lanes.items()}


class _Lane:
    """One consumer's thread."""

    def __init__(
        self, consumer: Consumer, events: EventLog, deliveries: EventDeliveries, pace: Pace
    ) -> None:
        self._consumer = consumer
        self._events = events
        self._deliveries = deliveries
        self._pace = pace
        self._stored: int | None = None
        self._unstored = 0
        self.done: int | None = None
        self.news = Event()
        self.stopping = Event()
        name = f"ballast-events-{consumer.name}"
        self.thread = Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        while not self.stopping.is_set():
            self.news.clear()
            try:
                is_drained = self._turn()
            except Exception as error:  # noqa: BLE001 - process loop: deliveries outlive the store
                log.warning("delivery to %s waits: %s", self._consumer.name, _kind(error))
                is_drained = True
            if is_drained and not self.stopping.is_set():
                self.news.wait(self._pace.idle_s)

    def _turn(self) -> bool:
        if self.done is None:
            self._begin()
        assert self.done is not None
        events = self._events.after(self.done, EVENTS_PER_READ)
        for event in events:
            if self.stopping.is_set() or not self._take(event):
                break
        self._store_cursor()
        return len(events) < EVENTS_PER_READ

    def _begin(self) -> None:
        stored = self._deliveries.cursor(self._consumer.name)
        if stored is None:
            stored = self._events.last_seq() if self._consumer.starts_at_head else 0
            self._deliveries.advance(self._consumer.name, stored)
        self.done = self._stored = stored

    def _take(self, event: LoggedEvent) -> bool:
        if self._consumer.wants(event):
            if not self._deliver(event):
                return False
            self._unstored += 1
        self.done = event.seq
        if self._unstored >= self._consumer.redelivered_max:
            self._store_cursor()
        return True

    def _deliver(self, event: LoggedEvent) -> bool:
        """False when the pump stops before the event was handled or parked."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                self._consumer.handle(event)
            except Exception as error:  # noqa: BLE001 - process loop: a handler must not end it
                failure = _kind(error)
                log.warning(
                    "consumer %s failed on %s (try %d): %s",
                    self._consumer.name, event.id, attempt, failure,
                )  # fmt: skip
            else:
                return True
            if attempt < ATTEMPTS_MAX and self.stopping.wait(self._pause_s(attempt)):
                return False
        self._deliveries.park(self._consumer.name, event, ATTEMPTS_MAX, failure)
        self._stored, self._unstored = event.seq, 0
        return True

    def _pause_s(self, attempt: int) -> float:
        return min(PAUSE_MAX_S, self._pace.pause_s * float(2 ** (attempt - 1)))

    def _store_cursor(self) -> None:
        if self.done is not None and self.done != self._stored:
            self._deliveries.advance(self._consumer.name, self.done)
            self._stored, self._unstored = self.done, 0


def _kind(error: Exception) -> str:
    """What failed, without its text: messages of clients can carry addresses with secrets."""
    name = type(error).__name__
    return f"{name} {error.code}" if isinstance(error, Fault) else name
