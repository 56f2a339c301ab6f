"""The market's state and its regime as readers see them: newest, by range, with their age."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from application.market.session_calendar import SessionCalendar
from application.ports.candles import CandleReader, SeriesFilter
from application.ports.unit_of_work import UnitOfWork
from domain.market.candle import Source
from domain.market.market_state import (
    FRESH_SESSIONS_MAX,
    MarketStateRow,
)
from domain.market.regime_history import RegimeChange, reading, stretches
from domain.market.regime_reading import (
    PricePath,
    RegimeReading,
    Segment,
    Taxonomy,
    Transitions,
    segments,
    transitions,
)
from domain.market.trading_calendar import DAY_MS
from domain.shared.errors import Invalid, NotFound

SESSIONS_MAX = 10_000
PRICE_OF_THE_MARKET = "SPX"


@dataclass(frozen=True, slots=True)
class AgedRow:
    """A row, how many sessions old it is, and whether that is too old to act on."""

    row: MarketStateRow
    age_sessions: int
    is_stale: bool


@dataclass(frozen=True, slots=True)
class SessionRange:
    """start <= session <= end."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise Invalid("invalid_range", "start must not lie after end.")


def require_taxonomy(name: str) -> None:
    """Invalid `unknown_taxonomy` for anything but `vix_regime`: no other is measured here."""
    if name != Taxonomy.VIX_REGIME:
        raise Invalid(
            "unknown_taxonomy",
            f"Stored readings are of the taxonomy {Taxonomy.VIX_REGIME.value}.",
            context={"known": [Taxonomy.VIX_REGIME.value]},
        )


class MarketStateQueries:
    """NotFound `no_market_state` where nothing is stored."""

    def __init__(self, sessions: SessionCalendar, candles: CandleReader) -> None:
        self._sessions = sessions
        self._candles = candles

    def current(self, work: UnitOfWork) -> AgedRow:
        """The newest row that is visible now."""
        today = self._sessions.now(work.now)
        row = work.market_state.newest_at(work.now, today)
        if row is None:
            raise _nothing()
        age = self._sessions().sessions_between(row.session, today)
        return AgedRow(row, age, age > FRESH_SESSIONS_MAX)

    def rows(self, wanted: SessionRange, work: UnitOfWork) -> Sequence[MarketStateRow]:
        """Visible rows of the range, ascending. Invalid `range_too_large` over 10,000."""
        found = work.market_state.between(wanted.start, wanted.end)
        if len(found) > SESSIONS_MAX:
            raise Invalid("range_too_large", "The range holds more than 10,000 rows.")
        return [row for row in found if row.visible_at <= work.now]

    def regime(self, work: UnitOfWork) -> RegimeReading:
        """The reading of the newest visible row that has a VIX; `stale` when it is too old."""
        calendar = self._sessions()
        today = self._sessions.now(work.now)
        newest = work.market_state.newest_at(work.now, today)
        rows = [] if newest is None else [*work.market_state.before(newest.session, 5), newest]
        row = next((r for r in reversed(rows) if r.label is not None), None)
        change = None if row is None else work.market_state.last_change(row.session)
        if row is None or row.label is None or change is None:
            raise _nothing()
        since = work.market_state.between(change.as_of, row.session)
        bars = sum(r.label is not None for r in since)
        read = reading(row, row.label, change, bars)
        age = calendar.sessions_between(row.session, today)
        return read if age <= FRESH_SESSIONS_MAX else read.stale(age)

    def changes(self, wanted: SessionRange, work: UnitOfWork) -> Sequence[RegimeChange]:
        """Changes of the range, ascending."""
        return work.market_state.changes(wanted.start, wanted.end)

    def segments(self, wanted: SessionRange, work: UnitOfWork) -> list[Segment]:
        """Unbroken runs of one label in the range, with the index's figures where it is stored."""
        calendar = self._sessions()
        parts = stretches(self.rows(wanted, work), calendar)
        found = [segment for part in parts for segment in segments(part)]
        prices = self._prices()
        if prices is None:
            return found
        return [
            prices.measured(segment, calendar.add_sessions(segment.start, -1))
            if segment.start > calendar.first_day
            else segment
            for segment in found
        ]

    def transitions(self, wanted: SessionRange, work: UnitOfWork) -> Transitions:
        """How often which label followed which in the range."""
        return transitions(stretches(self.rows(wanted, work), self._sessions()))

    def _prices(self) -> PricePath | None:
        """Daily closes of the index, all of one series: imported, else bundled."""
        for source in (Source.IMPORTED, Source.BUNDLED):
            where = SeriesFilter(PRICE_OF_THE_MARKET, source, "1d", "raw")
            found = self._candles.series(where)
            if found:
                rows = self._candles.read(found[0].key.id, 0, 2**62)
                return PricePath(rows["open_time"] // DAY_MS, rows["close"])
        return None


def _nothing() -> NotFound:
    return NotFound("no_market_state", "No state of the market is stored yet.")
