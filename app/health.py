"""Health from real probes: each looks at its part now; answers are shared for two seconds."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic, perf_counter
from typing import Protocol

from application.context import SYSTEM
from application.ports.backend_health import BackendHealth
from application.ports.unit_of_work import Store, UnitOfWork
from domain.shared.errors import Fault

KEEP_S = 2.0
LOOK_TIMEOUT_S = 3.0
WRITER_TIMEOUT_S = 2.0
DISK_FREE_MIN_BYTES = 1024**3
LAG_MAX_EVENTS = 10_000


class Condition(StrEnum):
    """How a part, or the whole, is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a probe saw; `facts` are small JSON values without secrets."""

    condition: Condition
    detail: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


class Probe(Protocol):
    """Looks at one part. `look` runs on a worker thread and may take two seconds.

    A Fault or OSError it raises reads as unhealthy. The service is unhealthy when a vital probe
    is; any other trouble makes it degraded.
    """

    @property
    def name(self) -> str: ...
    @property
    def is_vital(self) -> bool: ...
    def look(self) -> Reading: ...


@dataclass(frozen=True, slots=True)
class Health:
    """All readings of one moment."""

    condition: Condition
    readings: Mapping[str, Reading]
    checked_at: datetime


class HealthBoard:
    """Asks every probe at once; callers within two seconds share an answer."""

    def __init__(self, keep_s: float = KEEP_S, timeout_s: float = LOOK_TIMEOUT_S) -> None:
        self._probes: list[Probe] = []
        self._keep_s = keep_s
        self._timeout_s = timeout_s
        self._kept: tuple[float, Health] | None = None
        self._asking: asyncio.Task[Health] | None = None

    def add(self, *probes: Probe) -> None:
        """Register probes."""
        self._probes.extend(probes)

    async def ask(self) -> Health:
        """Readings at most two seconds old."""
        if self._kept is not None and monotonic() - self._kept[0] < self._keep_s:
            return self._kept[1]
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Health:
        readings = await asyncio.gather(*(self._look(probe) for probe in self._probes))
        named = {probe.name: reading for probe, reading in zip(self._probes, readings, strict=True)}
        health = Health(self._whole(named), named, datetime.now(UTC))
        self._kept = (monotonic(), health)
        return health

    async def _look(self, probe: Probe) -> Reading:
        try:
            return await asyncio.wait_for(asyncio.to_thread(_looked, probe), self._timeout_s)
        except TimeoutError:
            return Reading(Condition.UNHEALTHY, f"No answer within {self._timeout_s:g} s.")

    def _whole(self, readings: Mapping[str, Reading]) -> Condition:
        if all(r.condition is Condition.HEALTHY for r in readings.values()):
            return Condition.HEALTHY
        vital = {probe.name for probe in self._probes if probe.is_vital}
        is_down = any(
            reading.condition is Condition.UNHEALTHY and name in vital
            for name, reading in readings.items()
        )
        return Condition.UNHEALTHY if is_down else Condition.DEGRADED


def _looked(probe: Probe) -> Reading:
    try:
        return probe.look()
    except Fault as fault:
        return Reading(Condition.UNHEALTHY, fault.message)
    except OSError as error:
        return Reading(Condition.UNHEALTHY, f"The probe failed: {type(error).__name__}.")


class StoreReadings(Protocol):
    """What the store's probes ask."""

    def answers(self) -> bool: ...
    def consumer_lags(self) -> Mapping[str, float]: ...


class WriterCounters(Protocol):
    """Progress of the writer."""

    batches: int
    commands: int


class MeasuredWriter(Protocol):
    """The writer, as a probe sees it."""

    @property
    def statistics(self) -> WriterCounters: ...
    @property
    def depth(self) -> int: ...


def _nothing(_work: UnitOfWork) -> None:
    return None


@dataclass(frozen=True, slots=True)
class StoreProbe:
    """A query on a read connection, and an empty command through the writer's commit."""

    store: Store
    readings: StoreReadings
    writer: MeasuredWriter
    name: str = "database"
    is_vital: bool = True

    def look(self) -> Reading:
        """Unhealthy when reads fail or the writer stands still; degraded when it is only late."""
        started_s = perf_counter()
        self.readings.answers()
        before = self.writer.statistics.batches
        try:
            done: Future[None] = self.store.command(_nothing, SYSTEM)
            done.result(timeout=WRITER_TIMEOUT_S)
        except FutureTimeout:
            moved = self.writer.statistics.batches > before
            condition = Condition.DEGRADED if moved else Condition.UNHEALTHY
            return Reading(condition, "The writer is late.", self._facts(started_s))
        except Fault as fault:
            return Reading(Condition.UNHEALTHY, fault.message, self._facts(started_s))
        return Reading(Condition.HEALTHY, facts=self._facts(started_s))

    def _facts(self, started_s: float) -> dict[str, object]:
        return {
            "answered_ms": round((perf_counter() - started_s) * 1000, 3),
            "queue_depth": self.writer.depth,
            "commits": self.writer.statistics.batches,
        }


@dataclass(frozen=True, slots=True)
class DiskProbe:
    """Free space where the data lies; degraded below 1 GiB."""

    folder: Path
    free_min_bytes: int = DISK_FREE_MIN_BYTES
    name: str = "disk"
    is_vital: bool = False

    def look(self) -> Reading:
        """Free bytes of the folder's file system."""
        free = shutil.disk_usage(self.folder).free
        facts = {"free_bytes": free}
        if free < self.free_min_bytes:
            return Reading(Condition.DEGRADED, "Little space is left.", facts)
        return Reading(Condition.HEALTHY, facts=facts)


@dataclass(frozen=True, slots=True)
class BackendProbe:
    """A messaging adapter's own account of its backend."""

    name: str
    health: Callable[[], BackendHealth]
    is_vital: bool = False

    def look(self) -> Reading:
        """Degraded from a failed call until one succeeds."""
        seen = self.health()
        facts = {"backend": seen.backend, "failures": seen.failures, "last_error": seen.last_error}
        if seen.degraded:
            return Reading(Condition.DEGRADED, f"{seen.backend} does not answer.", facts)
        return Reading(Condition.HEALTHY, facts=facts)


@dataclass(frozen=True, slots=True)
class AliveProbe:
    """A thread or task that should be running, such as the job supervisor."""

    name: str
    is_alive: Callable[[], bool]
    is_vital: bool = False

    def look(self) -> Reading:
        """Unhealthy when it has ended."""
        if self.is_alive():
            return Reading(Condition.HEALTHY)
        return Reading(Condition.UNHEALTHY, "It is not running.")


@dataclass(frozen=True, slots=True)
class ConsumersProbe:
    """How far event consumers are behind the log; degraded beyond the bound."""

    readings: StoreReadings
    lag_max_events: int = LAG_MAX_EVENTS
    name: str = "event_consumers"
    is_vital: bool = False

    def look(self) -> Reading:
        """Lag by consumer."""
        lags = {name: int(lag) for name, lag in self.readings.consumer_lags().items()}
        late = sorted(name for name, lag in lags.items() if lag > self.lag_max_events)
        if late:
            return Reading(Condition.DEGRADED, f"Behind: {', '.join(late)}.", {"lags": lags})
        return Reading(Condition.HEALTHY, facts={"lags": lags})


@dataclass(frozen=True, slots=True)
class CoverageProbe:
    """A table that must reach into the future, such as a trading calendar."""

    name: str
    last_day: Callable[[], datetime | None]
    days_min: int = 30
    is_vital: bool = False

    def look(self) -> Reading:
        """Degraded when it ends within the given days, or is missing."""
        last = self.last_day()
        if last is None:
            return Reading(Condition.DEGRADED, "There is none.")
        days = (last - datetime.now(UTC)).days
        facts = {"last": last.date().isoformat(), "days_left": days}
        condition = Condition.HEALTHY if days >= self.days_min else Condition.DEGRADED
        return Reading(condition, facts=facts)


class Readiness:
    """Why the service should not get traffic yet, or any more; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {"starting": "The service is starting."}

    def block(self, key: str, reason: str) -> None:
        """Turn readiness red for a reason, until `clear`."""
        with self._lock:
            self._reasons[key] = reason

    def clear(self, key: str) -> None:
        """The reason is gone."""
        with self._lock:
            self._reasons.pop(key, None)

    def reasons(self) -> dict[str, str]:
        """What stands in the way; empty when ready."""
        with self._lock:
            return dict(self._reasons)
