"""The hub hands each event to its owner's listeners: once encoded, in order, without gaps."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from app.stream.event_hub import EventHub, Frame, Listener
from domain.shared.errors import Unavailable
from domain.shared.events import LoggedEvent
from infrastructure.messaging.in_process_bus import InProcessBus
from tests.support.recorded_log import RecordedLog

PATIENCE_S = 20


class Scene:
    """A hub on a log in memory that counts how often each event was encoded."""

    def __init__(self, backlog_max: int = 1000) -> None:
        self.log = RecordedLog()
        self.encodings: Counter[int] = Counter()
        self.bus = InProcessBus()
        self.hub = EventHub(self.log, self.bus, self._encode, backlog_max=backlog_max)

    def _encode(self, event: LoggedEvent) -> bytes:
        self.encodings[event.seq] += 1
        return b'{"seq":%d}' % event.seq

    def commit(self, *owners: str) -> None:
        for owner in owners:
            seq = self.log.append(owner)
        self.hub.announce(seq)


async def received(batches: AsyncIterator[list[Frame]], count: int) -> list[int]:
    """Sequence numbers of the next `count` events."""
    seen: list[int] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(seen) < count:
            seen += [frame.seq for frame in await anext(batches)]
    return seen


async def live(listener: Listener) -> AsyncIterator[list[Frame]]:
    """The listener's batches once it has read the log and follows the hub."""
    batches = listener.batches(heartbeat_s=0.01)
    async with asyncio.timeout(PATIENCE_S):
        while await anext(batches):
            pass
    return batches


async def test_each_event_is_encoded_once_for_everybody_who_follows() -> None:
    scene = Scene()
    async with (
        scene.hub.listen("usr_1", None) as first,
        scene.hub.listen("usr_1", None) as second,
        scene.hub.listen("usr_1", None) as third,
    ):
        followers = [await live(listener) for listener in (first, second, third)]
        scene.commit("usr_1", "usr_1")
        for follower in followers:
            assert await received(follower, 2) == [1, 2]
    assert scene.encodings == {1: 1, 2: 1}


async def test_a_listener_gets_only_its_owners_events() -> None:
    scene = Scene()
    async with scene.hub.listen("usr_1", 0) as mine, scene.hub.listen("usr_2", 0) as theirs:
        followed, other = await live(mine), await live(theirs)
        scene.commit("usr_1", "usr_2", "usr_3", "usr_1")
        assert await received(followed, 2) == [1, 4]
        assert await received(other, 1) == [2]
    assert 3 not in scene.encodings


async def test_a_listener_resumes_after_what_it_has_seen() -> None:
    scene = Scene()
    scene.commit(*["usr_1"] * 1203)
    async with scene.hub.listen("usr_1", 3) as listener:
        batches = listener.batches()
        assert await received(batches, 1200) == list(range(4, 1204))
        scene.commit("usr_1")
        assert await received(batches, 1) == [1204]


async def test_without_a_start_only_later_events_come() -> None:
    scene = Scene()
    scene.commit("usr_1", "usr_1")
    async with scene.hub.listen("usr_1", None) as listener:
        batches = await live(listener)
        scene.commit("usr_1")
        assert await received(batches, 1) == [3]


async def test_a_start_beyond_the_log_is_taken_as_its_end() -> None:
    scene = Scene()
    scene.commit("usr_1")
    async with scene.hub.listen("usr_1", 999) as listener:
        batches = await live(listener)
        scene.commit("usr_1")
        assert await received(batches, 1) == [2]


async def test_a_slow_listener_falls_back_to_the_log_and_loses_nothing() -> None:
    scene = Scene(backlog_max=5)
    async with scene.hub.listen("usr_1", 0) as slow, scene.hub.listen("usr_1", 0) as quick:
        waiting, following = await live(slow), await live(quick)
        before = scene.log.pages_read
        for start in range(0, 40, 4):
            scene.commit(*["usr_1"] * 4)
            assert await received(following, 4) == list(range(start + 1, start + 5))
        assert scene.log.pages_read == before
        assert await received(waiting, 40) == list(range(1, 41))
        assert scene.log.pages_read > before
        scene.commit("usr_1")
        assert await received(waiting, 1) == [41]


async def test_events_committed_while_the_log_is_read_come_once_and_in_order() -> None:
    scene = Scene()
    scene.commit(*["usr_1"] * 700)
    async with scene.hub.listen("usr_1", 0) as listener:
        batches = listener.batches()
        seen = await received(batches, 1)
        scene.commit(*["usr_1"] * 50)
        await asyncio.sleep(0.02)
        seen += await received(batches, 750 - len(seen))
    assert seen == list(range(1, 751))


async def test_silence_is_answered_with_a_heartbeat() -> None:
    scene = Scene()
    async with scene.hub.listen("usr_1", None) as listener:
        batches = listener.batches(heartbeat_s=0.001)
        assert [await anext(batches), await anext(batches)] == [[], []]


async def test_closing_ends_every_stream_and_refuses_new_ones() -> None:
    scene = Scene()
    async with scene.hub.listen("usr_1", None) as listener:
        batches = listener.batches()
        asking = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        await asyncio.to_thread(scene.hub.close)
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(StopAsyncIteration):
                await asking
    with pytest.raises(Unavailable):
        async with scene.hub.listen("usr_1", None):
            pass


async def test_nobody_listening_costs_no_reads_and_leaves_no_trace() -> None:
    scene = Scene()
    async with scene.hub.listen("usr_1", None):
        assert scene.hub.listeners == 1
    assert scene.hub.listeners == 0
    scene.commit("usr_1")
    await asyncio.sleep(0.02)
    assert scene.encodings == {}
    async with scene.hub.listen("usr_1", None) as again:
        batches = await live(again)
        scene.commit("usr_1")
        assert await received(batches, 1) == [2]
