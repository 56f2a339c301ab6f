"""Every cache adapter keeps the same promises; a dead one is only ever a miss."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.ports.cache import Cache
from domain.shared.errors import Defect
from infrastructure.messaging.in_process_cache import InProcessCache
from infrastructure.messaging.redis_cache import RedisCache
from tests.support.redis_server import closed_port_url, private_redis, scratch_prefix, server_url


@pytest.fixture(params=["in_process", "redis"])
def cache(request: pytest.FixtureRequest) -> Iterator[Cache]:
    if request.param == "in_process":
        yield InProcessCache()
        return
    with scratch_prefix() as prefix:
        shared = RedisCache(server_url(), prefix=prefix)
        yield shared
        shared.close()


def test_an_unknown_key_is_a_miss(cache: Cache) -> None:
    assert cache.get("absent") is None


def test_a_stored_value_comes_back_byte_for_byte(cache: Cache) -> None:
    value = bytes(range(256))
    cache.set("bytes", value, ttl_s=30)
    assert cache.get("bytes") == value


def test_an_empty_value_is_not_a_miss(cache: Cache) -> None:
    cache.set("empty", b"", ttl_s=30)
    assert cache.get("empty") == b""


def test_a_second_set_replaces_value_and_time_to_live(cache: Cache) -> None:
    cache.set("key", b"old", ttl_s=0.05)
    cache.set("key", b"new", ttl_s=30)
    time.sleep(0.08)
    assert cache.get("key") == b"new"


def test_a_value_is_gone_after_its_time(cache: Cache) -> None:
    cache.set("brief", b"1", ttl_s=0.05)
    time.sleep(0.08)
    assert cache.get("brief") is None


def test_delete_forgets_a_key_and_may_be_repeated(cache: Cache) -> None:
    cache.set("key", b"1", ttl_s=30)
    cache.delete("key")
    cache.delete("key")
    assert cache.get("key") is None


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan")])
def test_a_time_to_live_must_be_above_zero(cache: Cache, ttl_s: float) -> None:
    with pytest.raises(Defect) as raised:
        cache.set("key", b"1", ttl_s=ttl_s)
    assert raised.value.code == "cache_ttl_invalid"


def test_a_working_cache_reports_itself_healthy(cache: Cache) -> None:
    cache.set("key", b"1", ttl_s=30)
    health = cache.health()
    assert (health.degraded, health.failures, health.last_error) == (False, 0, None)


def test_threads_share_one_cache_without_losing_each_others_keys(cache: Cache) -> None:
    def write(worker: int) -> None:
        for number in range(50):
            cache.set(f"{worker}:{number}", f"{worker}/{number}".encode(), ttl_s=30)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(
        cache.get(f"{worker}:{number}") == f"{worker}/{number}".encode()
        for worker in range(4)
        for number in range(50)
    )


def test_closing_twice_is_fine(cache: Cache) -> None:
    cache.close()
    cache.close()


def test_two_redis_caches_with_one_prefix_see_the_same_values() -> None:
    with scratch_prefix() as prefix:
        one, other = (
            RedisCache(server_url(), prefix=prefix),
            RedisCache(server_url(), prefix=prefix),
        )
        one.set("key", b"shared", ttl_s=30)
        assert other.get("key") == b"shared"
        other.delete("key")
        assert one.get("key") is None
        one.close()
        other.close()


def test_a_cache_without_a_server_misses_swallows_writes_and_counts() -> None:
    dead = RedisCache(closed_port_url(), pause_s=0)
    dead.set("key", b"1", ttl_s=30)
    dead.delete("key")
    assert dead.get("key") is None
    health = dead.health()
    assert (health.backend, health.degraded, health.failures) == ("redis", True, 3)
    assert health.last_error == "ConnectionError"


def test_during_an_outage_only_one_call_per_pause_pays_for_the_attempt() -> None:
    dead = RedisCache(closed_port_url(), pause_s=60)
    for _ in range(5):
        dead.get("key")
    assert dead.health().failures == 1


def test_a_frozen_server_is_a_miss_and_a_thawed_one_serves_again(tmp_path: Path) -> None:
    with private_redis(tmp_path) as server:
        cache = RedisCache(server.url, timeout_s=0.1, pause_s=0)
        cache.set("key", b"1", ttl_s=30)
        server.freeze()
        assert cache.get("key") is None
        assert cache.health().degraded
        server.thaw()
        deadline_s = time.monotonic() + 5
        while cache.get("key") is None and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert cache.get("key") == b"1"
        assert not cache.health().degraded
        cache.close()


def test_the_in_process_cache_drops_the_least_recently_used_value_at_its_bound() -> None:
    cache = InProcessCache(bytes_max=3 * 1300)
    for key in ("a", "b", "c"):
        cache.set(key, bytes(1000), ttl_s=30)
    cache.get("a")
    cache.set("d", bytes(1000), ttl_s=30)
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]


def test_a_value_larger_than_the_whole_cache_is_not_kept_and_evicts_nothing() -> None:
    cache = InProcessCache(bytes_max=2000)
    cache.set("small", b"1", ttl_s=30)
    cache.set("large", bytes(5000), ttl_s=30)
    assert cache.get("large") is None
    assert cache.get("small") == b"1"
