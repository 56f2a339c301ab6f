"""One chunk in a worker: the function by name, its own seed, and an answer that always travels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from application.ports.compute import Chunk
from domain.shared import errors
from domain.shared.errors import Defect, Fault
from infrastructure.compute.dotted_path import function_at

if TYPE_CHECKING:
    from numpy.random import SeedSequence


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """What a worker needs for one chunk."""

    fn_name: str
    chunk: Chunk
    seed: int | None
    index: int


@dataclass(frozen=True, slots=True)
class ChunkAnswer:
    """A result, or the parts of a fault: exceptions with keyword arguments do not unpickle."""

    value: object = None
    fault_kind: str | None = None
    code: str = ""
    message: str = ""
    context: Mapping[str, object] | None = None

    def result(self) -> object:
        """The value; raises the fault."""
        if self.fault_kind is None:
            return self.value
        kind: type[Fault] = getattr(errors, self.fault_kind, Defect)
        raise kind(self.code, self.message, context=self.context)


def seed_of_chunk(seed: int | None, index: int) -> "SeedSequence | None":
    """SeedSequence(seed).spawn(n)[index], without spawning the others."""
    if seed is None:
        return None
    # Imported by the worker alone: the service reads this module and has no use for numpy.
    from numpy.random import SeedSequence  # noqa: PLC0415

    return SeedSequence(seed, spawn_key=(index,))


def run_chunk(task: ChunkTask) -> ChunkAnswer:
    """Runs in the worker; never raises for what the chunk's function does."""
    try:
        function = function_at(task.fn_name)
        return ChunkAnswer(function(task.chunk, seed_of_chunk(task.seed, task.index)))
    except Fault as fault:
        kind = type(fault).__name__
        return ChunkAnswer(None, kind, fault.code, fault.message, fault.context)
    except Exception as error:  # noqa: BLE001 - job child: a chunk's failure belongs to its caller
        message = f"Chunk {task.index} failed with {type(error).__name__}: {error}"[:500]
        context = {"fn": task.fn_name, "index": task.index}
        return ChunkAnswer(None, "Defect", "chunk_failed", message, context)


class Pending(Protocol):
    """The part of a future that both adapters' futures have."""

    def result(self) -> ChunkAnswer: ...
    def cancel(self) -> object: ...


def tasks_of(
    fn_name: str, chunks: Sequence[Chunk], seed: int | None, first_index: int
) -> list[ChunkTask]:
    """Tasks in order; the index of a chunk, not its place in this call, gives its seed."""
    return [ChunkTask(fn_name, chunk, seed, first_index + i) for i, chunk in enumerate(chunks)]


def in_order(
    submit: Callable[[ChunkTask], Pending], tasks: Sequence[ChunkTask], in_flight_max: int
) -> Iterator[object]:
    """Results in the order of the tasks with a bounded number submitted ahead.

    Closing the iterator, or a failing chunk, cancels what was submitted ahead.
    """
    waiting = iter(tasks)
    pending = [submit(task) for task in islice(waiting, in_flight_max)]
    try:
        while pending:
            value = pending[0].result().result()
            del pending[0]
            pending.extend(submit(task) for task in islice(waiting, 1))
            yield value
    finally:
        for future in reversed(pending):
            future.cancel()
