"""What all processes know together about the plan runner: its switch and its last report."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a position was not run as its plan says; no position means the whole cycle."""

    at: datetime
    position_id: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PlanRunnerState:
    """`runs_until` is when whoever runs the plans has reported again, or does not run any more."""

    is_on: bool = False
    runs_until: datetime | None = None
    last_cycle_at: datetime | None = None
    evaluated: int = 0
    errors: tuple[RunError, ...] = ()


class PlanRunnerBook(Protocol):
    """The state of the context's owner; of two writers in a row the second one stands."""

    def read(self) -> PlanRunnerState:
        """Off, with nothing reported, before the first `save`."""
        ...

    def save(self, state: PlanRunnerState) -> None: ...
