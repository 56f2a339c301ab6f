"""Faults of a symbol point at where the request has it: the book calls a cell's symbol a ticker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from application.market.register_instrument import instrument_id
from application.ports.unit_of_work import UnitOfWork
from domain.shared.errors import Fault

T = TypeVar("T")
_DOMAIN_POINTER = "/symbol"


@contextmanager
def symbol_sent_as(pointer: str) -> Iterator[None]:
    """Rename the symbol in what is refused inside."""
    try:
        yield
    except Fault as fault:
        fault.errors = tuple(
            replace(error, pointer=pointer) if error.pointer == _DOMAIN_POINTER else error
            for error in fault.errors
        )
        raise


def with_ticker(command: Callable[[UnitOfWork], T]) -> Callable[[UnitOfWork], T]:
    """The command of a body that has `ticker`."""

    def named(work: UnitOfWork) -> T:
        with symbol_sent_as("/ticker"):
            return command(work)

    return named


def instrument_of(ticker: str | None) -> str | None:
    """Canonical id of the query parameter `ticker`; Invalid `invalid_symbol`."""
    if ticker is None:
        return None
    with symbol_sent_as("ticker"):
        return instrument_id(ticker)
