"""Breadth out of delimited text: good rows are stored as imported, bad ones are named."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from application.context import RequestContext
from application.market.record_market_state import RecordMarketState
from application.market.session_calendar import SessionCalendar
from application.ports.unit_of_work import Store
from domain.market.breadth_csv import BreadthLine, BreadthSpec, parse_breadth
from domain.market.import_report import RowError, capped_errors
from domain.market.market_sources import StateSource
from domain.market.market_state import StateOffer

ROWS_PER_COMMAND = 500


@dataclass(frozen=True, slots=True)
class BreadthImport:
    """What became of a file. `errors` is capped at 500 rows; `errors_omitted` counts the rest."""

    rows_read: int
    rows_stored: int
    inserted: int
    revised: int
    unchanged: int
    first: date | None
    last: date | None
    errors: tuple[RowError, ...]
    errors_omitted: int

    def as_document(self) -> dict[str, object]:
        """JSON values."""
        return {
            **asdict(self),
            "first": None if self.first is None else str(self.first),
            "last": None if self.last is None else str(self.last),
            "errors": [asdict(error) for error in self.errors],
        }


class ImportBreadth:
    """Invalid `import_invalid` for text that names no columns; nothing is written then."""

    def __init__(self, store: Store, sessions: SessionCalendar) -> None:
        self._store = store
        self._sessions = sessions
        self._record = RecordMarketState(sessions)

    def __call__(
        self,
        lines: Iterable[str],
        spec: BreadthSpec,
        now: datetime,
        context: RequestContext,
        report_progress: Callable[[int, int], None],
    ) -> BreadthImport:
        """Store the good rows, oldest first."""
        parsed = parse_breadth(lines, spec, now.date())
        errors = list(parsed.errors)
        good = self._on_sessions(parsed.rows, now, errors)
        inserted = revised = unchanged = 0
        for start in range(0, len(good), ROWS_PER_COMMAND):
            offers = [
                StateOffer(row.day, StateSource.IMPORTED, dict(row.values))
                for row in good[start : start + ROWS_PER_COMMAND]
            ]
            done = self._store.command(
                lambda work, batch=offers: self._record(batch, work),  # type: ignore[misc]
                context,
            ).result()
            inserted, revised = inserted + done.inserted, revised + done.revised
            unchanged += done.unchanged
            report_progress(start + len(offers), len(good))
        shown, omitted = capped_errors(errors)
        return BreadthImport(
            rows_read=parsed.rows_read,
            rows_stored=len(good),
            inserted=inserted,
            revised=revised,
            unchanged=unchanged,
            first=good[0].day if good else None,
            last=good[-1].day if good else None,
            errors=shown,
            errors_omitted=omitted,
        )

    def _on_sessions(
        self, rows: Sequence[BreadthLine], now: datetime, errors: list[RowError]
    ) -> list[BreadthLine]:
        """Rows whose day is a session that has begun; the others are named."""
        calendar = self._sessions()
        today = self._sessions.now(now)
        good = []
        for row in rows:
            is_known = calendar.first_day <= row.day <= calendar.last_day
            if not is_known or not calendar.is_session(row.day):
                errors.append(
                    RowError(row.line, "date", "not_a_session", "No trading on that day.")
                )
            elif row.day > today:
                errors.append(
                    RowError(row.line, "date", "future_session", "The session has not begun.")
                )
            else:
                good.append(row)
        return good
