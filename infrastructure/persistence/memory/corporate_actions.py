"""Dividends, entitlements and splits in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from application.context import RequestContext
from application.ports.corporate_actions import AppliedSplit
from application.ports.repositories import Page
from domain.portfolio.dividend import Dividend, Entitlement
from domain.portfolio.split import Split
from domain.shared.errors import Defect, NotFound
from infrastructure.persistence.memory.tables import Owned, Tables, page_of


class MemoryDividends:
    """`Dividends` in memory."""

    def __init__(self, tables: Tables, context: RequestContext) -> None:
        self._rows = tables.dividends
        self._entitlements = tables.entitlements
        self._owner_id = context.owner_id

    def get(self, dividend_id: str) -> Dividend:
        return self._row(dividend_id).value

    def find(self, instrument: str, ex_date: date, kind: str) -> Dividend | None:
        for dividend in self._live():
            found = (dividend.instrument, dividend.ex_date, dividend.kind.value)
            if found == (instrument, ex_date, kind):
                return dividend
        return None

    def add(self, dividend: Dividend) -> None:
        if self.find(dividend.instrument, dividend.ex_date, dividend.kind.value) is not None:
            raise Defect("duplicate_key", "This dividend is announced already.")
        self._rows.add(dividend.id, Owned(self._owner_id, dividend))

    def mark_cancelled(self, dividend_id: str) -> None:
        self._rows.put(dividend_id, replace(self._row(dividend_id), is_cancelled=True))

    def is_cancelled(self, dividend_id: str) -> bool:
        row = self._rows.get(dividend_id)
        return row is not None and row.owner_id == self._owner_id and row.is_cancelled

    def list(
        self, page: Page, *, instrument: str | None = None, ex_date_from: date | None = None
    ) -> Sequence[Dividend]:
        rows = (
            d
            for d in self._live()
            if instrument in (None, d.instrument)
            and (ex_date_from is None or d.ex_date >= ex_date_from)
        )
        return page_of(rows, lambda dividend: dividend.id, page)

    def entitlements(self, dividend_id: str) -> Sequence[Entitlement]:
        return self._entitled(
            e for e in self._entitlements.values() if e.dividend_id == dividend_id
        )

    def entitlements_of(self, position_id: str) -> Sequence[Entitlement]:
        return self._entitled(
            e for e in self._entitlements.values() if e.position_id == position_id
        )

    def add_entitlement(self, entitlement: Entitlement) -> None:
        for other in self.entitlements(entitlement.dividend_id):
            if other.position_id == entitlement.position_id:
                raise Defect("duplicate_key", "This position is entitled already.")
        self._entitlements.add(entitlement.id, entitlement)

    def save_entitlement(self, entitlement: Entitlement) -> None:
        self._entitlements.put(entitlement.id, entitlement)

    def _row(self, dividend_id: str) -> Owned[Dividend]:
        row = self._rows.get(dividend_id)
        if row is None or row.owner_id != self._owner_id:
            raise NotFound("dividend_not_found", f"No dividend {dividend_id}.")
        return row

    def _live(self) -> Iterable[Dividend]:
        for row in self._rows.values():
            if row.owner_id == self._owner_id and not row.is_cancelled:
                yield row.value

    @staticmethod
    def _entitled(rows: Iterable[Entitlement]) -> Sequence[Entitlement]:
        return sorted(rows, key=lambda entitlement: entitlement.id)


class MemorySplits:
    """`Splits` in memory."""

    def __init__(self, tables: Tables, context: RequestContext) -> None:
        self._rows = tables.splits
        self._applied = tables.applied_splits
        self._owner_id = context.owner_id

    def get(self, split_id: str) -> Split:
        row = self._rows.get(split_id)
        if row is None or row.owner_id != self._owner_id:
            raise NotFound("split_not_found", f"No split {split_id}.")
        return row.value

    def find(self, instrument: str, ex_date: date) -> Split | None:
        for split in self._mine():
            if (split.instrument, split.ex_date) == (instrument, ex_date):
                return split
        return None

    def add(self, split: Split) -> None:
        if self.find(split.instrument, split.ex_date) is not None:
            raise Defect("duplicate_key", "This split is announced already.")
        self._rows.add(split.id, Owned(self._owner_id, split))

    def list(self, page: Page, *, instrument: str | None = None) -> Sequence[Split]:
        rows = (s for s in self._mine() if instrument in (None, s.instrument))
        return page_of(rows, lambda split: split.id, page)

    def applied_to_position(self, position_id: str) -> Sequence[AppliedSplit]:
        applied = []
        for (split_id, applied_to), at in self._applied.items():
            row = self._rows.get(split_id)
            if applied_to == position_id and row is not None:
                applied.append(AppliedSplit(split_id, row.value.ratio, at))
        return sorted(applied, key=lambda item: item.at)

    def mark_applied(self, split_id: str, position_id: str, at: datetime) -> bool:
        if self._applied.get((split_id, position_id)) is not None:
            return False
        self._applied.add((split_id, position_id), at)
        return True

    def _mine(self) -> Iterable[Split]:
        return (row.value for row in self._rows.values() if row.owner_id == self._owner_id)
