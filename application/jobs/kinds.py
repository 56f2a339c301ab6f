"""Which kinds of jobs exist and how each is run. A kind names its function by dotted path, so that
registering it imports nothing heavy; the child imports it when a job of the kind starts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.shared.errors import Defect

ATTEMPTS_OF_PURE = 2
ATTEMPTS_OF_RESUMABLE = 10


@dataclass(frozen=True, slots=True)
class JobKind:
    """`run` is the dotted path of a module-level `run(spec, context) -> result`.

    The spec arrives as JSON values whose numbers with a fraction are Decimal; the result must be a
    JSON object. `is_pure`: the result depends on (spec, seed, data, engine version) alone, so it
    may be computed again after an interruption, and may answer an equal request once finished.
    `is_resumable`: the function works through `context.map_chunks`, which skips stored chunks.
    `result_url` is where its result is read; `{job_id}` is filled in.
    """

    name: str
    run: str
    engine_version: str
    is_pure: bool = False
    is_resumable: bool = False
    memory_mb_max: int = 1024
    timeout_s: int = 3600
    result_url: str = "/api/v1/jobs/{job_id}/result"

    @property
    def attempts_max(self) -> int:
        """Attempts in all: one re-queue for pure kinds, several for those that lose no work."""
        if self.is_resumable:
            return ATTEMPTS_OF_RESUMABLE
        return ATTEMPTS_OF_PURE if self.is_pure else 1


class JobKinds:
    """The registered kinds by name; filled at start, read-only afterwards."""

    def __init__(self, kinds: Iterable[JobKind] = ()) -> None:
        self._kinds: dict[str, JobKind] = {}
        for kind in kinds:
            self.register(kind)

    def register(self, kind: JobKind) -> None:
        """Defect `job_kind_taken` when the name is in use, `job_kind_invalid` for a bad path."""
        if kind.name in self._kinds:
            raise Defect("job_kind_taken", f"Two job kinds are named {kind.name}.")
        if not all(part.isidentifier() for part in kind.run.split(".")) or "." not in kind.run:
            raise Defect("job_kind_invalid", f"{kind.run} is not the dotted path of a function.")
        self._kinds[kind.name] = kind

    def get(self, name: str) -> JobKind:
        """Defect `job_kind_unknown` when nothing of that name is registered."""
        found = self._kinds.get(name)
        if found is None:
            raise Defect("job_kind_unknown", f"No job kind is named {name}.")
        return found

    def find(self, name: str) -> JobKind | None:
        """The kind, or None: a stored job may be of a kind that this process does not have."""
        return self._kinds.get(name)

    def __iter__(self) -> Iterator[JobKind]:
        return iter(self._kinds.values())
