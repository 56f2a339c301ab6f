"""Fan-out of one job's work over many processes or machines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

Chunk = Mapping[str, object]


class Compute(Protocol):
    """Runs a module-level function `fn(chunk, seed) -> result` once per chunk, somewhere.

    `seed` is a numpy SeedSequence that depends on the map's seed and the chunk's index alone, or
    None when the map has no seed: a result never depends on the adapter, the number of workers or
    their order. Chunks are 1–5 s of work, small and picklable; big arrays travel by name. A chunk
    may run again after a worker died, so its function must not change anything outside.
    Thread-safe.
    """

    def map(
        self,
        chunk_fn_name: str,
        chunks: Sequence[Chunk],
        *,
        seed: int | None = None,
        first_index: int = 0,
    ) -> Iterator[object]:
        """Results in chunk order, each as soon as it and all before it are there.

        `first_index` is the index of `chunks[0]` in the whole work, for resumed maps. The first
        failing chunk ends the iteration: its own Fault if it raised one, Defect `chunk_failed`
        for another exception, Unavailable `compute_lost` when the workers went away. Closing the
        iterator cancels the chunks that have not started.
        """
        ...

    def close(self) -> None:
        """Let the workers go. Idempotent."""
        ...


def chunks_of(total: int, size_max: int) -> Iterator[tuple[int, int]]:
    """Half-open ranges that cover 0…total in order, sizes equal to within one and ≤ `size_max`."""
    if total <= 0:
        return
    count = -(-total // size_max)
    for index in range(count):
        yield index * total // count, (index + 1) * total // count
