"""What one turn of the loop writes leaves together, in order, and nothing is lost or held for long."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from app.one_write import HELD_BYTES_MAX, OneWriteTransport


class Wire(asyncio.Transport):
    """A transport that notes each send."""

    def __init__(self) -> None:
        super().__init__()
        self.sends: list[bytes] = []
        self.is_closed = False

    def writelines(self, list_of_data: object) -> None:
        self.sends.append(b"".join(list_of_data))  # type: ignore[call-overload]

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str, default: object = None) -> object:
        return f"extra {name}"


def in_a_loop(steps: Callable[[OneWriteTransport, Wire], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        wire = Wire()
        await steps(OneWriteTransport(wire, asyncio.get_running_loop()), wire)

    asyncio.run(run())


def test_head_and_body_of_one_turn_are_one_send() -> None:
    async def steps(transport: OneWriteTransport, wire: Wire) -> None:
        transport.write(b"head ")
        transport.write(b"body")
        assert wire.sends == []
        await asyncio.sleep(0)
        assert wire.sends == [b"head body"]
        transport.write(b"next")
        await asyncio.sleep(0)
        assert wire.sends == [b"head body", b"next"]

    in_a_loop(steps)


@pytest.mark.parametrize("chunk", [1000, HELD_BYTES_MAX + 1])
def test_no_more_than_the_bound_is_held(chunk: int) -> None:
    async def steps(transport: OneWriteTransport, wire: Wire) -> None:
        for _ in range(200):
            transport.write(b"x" * chunk)
        sent_before_the_turn_ended = len(b"".join(wire.sends))
        assert 200 * chunk - sent_before_the_turn_ended <= HELD_BYTES_MAX
        await asyncio.sleep(0)
        assert len(b"".join(wire.sends)) == 200 * chunk

    in_a_loop(steps)


def test_closing_sends_what_is_held_first() -> None:
    async def steps(transport: OneWriteTransport, wire: Wire) -> None:
        transport.write(b"last words")
        transport.close()
        assert wire.sends == [b"last words"]
        assert wire.is_closed
        await asyncio.sleep(0)
        assert wire.sends == [b"last words"]

    in_a_loop(steps)


def test_a_connection_that_is_gone_gets_nothing() -> None:
    async def steps(transport: OneWriteTransport, wire: Wire) -> None:
        transport.write(b"too late")
        wire.is_closed = True
        await asyncio.sleep(0)
        assert wire.sends == []

    in_a_loop(steps)


def test_everything_else_is_the_transports_own() -> None:
    async def steps(transport: OneWriteTransport, wire: Wire) -> None:
        assert transport.get_extra_info("peername") == "extra peername"
        assert not transport.is_closing()

    in_a_loop(steps)
