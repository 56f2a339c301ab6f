"""Steps of announced dividends that are due: the ex-date once its session opened, then the pay."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from application.portfolio.ex_session import calendar_of, ex_session_opens_at
from application.portfolio.pay_dividend import PayDividend, Payment
from application.portfolio.process_ex_date import ProcessExDate
from application.ports.calendars import CalendarTables
from application.ports.repositories import Page
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.dividend import Dividend, EntitlementStatus
from domain.portfolio.trading_day import session_date
from domain.shared.events import NewEvent, explained

DIVIDENDS_PER_READ = 200


class Step(StrEnum):
    """Steps in their order."""

    EX_DATE = "ex_date"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class DueStep:
    """One step of one dividend."""

    dividend: Dividend
    step: Step


class DueDividends:
    """`due` reads, `__call__` books one step; both repeat harmlessly."""

    def __init__(self, process: ProcessExDate, pay: PayDividend, calendars: CalendarTables) -> None:
        self._process = process
        self._pay = pay
        self._calendars = calendars

    def due(
        self, work: UnitOfWork, *, ex_date_from: date | None, is_settled: Callable[[str], bool]
    ) -> tuple[list[DueStep], list[str]]:
        """Steps due now, and dividends that nothing is left to do for, ever.

        `ex_date_from` bounds the look; `is_settled` tells which need no look.
        """
        steps: list[DueStep] = []
        settled: list[str] = []
        for dividend in self._announced(work, ex_date_from):
            if not is_settled(dividend.id):
                step, is_done = self._next(dividend, work)
                if step is not None:
                    steps.append(DueStep(dividend, step))
                if is_done:
                    settled.append(dividend.id)
        return steps, settled

    def __call__(self, due: DueStep, work: UnitOfWork) -> None:
        """Book the step. A payment found late is booked for its day."""
        if due.step is Step.EX_DATE:
            self._process(due.dividend.id, work)
        else:
            self._pay(due.dividend.id, Payment(paid_on=due.dividend.pay_date), work)

    def _announced(self, work: UnitOfWork, ex_date_from: date | None) -> Sequence[Dividend]:
        # By id without a bound; by ex-date with one, where a page ends with the day and the id.
        found: list[Dividend] = []
        after: str | None = None
        while True:
            page = Page(limit=DIVIDENDS_PER_READ, after=after)
            dividends = work.dividends.list(page, ex_date_from=ex_date_from)
            found.extend(dividends)
            if len(dividends) < DIVIDENDS_PER_READ:
                return found
            last = dividends[-1]
            after = last.id if ex_date_from is None else f"{last.ex_date} {last.id}"

    def _next(self, dividend: Dividend, work: UnitOfWork) -> tuple[Step | None, bool]:
        calendar = calendar_of(dividend.instrument, work)
        opens_at = ex_session_opens_at(calendar, dividend.ex_date, self._calendars)
        if work.now < opens_at or session_date(calendar, work.now) < dividend.ex_date:
            return None, False
        entitlements = work.dividends.entitlements(dividend.id)
        entitled = {known.position_id for known in entitlements}
        holders = work.positions.holding(dividend.instrument)
        if any(p.opened_at < opens_at and p.id not in entitled for p in holders):
            return Step.EX_DATE, False
        if all(e.status is not EntitlementStatus.PENDING for e in entitlements):
            return None, True
        pay_date = dividend.pay_date
        if pay_date is None or session_date(calendar, work.now) < pay_date:
            return None, False
        return Step.PAYMENT, False


def alert(due: DueStep, code: str, message: str, work: UnitOfWork) -> None:
    """Tell the log that a step did not succeed."""
    dividend = due.dividend
    data = explained(
        f"The {due.step.value} step of {dividend.instrument}'s dividend failed: {message}",
        inputs={"code": code, "dividend_id": dividend.id, "step": due.step.value},
        outputs={},
    )
    work.events.append([NewEvent("alert_raised", "dividend", dividend.id, None, data, work.now)])


def recent(today: date, days: int) -> date:
    """First ex-date of the short look."""
    return today - timedelta(days=days)
