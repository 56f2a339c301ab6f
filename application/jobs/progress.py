"""How far a job is: counts in the job's own unit, and when it should be done at the pace so far."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units; `total` and `eta_s` are None while they are unknown."""

    done: int = 0
    total: int | None = None
    unit: str = ""
    eta_s: float | None = None
    message: str = ""


NOT_BEGUN = Progress()


@dataclass(frozen=True, slots=True)
class Pace:
    """Where and when the counting of this attempt began; resumed chunks do not flatter the pace."""

    done_at_start: int
    started_s: float

    def eta_s(self, done: int, total: int | None, now_s: float) -> float | None:
        """(total − done) × elapsed / done in this attempt, seconds; None before the first step."""
        advanced = done - self.done_at_start
        if total is None or advanced <= 0:
            return None
        return round(max(0, total - done) * (now_s - self.started_s) / advanced, 1)
