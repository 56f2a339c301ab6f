"""Trading calendars by name."""

from collections.abc import Sequence
from typing import Protocol

from domain.market.trading_calendar import TradingCalendar


class CalendarTables(Protocol):
    """Thread-safe; tables are loaded once and read as arrays."""

    def names(self) -> Sequence[str]:
        """Calendars that can be asked now, `24/7` and `24/5` always among them."""
        ...

    def calendar(self, name: str) -> TradingCalendar:
        """NotFound `unknown_calendar` when there is no table of that name."""
        ...
