"""The market's state per session, the history of its regime, and what both are read with.

Shared by all owners: there is one market.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from domain.market.market_state import MarketStateRow
from domain.market.regime_history import RegimeChange
from domain.market.regime_settings import RegimeSettings


class MarketStateRepository(Protocol):
    """Rows by session. Lists are ascending by session."""

    def find(self, session: date) -> MarketStateRow | None: ...
    def between(self, start: date, end: date) -> Sequence[MarketStateRow]:
        """Rows with start <= session <= end."""
        ...

    def before(self, session: date, count: int) -> Sequence[MarketStateRow]:
        """The newest `count` rows of earlier sessions."""
        ...

    def newest_at(self, instant: datetime, until: date) -> MarketStateRow | None:
        """The newest row with `visible_at` <= instant and session <= until."""
        ...

    def put(self, rows: Sequence[MarketStateRow]) -> None:
        """Insert or replace. A row that is replaced by one of the next revision stays readable as a
        revision; one of the same revision only gets its label. StaleVersion `stale_version` when
        the stored revision is neither."""
        ...

    def revisions(self, session: date) -> Sequence[MarketStateRow]:
        """Rows that were replaced, oldest first; labels are not kept."""
        ...

    def restate_changes(self, since: date, changes: Sequence[RegimeChange]) -> None:
        """Forget the changes from `since` on and keep these instead."""
        ...

    def changes(self, start: date, end: date) -> Sequence[RegimeChange]:
        """Changes with start <= as_of <= end."""
        ...

    def last_change(self, until: date) -> RegimeChange | None:
        """The newest change with as_of <= until."""
        ...


class RegimeSettingsBook(Protocol):
    """The one settings document of regimes and breadth, without `profile` and `force_regime`,
    which the configuration holds: they are not saved, and read as their defaults.
    """

    def read(self) -> RegimeSettings:
        """The defaults, at version 1, until somebody changed them."""
        ...

    def save(self, settings: RegimeSettings) -> None:
        """Replace the predecessor version. StaleVersion `stale_version` otherwise."""
        ...
