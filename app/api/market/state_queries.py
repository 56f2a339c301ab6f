"""Query parameters of the market's state: a range of sessions, a taxonomy."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query

from app.api.wire import Day
from application.market.market_state_queries import SessionRange, require_taxonomy
from application.ports.unit_of_work import UnitOfWork

YEAR = timedelta(days=365)


class Days:
    """start <= session <= end; by default the year up to today."""

    def __init__(
        self,
        start: Annotated[Day | None, Query(description="Default: a year before end.")] = None,
        end: Annotated[Day | None, Query(description="Default: today.")] = None,
    ) -> None:
        self.start = start
        self.end = end

    def of(self, work: UnitOfWork) -> SessionRange:
        """The range; Invalid `invalid_range`."""
        end = self.end or work.now.date()
        return SessionRange(self.start or end - YEAR, end)


class RegimeScope:
    """Which labels; stored ones are of the taxonomy `vix_regime`, of the whole market."""

    def __init__(self, taxonomy: Annotated[str, Query(max_length=32)] = "vix_regime") -> None:
        require_taxonomy(taxonomy)
