"""Follows a job until it ended: signals bring each step at once, the store brings the truth."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from fastapi import Request

from app.api.dependencies import Dispatch
from app.api.jobs.schemas import job_out, moved_out
from app.api.wire import encode
from application.context import Principal
from application.jobs.job import HELD, Job
from application.jobs.queries import get_job
from application.jobs.signals import from_payload, topic_of
from application.ports.bus import Bus, Signal, Subscription

LOOK_INTERVAL_S = 1.0
HEARTBEAT_S = 15.0
HEARTBEAT = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A job as last seen; (attempts, step) never falls while it is followed."""

    job: Job
    step: int = 0


class JobWatch:
    """Works for jobs of any process: without signals it looks at the store once a second."""

    def __init__(
        self, runs: Dispatch, bus: Bus, is_closing: Callable[[], bool] = lambda: False
    ) -> None:
        self._runs = runs
        self._bus = bus
        self._is_closing = is_closing

    async def read(self, request: Request, caller: Principal, job_id: str) -> Job:
        """The job as stored; NotFound `job_not_found`."""
        return await self._runs.glance(request, caller, lambda work: get_job(job_id, work))

    async def follow(
        self, request: Request, caller: Principal, job_id: str
    ) -> AsyncGenerator[Sighting | None, None]:
        """Each change of the job, the present first and the end last; None for a quiet second.

        It also ends, within a second, when the service shuts down.
        """
        waiting = await self._bus.subscribe([topic_of(job_id)])
        try:
            seen = Sighting(await self.read(request, caller, job_id))
            yield seen
            while not (seen.job.is_ended or self._is_closing()):
                signal = await _next(waiting)
                following = _moved(seen, signal)
                if following is None:
                    job = await self.read(request, caller, job_id)
                    following = Sighting(_not_backwards(seen, job), seen.step)
                yield None if following == seen else following
                seen = following
        finally:
            await waiting.close()

    async def until_ended(
        self, request: Request, caller: Principal, job_id: str, patience_s: float
    ) -> Job:
        """The job when it ended or when patience did."""
        sightings = self.follow(request, caller, job_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s), aclosing(sightings):
                async for seen in sightings:
                    if seen is not None and seen.job.is_ended:
                        return seen.job
        return await self.read(request, caller, job_id)

    async def stream(
        self, request: Request, caller: Principal, job_id: str
    ) -> AsyncIterator[bytes]:
        """Server-sent events: `progress` while it moves, then one `end` with the whole job."""
        clock = asyncio.get_running_loop().time
        sent_s = clock()
        async with aclosing(self.follow(request, caller, job_id)) as sightings:
            async for seen in sightings:
                if seen is not None:
                    yield _event(seen)
                elif clock() - sent_s >= HEARTBEAT_S:
                    yield HEARTBEAT
                else:
                    continue
                sent_s = clock()


def closing(request: Request) -> Callable[[], bool]:
    """Whether the service that answers this request is shutting down."""

    def is_closing() -> bool:
        hub = getattr(request.app.state, "event_hub", None)
        return hub is not None and bool(hub.is_closed)

    return is_closing


async def _next(waiting: Subscription) -> Signal | None:
    try:
        async with asyncio.timeout(LOOK_INTERVAL_S):
            return await anext(waiting)
    except (TimeoutError, StopAsyncIteration):
        return None


def _moved(seen: Sighting, signal: Signal | None) -> Sighting | None:
    """The job one step on; None when only the store can tell."""
    if signal is None or not signal.payload:
        return None
    moved = from_payload(signal.payload)
    if moved.state not in HELD or moved.state is not seen.job.state:
        return None
    if (moved.attempt, moved.step) <= (seen.job.attempts, seen.step):
        return seen
    job = replace(seen.job, attempts=moved.attempt, progress=moved.progress)
    return Sighting(job, moved.step)


def _not_backwards(seen: Sighting, job: Job) -> Job:
    """The stored row without the writes that trail behind the signals."""
    plain = replace(job, beat_at=None)
    if job.is_ended or job.attempts != seen.job.attempts or seen.step == 0:
        return plain
    return replace(plain, progress=seen.job.progress)


def _event(seen: Sighting) -> bytes:
    job = seen.job
    if job.is_ended:
        return _sse("end", f"{job.attempts}.end", encode(job_out(job)))
    return _sse("progress", f"{job.attempts}.{seen.step}", encode(moved_out(job)))


def _sse(event: str, event_id: str, data: bytes) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id.encode(), event.encode(), data)
