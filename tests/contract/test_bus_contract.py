"""Every bus wakes its subscribers with the newest signal, from any thread, and never blocks."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from application.ports.bus import Bus, Signal, Subscription
from infrastructure.messaging.in_process_bus import InProcessBus
from infrastructure.messaging.redis_bus import RedisBus, decode, encode
from tests.support.redis_server import closed_port_url, private_redis, scratch_prefix, server_url


@pytest.fixture(params=["in_process", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    """The same process publishes and subscribes."""
    if request.param == "in_process":
        local = InProcessBus()
        yield local
        await local.close()
        return
    with scratch_prefix() as prefix:
        shared = RedisBus(server_url(), prefix=prefix, timeout_s=5)
        yield shared
        await shared.close()


@pytest.fixture
async def far_bus() -> AsyncIterator[tuple[Bus, Bus]]:
    """Two buses on one server, as two processes have them."""
    with scratch_prefix() as prefix:
        here, there = (RedisBus(server_url(), prefix=prefix, timeout_s=5) for _ in range(2))
        yield here, there
        await here.close()
        await there.close()


async def next_signal(subscription: Subscription, timeout_s: float = 10) -> Signal:
    return await asyncio.wait_for(anext(subscription), timeout_s)


async def silence(subscription: Subscription, for_s: float = 0.05) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(anext(subscription), for_s)
        return False
    return True


async def until_payload(subscription: Subscription, payload: bytes) -> Signal:
    while True:
        signal = await next_signal(subscription)
        if signal.payload == payload:
            return signal


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the condition was not met in 10 s")


async def test_a_subscriber_gets_what_is_published_after_it_subscribed(bus: Bus) -> None:
    subscription = await bus.subscribe(["events"])
    bus.publish("events", b"7")
    assert await next_signal(subscription) == Signal("events", b"7")


async def test_what_was_published_before_is_not_repeated(bus: Bus) -> None:
    bus.publish("events", b"1")
    subscription = await bus.subscribe(["events"])
    assert await silence(subscription)


async def test_only_the_topics_asked_for_arrive(bus: Bus) -> None:
    subscription = await bus.subscribe(["events", "jobs"])
    bus.publish("other", b"1")
    bus.publish("jobs", b"2")
    assert await next_signal(subscription) == Signal("jobs", b"2")
    assert await silence(subscription)


async def test_each_subscriber_gets_its_own_copy(bus: Bus) -> None:
    subscriptions = [await bus.subscribe(["events"]) for _ in range(3)]
    bus.publish("events", b"9")
    assert [await next_signal(subscription) for subscription in subscriptions] == [
        Signal("events", b"9")
    ] * 3


async def test_signals_of_one_topic_merge_into_the_newest_while_nobody_reads(bus: Bus) -> None:
    subscription = await bus.subscribe(["events", "jobs"])
    for number in range(1000):
        bus.publish("events", str(number).encode())
        bus.publish("jobs", b"j")
    assert await next_signal(subscription) == Signal("events", b"999")
    assert await next_signal(subscription) == Signal("jobs", b"j")
    assert await silence(subscription)


async def test_publishing_works_from_any_thread(bus: Bus) -> None:
    subscription = await bus.subscribe(["a", "b", "c", "d"])
    threads = [threading.Thread(target=bus.publish, args=(topic, b"1")) for topic in "abcd"]
    for thread in threads:
        thread.start()
    received = {(await next_signal(subscription)).topic for _ in threads}
    for thread in threads:
        thread.join()
    assert received == set("abcd")


async def test_the_last_signal_of_a_busy_writer_thread_is_never_missed(bus: Bus) -> None:
    subscription = await bus.subscribe(["events"])

    def write() -> None:
        for number in range(1, 2001):
            bus.publish("events", str(number).encode())

    writer = threading.Thread(target=write)
    writer.start()
    seen = [int((await next_signal(subscription)).payload)]
    while seen[-1] != 2000:
        seen.append(int((await next_signal(subscription)).payload))
    writer.join()
    assert seen == sorted(set(seen))


async def test_closing_ends_the_iteration_of_a_waiting_consumer(bus: Bus) -> None:
    subscription = await bus.subscribe(["events"])

    async def consume() -> list[Signal]:
        return [signal async for signal in subscription]

    consumer = asyncio.create_task(consume())
    bus.publish("events", b"1")
    await asyncio.sleep(0.02)
    await subscription.close()
    await subscription.close()
    assert await asyncio.wait_for(consumer, 5) == [Signal("events", b"1")]


async def test_a_closed_subscription_hears_nothing_and_the_others_still_do(bus: Bus) -> None:
    closed, kept = await bus.subscribe(["events"]), await bus.subscribe(["events"])
    await closed.close()
    bus.publish("events", b"1")
    assert await next_signal(kept) == Signal("events", b"1")
    with pytest.raises(StopAsyncIteration):
        await anext(closed)


async def test_closing_the_bus_ends_every_subscription_and_later_ones_are_over_at_once(
    bus: Bus,
) -> None:
    subscription = await bus.subscribe(["events"])
    await bus.close()
    await bus.close()
    bus.publish("events", b"1")
    with pytest.raises(StopAsyncIteration):
        await next_signal(subscription)
    late = await bus.subscribe(["events"])
    with pytest.raises(StopAsyncIteration):
        await next_signal(late)


async def test_a_subscriber_whose_loop_is_gone_does_not_disturb_publishing(bus: Bus) -> None:
    def subscribe_and_leave() -> None:
        asyncio.run(bus.subscribe(["events"]))

    await asyncio.to_thread(subscribe_and_leave)
    subscription = await bus.subscribe(["events"])
    bus.publish("events", b"1")
    bus.publish("events", b"2")
    assert await until_payload(subscription, b"2") == Signal("events", b"2")


async def test_a_working_bus_reports_itself_healthy(bus: Bus) -> None:
    subscription = await bus.subscribe(["events"])
    bus.publish("events", b"1")
    await next_signal(subscription)
    assert (bus.health().degraded, bus.health().failures) == (False, 0)


async def test_a_signal_reaches_another_process(far_bus: tuple[Bus, Bus]) -> None:
    here, there = far_bus
    subscription = await there.subscribe(["events"])
    here.publish("events", b"\x00\xff 42")
    assert await next_signal(subscription) == Signal("events", b"\x00\xff 42")


async def test_the_newest_signal_always_reaches_another_process(far_bus: tuple[Bus, Bus]) -> None:
    here, there = far_bus
    subscription = await there.subscribe(["events"])
    for number in range(1, 501):
        here.publish("events", str(number).encode())
    assert await until_payload(subscription, b"500") == Signal("events", b"500")


async def test_a_process_hears_its_own_signal_once(far_bus: tuple[Bus, Bus]) -> None:
    here, there = far_bus
    own, remote = await here.subscribe(["events"]), await there.subscribe(["events"])
    here.publish("events", b"1")
    assert await next_signal(own) == Signal("events", b"1")
    assert await next_signal(remote) == Signal("events", b"1")
    assert await silence(own)


async def test_buses_with_other_prefixes_do_not_hear_each_other() -> None:
    with scratch_prefix() as prefix, scratch_prefix() as other_prefix:
        here = RedisBus(server_url(), prefix=prefix, timeout_s=5)
        there = RedisBus(server_url(), prefix=other_prefix, timeout_s=5)
        subscription = await there.subscribe(["events"])
        here.publish("events", b"1")
        assert await silence(subscription, for_s=0.2)
        await here.close()
        await there.close()


async def test_without_a_server_the_process_still_wakes_itself_and_health_says_so() -> None:
    bus = RedisBus(closed_port_url(), timeout_s=0.2, pause_s=0.05)
    subscription = await bus.subscribe(["events"])
    bus.publish("events", b"1")
    assert await next_signal(subscription) == Signal("events", b"1")
    await until(lambda: bus.health().failures >= 2)
    health = bus.health()
    assert (health.backend, health.degraded, health.last_error) == (
        "redis",
        True,
        "ConnectionError",
    )
    await bus.close()


async def test_after_an_outage_waiting_consumers_are_told_to_look_and_pending_signals_go_out(
    tmp_path: Path,
) -> None:
    with private_redis(tmp_path) as server:
        here = RedisBus(server.url, timeout_s=0.5, pause_s=0.05)
        there = RedisBus(server.url, timeout_s=0.5, pause_s=0.05)
        subscription = await there.subscribe(["events", "jobs"])
        here.publish("events", b"1")
        await until_payload(subscription, b"1")
        server.stop()
        here.publish("events", b"2")
        await until(lambda: here.health().degraded and there.health().degraded)
        server.start()
        received = {await next_signal(subscription) for _ in range(2)}
        while {signal.topic for signal in received} != {"events", "jobs"}:
            received.add(await next_signal(subscription))
        assert Signal("jobs", b"") in received
        await until(lambda: not (here.health().degraded or there.health().degraded))
        here.publish("events", b"3")
        assert await until_payload(subscription, b"3") == Signal("events", b"3")
        await here.close()
        await there.close()


async def test_a_subscriber_that_came_during_an_outage_is_woken_when_it_ends(
    tmp_path: Path,
) -> None:
    with private_redis(tmp_path) as server:
        server.stop()
        bus = RedisBus(server.url, timeout_s=0.2, pause_s=0.05)
        subscription = await bus.subscribe(["events"])
        server.start()
        assert await next_signal(subscription) == Signal("events", b"")
        await bus.close()


async def test_closing_stops_the_threads_of_the_bus() -> None:
    bus = RedisBus(closed_port_url(), timeout_s=0.2, pause_s=0.05)
    await bus.subscribe(["events"])
    bus.publish("events", b"1")
    threads = tuple(bus._threads.values())
    await bus.close()
    assert len(threads) == 2
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("payload", [b"", b"\0", b"a\0b", bytes(range(256))])
def test_a_message_on_the_channel_round_trips(payload: bytes) -> None:
    assert decode(encode(b"o" * 16, "jobs/ä", payload)) == (b"o" * 16, "jobs/ä", payload)


@pytest.mark.parametrize("message", [b"", b"short", b"\xff" * 40])
def test_a_foreign_message_on_the_channel_is_harmless(message: bytes) -> None:
    _, topic, payload = decode(message)
    assert topic != "events"
    assert payload == b""
