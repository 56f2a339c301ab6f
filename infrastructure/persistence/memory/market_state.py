"""The market's state, its regime's changes and their settings in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from domain.market.market_state import MarketStateRow
from domain.market.regime_history import RegimeChange
from domain.market.regime_settings import RegimeSettings
from domain.shared.errors import Defect, StaleVersion
from infrastructure.persistence.memory.tables import Tables

_THE_MARKET = "market"


class MemoryMarketState:
    """`MarketStateRepository` in memory."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.market_state
        self._replaced = tables.market_state_revisions
        self._changes = tables.regime_changes

    def find(self, session: date) -> MarketStateRow | None:
        return self._rows.get(session)

    def between(self, start: date, end: date) -> Sequence[MarketStateRow]:
        return [row for row in self._ascending() if start <= row.session <= end]

    def before(self, session: date, count: int) -> Sequence[MarketStateRow]:
        earlier = [row for row in self._ascending() if row.session < session]
        return earlier[-count:] if count else []

    def newest_at(self, instant: datetime, until: date) -> MarketStateRow | None:
        visible = (r for r in self._ascending() if r.visible_at <= instant and r.session <= until)
        return max(visible, key=lambda row: row.session, default=None)

    def put(self, rows: Sequence[MarketStateRow]) -> None:
        for row in rows:
            stored = self._rows.get(row.session)
            before = 0 if stored is None else stored.revision
            if row.revision - before not in (0, 1):
                raise StaleVersion("stale_version", f"The row of {row.session} changed meanwhile.")
            if stored is not None and row.revision == before + 1:
                self._replaced.add((row.session, before), replace(stored, label=None))
            self._rows.put(row.session, row)

    def revisions(self, session: date) -> Sequence[MarketStateRow]:
        keys = sorted(key for key, _ in self._replaced.items() if key[0] == session)
        return [row for key in keys if (row := self._replaced.get(key)) is not None]

    def restate_changes(self, since: date, changes: Sequence[RegimeChange]) -> None:
        for day in [day for day, _ in self._changes.items() if day >= since]:
            self._changes.drop(day)
        for change in changes:
            self._changes.add(change.as_of, change)

    def changes(self, start: date, end: date) -> Sequence[RegimeChange]:
        found = (change for change in self._changes.values() if start <= change.as_of <= end)
        return sorted(found, key=lambda change: change.as_of)

    def last_change(self, until: date) -> RegimeChange | None:
        found = self.changes(date.min, until)
        return found[-1] if found else None

    def _ascending(self) -> list[MarketStateRow]:
        return sorted(self._rows.values(), key=lambda row: row.session)


class MemoryRegimeSettings:
    """`RegimeSettingsBook` in memory."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.regime_settings

    def read(self) -> RegimeSettings:
        return self._rows.get(_THE_MARKET) or RegimeSettings()

    def save(self, settings: RegimeSettings) -> None:
        if settings.updated_at is None:
            raise Defect("settings_unchanged", "Settings are saved with the time of their change.")
        if settings.version != self.read().version + 1:
            raise StaleVersion("stale_version", "The regime settings changed meanwhile.")
        self._rows.put(_THE_MARKET, settings.own)
