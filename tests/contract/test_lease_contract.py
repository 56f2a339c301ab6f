"""Every lease adapter has one holder at a time, and tokens that only grow."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from application.ports.lease import Lease, LeaseGrant
from domain.shared.errors import Defect, Unavailable
from infrastructure.messaging.in_process_lease import InProcessLease
from infrastructure.messaging.redis_lease import RedisLease
from tests.support.redis_server import closed_port_url, scratch_prefix, server_url


@pytest.fixture(params=["in_process", "redis"])
def lease(request: pytest.FixtureRequest) -> Iterator[Lease]:
    if request.param == "in_process":
        yield InProcessLease()
        return
    with scratch_prefix() as prefix:
        shared = RedisLease(server_url(), prefix=prefix, timeout_s=5)
        yield shared
        shared.close()


def acquired(lease: Lease, owner: str, ttl_s: float = 30) -> LeaseGrant:
    grant = lease.acquire("monitor", owner, ttl_s)
    assert grant is not None
    return grant


def test_a_free_name_is_granted_to_who_asks(lease: Lease) -> None:
    before_s = time.monotonic()
    grant = acquired(lease, "worker-a")
    assert (grant.name, grant.owner) == ("monitor", "worker-a")
    assert grant.fencing_token > 0
    assert before_s + 30 <= grant.valid_until_monotonic_s <= time.monotonic() + 30


def test_a_held_name_is_granted_to_nobody_the_holder_included(lease: Lease) -> None:
    acquired(lease, "worker-a")
    assert lease.acquire("monitor", "worker-b", 30) is None
    assert lease.acquire("monitor", "worker-a", 30) is None


def test_names_are_independent(lease: Lease) -> None:
    acquired(lease, "worker-a")
    assert lease.acquire("scheduler", "worker-b", 30) is not None


def test_after_a_release_the_next_holder_gets_a_larger_token(lease: Lease) -> None:
    first = acquired(lease, "worker-a")
    assert lease.release(first) is True
    second = acquired(lease, "worker-b")
    assert second.fencing_token > first.fencing_token


def test_after_expiry_the_other_owner_gets_in_with_a_larger_token(lease: Lease) -> None:
    first = acquired(lease, "worker-a", ttl_s=0.05)
    time.sleep(0.08)
    second = acquired(lease, "worker-b")
    assert second.fencing_token > first.fencing_token


def test_an_expired_owner_can_neither_renew_nor_release(lease: Lease) -> None:
    expired = acquired(lease, "worker-a", ttl_s=0.05)
    time.sleep(0.08)
    assert lease.renew(expired, 30) is None
    assert lease.release(expired) is False


def test_an_expired_owner_cannot_touch_the_grant_of_its_successor(lease: Lease) -> None:
    expired = acquired(lease, "worker-a", ttl_s=0.05)
    time.sleep(0.08)
    successor = acquired(lease, "worker-a")
    assert lease.renew(expired, 30) is None
    assert lease.release(expired) is False
    assert lease.renew(successor, 30) is not None


def test_a_renewal_keeps_the_token_and_moves_the_end(lease: Lease) -> None:
    grant = acquired(lease, "worker-a", ttl_s=0.5)
    renewed = lease.renew(grant, 30)
    assert renewed is not None
    assert renewed.fencing_token == grant.fencing_token
    assert renewed.valid_until_monotonic_s > grant.valid_until_monotonic_s
    time.sleep(0.55)
    assert lease.acquire("monitor", "worker-b", 30) is None


def test_a_release_works_once(lease: Lease) -> None:
    grant = acquired(lease, "worker-a")
    assert lease.release(grant) is True
    assert lease.release(grant) is False
    assert lease.renew(grant, 30) is None


def test_a_made_up_token_is_not_accepted(lease: Lease) -> None:
    grant = acquired(lease, "worker-a")
    forged = replace(grant, fencing_token=grant.fencing_token + 1)
    assert lease.renew(forged, 30) is None
    assert lease.release(forged) is False
    assert lease.renew(grant, 30) is not None


def test_of_many_owners_asking_at_once_exactly_one_holds(lease: Lease) -> None:
    barrier = threading.Barrier(8)
    grants: list[LeaseGrant | None] = []

    def ask(owner: str) -> None:
        barrier.wait()
        grants.append(lease.acquire("monitor", owner, 30))

    threads = [threading.Thread(target=ask, args=(f"worker-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(grants) == 8
    assert sum(grant is not None for grant in grants) == 1


def test_owners_that_take_turns_under_contention_see_tokens_grow_without_overlap(
    lease: Lease,
) -> None:
    held: list[int] = []
    overlaps: list[int] = []
    tokens: list[int] = []

    def work(owner: str) -> None:
        turns = 0
        while turns < 10:
            grant = lease.acquire("monitor", owner, 30)
            if grant is None:
                continue
            held.append(1)
            overlaps.append(len(held))
            tokens.append(grant.fencing_token)
            held.pop()
            turns += lease.release(grant)

    threads = [threading.Thread(target=work, args=(owner,)) for owner in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(overlaps) == 1
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 20


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan")])
def test_a_time_to_live_must_be_above_zero(lease: Lease, ttl_s: float) -> None:
    with pytest.raises(Defect) as raised:
        lease.acquire("monitor", "worker-a", ttl_s)
    assert raised.value.code == "lease_ttl_invalid"


def test_tokens_keep_growing_when_the_backend_forgot_the_last_one() -> None:
    before = InProcessLease().acquire("monitor", "worker-a", 30)
    time.sleep(0.002)
    after = InProcessLease().acquire("monitor", "worker-b", 30)
    assert before is not None
    assert after is not None
    assert after.fencing_token > before.fencing_token


def test_tokens_keep_growing_when_redis_lost_its_keys() -> None:
    with scratch_prefix() as prefix:
        lease = RedisLease(server_url(), prefix=prefix, timeout_s=5)
        before = acquired(lease, "worker-a")
        lease._client.delete(*lease._client.scan_iter(match=f"{prefix}*"))
        after = acquired(lease, "worker-b")
        assert after.fencing_token > before.fencing_token
        assert lease.renew(before, 30) is None
        lease.close()


def test_two_processes_that_share_a_server_compete_for_one_lease() -> None:
    with scratch_prefix() as prefix:
        one, other = (RedisLease(server_url(), prefix=prefix, timeout_s=5) for _ in range(2))
        grant = acquired(one, "worker-a")
        assert other.acquire("monitor", "worker-b", 30) is None
        assert other.release(grant) is True
        assert one.renew(grant, 30) is None
        one.close()
        other.close()


def test_a_backend_that_does_not_answer_is_unavailable_never_a_grant() -> None:
    lease = RedisLease(closed_port_url())
    for call in (
        lambda: lease.acquire("monitor", "worker-a", 30),
        lambda: lease.renew(LeaseGrant("monitor", "worker-a", 1, 0.0), 30),
        lambda: lease.release(LeaseGrant("monitor", "worker-a", 1, 0.0)),
    ):
        with pytest.raises(Unavailable) as raised:
            call()
        assert raised.value.code == "lease_backend_unavailable"
        assert raised.value.retry_after_s == 1.0
    lease.close()
