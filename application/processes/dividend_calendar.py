"""Books ex-dates and payments of announced dividends when they are due.

The price falls by the dividend when the session opens; an anchor that has not followed by then
looks like a trigger. So recent ex-dates are looked at every few seconds, all others every hour.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from application.context import RequestContext
from application.portfolio.due_dividends import DueDividends, DueStep, Step, alert, recent
from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.unit_of_work import Store
from application.processes.periodic import Periodic, kind_of, told
from domain.shared.ids import Prefix

NAME = "dividend_calendar"
EVERY_S = 15.0
RECENT_DAYS = 7
WHOLE_EVERY = timedelta(hours=1)
COMMAND_WITHIN_S = 30.0
log = logging.getLogger("ballast.dividends")


class DividendCalendar:
    """A step that fails raises an alert, once per cause, and is tried again at every turn."""

    def __init__(
        self, store: Store, due: DueDividends, clock: Clock, ids: Ids, owner: Callable[[], str]
    ) -> None:
        self._store = store
        self._due = due
        self._clock = clock
        self._ids = ids
        self._owner = owner
        self._settled: set[str] = set()
        self._alerted: set[tuple[str, Step, str]] = set()
        self._whole_at: datetime | None = None
        self.process = Periodic(NAME, self.turn, EVERY_S)

    def turn(self) -> int:
        """Book what is due; how many steps succeeded."""
        context = RequestContext(self._owner(), NAME, self._ids.new(Prefix.REQUEST))
        now = self._clock.now()
        is_whole = self._whole_at is None or now - self._whole_at >= WHOLE_EVERY
        ex_date_from = None if is_whole else recent(now.date(), RECENT_DAYS)
        booked = 0
        failed: set[tuple[str, Step]] = set()
        while not self.process.is_stopping:
            steps, settled = self._store.query(
                lambda work: self._due.due(
                    work, ex_date_from=ex_date_from, is_settled=self._settled.__contains__
                ),
                context,
            )
            self._settled.update(settled)
            # A booked ex-date can make the payment due at once.
            open_steps = [s for s in steps if (s.dividend.id, s.step) not in failed]
            if not open_steps:
                break
            for step in open_steps:
                if self._book(step, context):
                    booked += 1
                else:
                    failed.add((step.dividend.id, step.step))
        if is_whole:
            self._whole_at = now
        return booked

    def _book(self, step: DueStep, context: RequestContext) -> bool:
        try:
            command = self._store.command(lambda work: self._due(step, work), context)
            command.result(COMMAND_WITHIN_S)
        except Exception as error:  # noqa: BLE001 - process loop: one dividend must not stop the others
            log.warning("%s of %s failed: %s", step.step, step.dividend.id, kind_of(error))
            self._alert(step, error, context)
            return False
        return True

    def _alert(self, step: DueStep, error: Exception, context: RequestContext) -> None:
        code, message = told(error)
        cause = (step.dividend.id, step.step, code)
        if cause in self._alerted:
            return
        self._store.command(lambda work: alert(step, code, message, work), context).result(
            COMMAND_WITHIN_S
        )
        self._alerted.add(cause)
