"""Password work has two threads of its own and a short queue; beyond it callers are told to wait."""

import asyncio
import threading

import pytest

from app.api.identity.asking import HashingLane
from domain.shared.errors import Invalid, Unavailable


async def test_full_queue_answers_at_once_and_drains_afterwards() -> None:
    lane, gate = HashingLane(width=2, waiting_max=1), threading.Event()
    running = [asyncio.create_task(lane.run(lambda: gate.wait(10))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await lane.run(lambda: True)
    assert refused.value.code == "queue_full"
    gate.set()
    assert await asyncio.gather(*running) == [True, True, True]
    assert await lane.run(lambda: 7) == 7
    lane.close()


async def test_a_failure_reaches_its_caller_and_frees_the_place() -> None:
    def fail() -> None:
        raise Invalid("weak_password", "no")

    lane = HashingLane(width=1, waiting_max=0)
    for _ in range(3):
        with pytest.raises(Invalid):
            await lane.run(fail)
    lane.close()
