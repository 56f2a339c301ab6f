"""Forgets what nobody can ask for any more: stored answers of idempotency keys after seven days."""

from datetime import timedelta

from application.context import SYSTEM
from application.ports.clock import Clock
from application.ports.unit_of_work import Store
from application.processes.periodic import Periodic

NAME = "housekeeping"
EVERY_S = 3600.0
FIRST_AFTER_S = 60.0
ANSWERS_KEPT = timedelta(days=7)
ANSWERS_PER_COMMAND = 500
COMMAND_WITHIN_S = 30.0


class Housekeeping:
    """Small commands one after the other, so that callers get their turn in between."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.process = Periodic(NAME, self.turn, EVERY_S, first_after_s=FIRST_AFTER_S)

    def turn(self) -> int:
        """How many answers were forgotten."""
        before = self._clock.now() - ANSWERS_KEPT
        forgotten = 0
        while not self.process.is_stopping:
            deleted = self._store.command(
                lambda work: work.idempotency.forget_before(before, ANSWERS_PER_COMMAND), SYSTEM
            ).result(COMMAND_WITHIN_S)
            forgotten += deleted
            if deleted < ANSWERS_PER_COMMAND:
                break
        return forgotten
