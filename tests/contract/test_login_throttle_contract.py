"""Every login throttle blocks the same failures for the same time, whoever counts them."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.ports.login_throttle import LoginThrottle
from domain.shared.errors import TooMany
from infrastructure.security.in_process_login_throttle import InProcessLoginThrottle
from infrastructure.security.login_delays import LoginDelays
from infrastructure.security.redis_login_throttle import RedisLoginThrottle
from tests.support.redis_server import closed_port_url, private_redis, scratch_prefix, server_url

USER, ADDRESS = "user:ada", "address:10.0.0.1"
SHORT = LoginDelays(free_failures=2, first_s=0.2, max_s=0.4, window_s=0.3)
# Generous, so that a busy machine cannot turn a contract test into an outage test.
TIMEOUT_S = 5.0


def opened(request: pytest.FixtureRequest, delays: LoginDelays) -> Iterator[LoginThrottle]:
    if request.param == "in_process":
        yield InProcessLoginThrottle(delays=delays)
        return
    with scratch_prefix() as prefix:
        shared = RedisLoginThrottle(server_url(), prefix=prefix, delays=delays, timeout_s=TIMEOUT_S)
        yield shared
        assert shared.health().failures == 0, "the fallback must not have counted for Redis"
        shared.close()


@pytest.fixture(params=["in_process", "redis"])
def throttle(request: pytest.FixtureRequest) -> Iterator[LoginThrottle]:
    yield from opened(request, LoginDelays())


@pytest.fixture(params=["in_process", "redis"])
def brief(request: pytest.FixtureRequest) -> Iterator[LoginThrottle]:
    yield from opened(request, SHORT)


def left_s(throttle: LoginThrottle, *keys: str) -> float:
    """Seconds a caller is told to wait; 0 when it may try."""
    try:
        throttle.require_open(keys)
    except TooMany as refused:
        assert refused.code == "login_delayed"
        assert refused.retry_after_s is not None
        return refused.retry_after_s
    return 0.0


def fail(throttle: LoginThrottle, times: int, *keys: str) -> None:
    for _ in range(times):
        throttle.record_failure(keys)


def test_four_failures_are_free_and_the_fifth_blocks(throttle: LoginThrottle) -> None:
    fail(throttle, 4, USER)
    assert left_s(throttle, USER) == 0
    fail(throttle, 1, USER)
    assert 0 < left_s(throttle, USER) <= 5


@pytest.mark.parametrize(("failures", "at_most_s"), [(6, 10), (8, 40), (12, 640), (40, 900)])
def test_every_further_failure_doubles_the_delay_up_to_its_bound(
    throttle: LoginThrottle, failures: int, at_most_s: float
) -> None:
    fail(throttle, failures, USER)
    assert at_most_s - 5 < left_s(throttle, USER) <= at_most_s


def test_a_failure_counts_on_every_key_and_the_longest_delay_decides(
    throttle: LoginThrottle,
) -> None:
    fail(throttle, 5, USER, ADDRESS)
    fail(throttle, 3, ADDRESS)
    assert left_s(throttle, USER) <= 5
    assert 35 < left_s(throttle, USER, ADDRESS) <= 40
    assert left_s(throttle, "user:eve") == 0


def test_a_success_forgets_its_key_and_no_other(throttle: LoginThrottle) -> None:
    fail(throttle, 5, USER, ADDRESS)
    throttle.forget(USER)
    throttle.forget("user:unknown")
    assert left_s(throttle, USER) == 0
    assert left_s(throttle, ADDRESS) > 0


def test_keys_are_free_text(throttle: LoginThrottle) -> None:
    for key in ("address:2001:db8::1", "user:ä *?[x]", "user:", "user:" + "a" * 500):
        fail(throttle, 5, key)
        assert left_s(throttle, key) > 0


def test_no_failure_is_lost_between_threads(throttle: LoginThrottle) -> None:
    threads = [threading.Thread(target=fail, args=(throttle, 2, USER)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 35 < left_s(throttle, USER) <= 40, "the eighth failure waits for 40 s"


def test_a_block_ends_by_itself_and_the_count_goes_on(brief: LoginThrottle) -> None:
    fail(brief, 2, USER)
    waited_s = left_s(brief, USER)
    assert 0 < waited_s <= SHORT.first_s
    time.sleep(waited_s + 0.02)
    assert left_s(brief, USER) == 0
    fail(brief, 1, USER)
    assert SHORT.first_s < left_s(brief, USER) <= SHORT.max_s


def test_a_count_is_forgotten_a_window_after_the_last_failure(brief: LoginThrottle) -> None:
    fail(brief, 1, USER)
    time.sleep(SHORT.window_s + 0.05)
    fail(brief, 1, USER)
    assert left_s(brief, USER) == 0


def test_two_processes_on_one_redis_count_together() -> None:
    with scratch_prefix() as prefix:
        one, other = (
            RedisLoginThrottle(server_url(), prefix=prefix, timeout_s=TIMEOUT_S) for _ in range(2)
        )
        fail(one, 3, USER)
        fail(other, 2, USER)
        assert 0 < left_s(one, USER) <= 5
        assert 0 < left_s(other, USER) <= 5
        other.forget(USER)
        assert left_s(one, USER) == 0
        one.close()
        other.close()


def test_without_a_server_each_process_goes_on_counting() -> None:
    alone = RedisLoginThrottle(closed_port_url(), pause_s=60)
    fail(alone, 5, USER)
    assert 0 < left_s(alone, USER) <= 5
    health = alone.health()
    assert (health.degraded, health.failures) == (True, 1), "one call per pause pays for it"
    alone.forget(USER)
    assert left_s(alone, USER) == 0


def test_a_frozen_server_delays_a_login_by_its_timeout_only(tmp_path: Path) -> None:
    with private_redis(tmp_path) as server:
        throttle = RedisLoginThrottle(server.url, timeout_s=0.1, pause_s=60)
        fail(throttle, 5, USER)
        server.freeze()
        assert left_s(throttle, USER) == 0, "its own counts start empty"
        assert throttle.health().degraded
        server.thaw()
        throttle.close()
