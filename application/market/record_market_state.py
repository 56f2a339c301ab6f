"""Write numbers of the market's state: merged by source, labelled in order, changes announced.

Whatever brings numbers comes through here, so a label never depends on who was asked last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from application.market.regime_settings import regime_settings
from application.market.session_calendar import SessionCalendar
from application.ports.unit_of_work import UnitOfWork
from domain.market.market_state import (
    PREVIOUS_SESSIONS_MAX,
    MarketStateRow,
    StateOffer,
    is_stale,
    labelled,
    merged,
    require_same_vix,
)
from domain.market.regime_history import RegimeChange, regime_changes
from domain.market.trading_calendar import TradingCalendar
from domain.market.vix_regime import VixRules
from domain.shared.events import NewEvent, explained

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecordedState:
    """What became of the offers; `rows` are those offered, ascending, as they are stored now."""

    rows: tuple[MarketStateRow, ...] = ()
    inserted: int = 0
    revised: int = 0
    unchanged: int = 0


class RecordMarketState:
    """Invalid `not_a_session`, `future_session`, `vix_source_mismatch`: nothing is written then.

    Labels after a changed session are read again, with the settings of now, until hysteresis is
    where it was. A forced regime labels only the current session and the one before.
    """

    def __init__(self, sessions: SessionCalendar) -> None:
        self._sessions = sessions

    def __call__(self, offers: Sequence[StateOffer], work: UnitOfWork) -> RecordedState:
        """Merge one offer per session."""
        if not offers:
            return RecordedState()
        calendar = self._sessions()
        chain = _Chain.since(min(offer.session for offer in offers), work, calendar)
        changed: dict[date, MarketStateRow] = {}
        for offer in offers:
            stored = chain.stored.get(offer.session)
            row = merged(stored, offer, calendar, work.now)
            if row is not None and row is not stored:
                changed[offer.session] = row
        inserted = sum(session not in chain.stored for session in changed)
        if changed:
            self._store(chain, changed, work)
            work.events.append([_recorded(offers, changed, work)])
        kept = {**chain.stored, **chain.labelled}
        return RecordedState(
            rows=tuple(kept[s] for s in sorted({o.session for o in offers}) if s in kept),
            inserted=inserted,
            revised=len(changed) - inserted,
            unchanged=len(offers) - len(changed),
        )

    def relabel_newest(self, work: UnitOfWork) -> None:
        """Read the newest row again after the settings changed; a stale one stays as it is."""
        if work.market_state.newest_at(work.now, date.max) is None:
            return  # Settings may be changed before the table of sessions is there.
        calendar = self._sessions()
        today = self._sessions.now(work.now)
        found = work.market_state.newest_at(work.now, today)
        if found is not None and not is_stale(found, today, calendar):
            self._store(_Chain.since(found.session, work, calendar), {found.session: found}, work)

    def _store(
        self, chain: "_Chain", changed: Mapping[date, MarketStateRow], work: UnitOfWork
    ) -> None:
        before = work.market_state.last_change(date.max)
        settings = regime_settings(work)
        today = self._sessions.now(work.now)
        chain.relabel(changed, settings.rules(), today)
        work.market_state.put(chain.touched)
        since = min(changed)
        known = {change.as_of: change for change in work.market_state.changes(since, date.max)}
        found = regime_changes(
            chain.rows_from(since), chain.rows_before(since), settings.profile, chain.calendar
        )
        changes = [_as_known(change, known) for change in found]
        newest = chain.all_rows[max(chain.all_rows)]
        after = changes[-1] if changes else work.market_state.last_change(since - DAY)
        is_news = after is not None and _is_news(before, after)
        if after is not None and is_news and not is_stale(newest, today, chain.calendar):
            changes = [change for change in changes if change.as_of < after.as_of]
            changes.append(replace(after, is_announced=True))
            work.events.append([_changed(after, work)])
            since = min(since, after.as_of)
        work.market_state.restate_changes(since, changes)


@dataclass(slots=True)
class _Chain:
    """Rows from a session on, and the few before it that hysteresis remembers."""

    calendar: TradingCalendar
    lead: list[MarketStateRow]
    stored: dict[date, MarketStateRow]
    labelled: dict[date, MarketStateRow]

    @classmethod
    def since(cls, session: date, work: UnitOfWork, calendar: TradingCalendar) -> "_Chain":
        lead = work.market_state.before(session, PREVIOUS_SESSIONS_MAX)
        rows = work.market_state.between(session, date.max)
        return cls(calendar, list(lead), {row.session: row for row in rows}, {})

    @property
    def all_rows(self) -> dict[date, MarketStateRow]:
        """What is stored once the command is through."""
        return {**self.stored, **self.labelled}

    @property
    def touched(self) -> list[MarketStateRow]:
        """Rows to write: new, revised, or with another label."""
        return [row for day, row in self.labelled.items() if row is not self.stored.get(day)]

    def rows_from(self, session: date) -> list[MarketStateRow]:
        """Ascending."""
        rows = self.all_rows
        return [rows[day] for day in sorted(rows) if day >= session]

    def rows_before(self, session: date) -> list[MarketStateRow]:
        """Ascending, with the rows that lead up to the chain."""
        rows = self.all_rows
        return [*self.lead, *(rows[day] for day in sorted(rows) if day < session)]

    def relabel(self, changed: Mapping[date, MarketStateRow], rules: VixRules, today: date) -> None:
        """Label the changed rows, and those after them while hysteresis differs from before."""
        calm = replace(rules, force_regime=None)
        pending = {**self.stored, **changed}
        days = sorted(pending)
        known = list(self.lead)
        is_moved = False
        for index, day in enumerate(days):
            row = pending[day]
            if day in changed or is_moved:
                own = calm if is_stale(row, today, self.calendar) else rules
                (row,) = labelled([row], known[-PREVIOUS_SESSIONS_MAX:], own, self.calendar)
                if day in changed:
                    near = [pending[d] for d in days[max(0, index - 5) : index + 6]]
                    require_same_vix(row, [*self.lead, *near], self.calendar)
                    is_moved = True
                elif row.label is not None and _held(row) == _held(pending[day]):
                    row, is_moved = pending[day], False
                self.labelled[day] = row
            known.append(row)


def _held(row: MarketStateRow) -> object:
    return None if row.label is None else row.label.held


def _as_known(change: RegimeChange, known: Mapping[date, RegimeChange]) -> RegimeChange:
    """A change that was stored already stays as it was read then."""
    before = known.get(change.as_of)
    if before is None or before.label != change.label:
        return change
    if (before.previous_label, before.inputs) == (change.previous_label, change.inputs):
        return before
    return replace(change, is_announced=before.is_announced)


def _is_news(before: RegimeChange | None, after: RegimeChange) -> bool:
    """The current label was not told yet, or another one was current a moment ago."""
    return not after.is_announced or (before is not None and before.label != after.label)


def _recorded(
    offers: Sequence[StateOffer], changed: Mapping[date, MarketStateRow], work: UnitOfWork
) -> NewEvent:
    source = offers[0].source
    first, last = min(changed), max(changed)
    newest = changed[last]
    data = explained(
        f"{source.value} numbers changed {len(changed)} session(s), the newest {last}.",
        inputs={"source": source.value, "sessions_offered": len(offers)},
        outputs={
            "sessions": len(changed),
            "first": str(first),
            "last": str(last),
            "values": dict(newest.values),
            "revision": newest.revision,
        },
    )
    return NewEvent("market_state_recorded", "market_state", "market_state", None, data, work.now)


def _changed(change: RegimeChange, work: UnitOfWork) -> NewEvent:
    before = change.previous_label or "unknown"
    data = explained(
        f"The regime of the market went from {before} to {change.label}.",
        inputs={**change.inputs, "profile": change.profile, "source": change.source},
        outputs={
            "taxonomy": change.taxonomy,
            "scope": change.scope,
            "label": change.label,
            "previous_label": change.previous_label,
            "stress_level": change.stress_level,
            "confidence": change.confidence,
            "shifted_by": change.shifted_by,
            "as_of": str(change.as_of),
        },
    )
    return NewEvent("regime_changed", "regime", "regime_market", None, data, work.now)
