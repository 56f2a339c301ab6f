"""Every rate limiter allows exactly its budget, whatever the concurrency."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from application.ports.rate_limiter import RateLimiter
from domain.shared.errors import Defect
from infrastructure.messaging.in_process_rate_limiter import InProcessRateLimiter
from infrastructure.messaging.redis_rate_limiter import RedisRateLimiter
from tests.support.redis_server import closed_port_url, private_redis, scratch_prefix, server_url

# Generous, so that a busy machine cannot turn a contract test into an outage test.
TIMEOUT_S = 5.0


@pytest.fixture(params=["in_process", "redis"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    if request.param == "in_process":
        yield InProcessRateLimiter()
        return
    with scratch_prefix() as prefix:
        shared = RedisRateLimiter(server_url(), prefix=prefix, timeout_s=TIMEOUT_S)
        yield shared
        assert shared.health().failures == 0, "the fallback must not have answered for Redis"
        await shared.close()


async def test_hits_up_to_the_limit_are_allowed_and_the_next_one_is_not(
    limiter: RateLimiter,
) -> None:
    verdicts = [await limiter.hit("read", "usr_1", limit=3, window_s=60) for _ in range(4)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False]
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0]
    assert {verdict.limit for verdict in verdicts} == {3}


async def test_only_a_refusal_says_when_to_retry_and_it_says_the_reset(
    limiter: RateLimiter,
) -> None:
    first = await limiter.hit("auth", "usr_1", limit=1, window_s=60)
    refused = await limiter.hit("auth", "usr_1", limit=1, window_s=60)
    assert first.retry_after_s == 0
    assert 0 < first.reset_after_s <= 60
    assert 0 < refused.retry_after_s == refused.reset_after_s <= first.reset_after_s


async def test_keys_and_buckets_have_budgets_of_their_own(limiter: RateLimiter) -> None:
    await limiter.hit("read", "usr_1", limit=1, window_s=60)
    assert (await limiter.hit("read", "usr_2", limit=1, window_s=60)).allowed
    assert (await limiter.hit("write", "usr_1", limit=1, window_s=60)).allowed
    assert (await limiter.hit("read", "usr_1", limit=1, window_s=61)).allowed
    assert not (await limiter.hit("read", "usr_1", limit=1, window_s=60)).allowed


async def test_keys_are_free_text(limiter: RateLimiter) -> None:
    for key in ("2001:db8::1", "ä ö *?[x]", "", "a" * 500):
        assert (await limiter.hit("auth", key, limit=1, window_s=60)).allowed
        assert not (await limiter.hit("auth", key, limit=1, window_s=60)).allowed


async def test_a_hit_that_does_not_fit_costs_nothing(limiter: RateLimiter) -> None:
    await limiter.hit("compute", "usr_1", limit=10, window_s=60, cost=8)
    refused = await limiter.hit("compute", "usr_1", limit=10, window_s=60, cost=5)
    assert (refused.allowed, refused.remaining) == (False, 2)
    assert (await limiter.hit("compute", "usr_1", limit=10, window_s=60, cost=2)).allowed


async def test_a_cost_above_the_limit_is_refused_even_by_a_fresh_budget(
    limiter: RateLimiter,
) -> None:
    refused = await limiter.hit("compute", "usr_1", limit=3, window_s=60, cost=4)
    assert (refused.allowed, refused.remaining, refused.retry_after_s) == (False, 3, 60.0)
    assert (await limiter.hit("compute", "usr_1", limit=3, window_s=60, cost=3)).allowed


async def test_a_hit_of_cost_zero_only_looks(limiter: RateLimiter) -> None:
    untouched = await limiter.hit("read", "usr_1", limit=2, window_s=60, cost=0)
    assert (untouched.allowed, untouched.remaining, untouched.reset_after_s) == (True, 2, 0.0)
    await limiter.hit("read", "usr_1", limit=2, window_s=60)
    assert (await limiter.hit("read", "usr_1", limit=2, window_s=60, cost=0)).remaining == 1
    assert (await limiter.hit("read", "usr_1", limit=2, window_s=60, cost=0)).remaining == 1


async def test_a_limit_of_zero_refuses_everything(limiter: RateLimiter) -> None:
    refused = await limiter.hit("read", "usr_1", limit=0, window_s=60)
    assert (refused.allowed, refused.remaining) == (False, 0)


async def test_a_lowered_limit_never_shows_a_negative_remainder(limiter: RateLimiter) -> None:
    await limiter.hit("read", "usr_1", limit=5, window_s=60, cost=5)
    refused = await limiter.hit("read", "usr_1", limit=2, window_s=60)
    assert (refused.allowed, refused.remaining) == (False, 0)


async def test_fifty_concurrent_hits_spend_the_budget_exactly(limiter: RateLimiter) -> None:
    verdicts = await asyncio.gather(
        *(limiter.hit("orders", "usr_1", limit=20, window_s=60) for _ in range(50))
    )
    assert sum(verdict.allowed for verdict in verdicts) == 20
    assert sorted(verdict.remaining for verdict in verdicts if verdict.allowed) == list(range(20))


async def test_a_new_window_brings_the_whole_budget_back(limiter: RateLimiter) -> None:
    await limiter.hit("read", "usr_1", limit=2, window_s=1, cost=2)
    assert not (await limiter.hit("read", "usr_1", limit=2, window_s=1)).allowed
    await asyncio.sleep(1.05)
    fresh = await limiter.hit("read", "usr_1", limit=2, window_s=1)
    assert (fresh.allowed, fresh.remaining) == (True, 1)


@pytest.mark.parametrize(("window_s", "cost"), [(0, 1), (-1, 1), (60, -1)])
async def test_a_senseless_hit_is_a_defect(limiter: RateLimiter, window_s: int, cost: int) -> None:
    with pytest.raises(Defect) as raised:
        await limiter.hit("read", "usr_1", limit=1, window_s=window_s, cost=cost)
    assert raised.value.code == "rate_limit_invalid"


async def test_processes_that_share_a_server_share_one_budget() -> None:
    with scratch_prefix() as prefix:
        workers = [
            RedisRateLimiter(server_url(), prefix=prefix, timeout_s=TIMEOUT_S) for _ in range(3)
        ]
        verdicts = await asyncio.gather(
            *(workers[n % 3].hit("orders", "usr_1", limit=20, window_s=60) for n in range(50))
        )
        assert sum(verdict.allowed for verdict in verdicts) == 20
        for worker in workers:
            assert worker.health().failures == 0
            await worker.close()


async def test_without_a_server_a_local_counter_still_enforces_the_limit_and_health_says_so() -> (
    None
):
    limiter = RedisRateLimiter(closed_port_url())
    verdicts = [await limiter.hit("read", "usr_1", limit=2, window_s=60) for _ in range(3)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, False]
    health = limiter.health()
    assert (health.backend, health.degraded, health.last_error) == (
        "redis",
        True,
        "ConnectionError",
    )
    await limiter.close()


async def test_during_an_outage_only_one_hit_per_pause_tries_the_server() -> None:
    limiter = RedisRateLimiter(closed_port_url(), pause_s=60)
    for _ in range(10):
        await limiter.hit("read", "usr_1", limit=100, window_s=60)
    assert limiter.health().failures == 1
    await limiter.close()


async def test_a_frozen_server_is_bridged_and_a_thawed_one_counts_again(tmp_path: Path) -> None:
    with private_redis(tmp_path) as server:
        limiter = RedisRateLimiter(server.url, timeout_s=0.1, pause_s=0)
        await limiter.hit("read", "usr_1", limit=5, window_s=600, cost=4)
        server.freeze()
        bridged = await limiter.hit("read", "usr_1", limit=5, window_s=600)
        assert (bridged.allowed, bridged.remaining) == (True, 4)
        assert limiter.health().degraded
        server.thaw()
        for _ in range(250):
            await limiter.hit("other", "usr_1", limit=1000, window_s=600)
            if not limiter.health().degraded:
                break
            await asyncio.sleep(0.02)
        back = await limiter.hit("read", "usr_1", limit=5, window_s=600)
        # One of the frozen hits may have reached the server and been counted there on thawing.
        assert back.remaining == 0
        await limiter.close()


async def test_windows_that_are_over_do_not_pile_up_in_memory() -> None:
    now_s = 0.0
    limiter = InProcessRateLimiter(now_s=lambda: now_s)
    for number in range(1000):
        now_s = float(number)
        await limiter.hit("read", f"address {number}", limit=5, window_s=10)
    assert len(limiter._buckets["read", 10]) <= 11


async def test_a_flood_of_made_up_keys_stays_within_the_bound() -> None:
    limiter = InProcessRateLimiter(keys_per_bucket_max=100)
    for number in range(1000):
        await limiter.hit("read", f"address {number}", limit=5, window_s=60)
    assert len(limiter._buckets["read", 60]) == 100
    assert (await limiter.hit("read", "address 999", limit=5, window_s=60)).remaining == 3


def test_a_service_without_redis_never_imports_the_redis_package() -> None:
    script = (
        "import sys\n"
        "from infrastructure.messaging import (in_process_bus, in_process_cache,"
        " in_process_lease, in_process_rate_limiter)\n"
        "raise SystemExit('redis' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert finished.returncode == 0
