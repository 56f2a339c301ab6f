"""Breadth from stored daily closes: the labelled stand-in for t2108."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from application.context import RequestContext
from application.market.read_candles import CandleQuery, ReadCandles
from application.market.record_market_state import RecordMarketState
from application.market.regime_settings import regime_settings
from application.market.session_calendar import SessionCalendar
from application.ports.candles import CandleReader
from application.ports.unit_of_work import Store
from domain.market.breadth_panel import AVERAGE_SESSIONS, SYMBOLS_LEAST, pct_above_sma40
from domain.market.candle import from_ms, to_ms
from domain.market.market_sources import StateSource
from domain.market.market_state import CALENDAR, StateOffer
from domain.market.trading_calendar import Session
from domain.shared.decimals import fraction
from domain.shared.errors import Invalid, NotFound

UNIVERSE_MAX = 500
ROWS_PER_COMMAND = 500


@dataclass(frozen=True, slots=True)
class BreadthUniverse:
    """Canonical instruments, and the sessions wanted: start <= session <= end."""

    instruments: tuple[str, ...]
    start: date
    end: date

    def __post_init__(self) -> None:
        if not 1 <= len(set(self.instruments)) == len(self.instruments) <= UNIVERSE_MAX:
            raise Invalid("invalid_universe", f"A universe is 1 to {UNIVERSE_MAX} instruments.")
        if self.start > self.end:
            raise Invalid("invalid_range", "start must not lie after end.")

    def as_document(self) -> dict[str, object]:
        """JSON values, as `from_document` takes them."""
        return {
            "universe": list(self.instruments),
            "start": str(self.start),
            "end": str(self.end),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "BreadthUniverse":
        """Inverse of `as_document`."""
        names = document["universe"]
        assert isinstance(names, Sequence)
        return cls(
            tuple(str(name) for name in names),
            date.fromisoformat(str(document["start"])),
            date.fromisoformat(str(document["end"])),
        )


class ComputeBreadth:
    """Rows are stored only for sessions with at least ten symbols that have 40 closes."""

    def __init__(
        self,
        store: Store,
        candles: CandleReader,
        reads: ReadCandles,
        sessions: SessionCalendar,
    ) -> None:
        self._store = store
        self._candles = candles
        self._reads = reads
        self._sessions = sessions
        self._record = RecordMarketState(sessions)

    def __call__(
        self, wanted: BreadthUniverse, now: datetime, context: RequestContext
    ) -> dict[str, object]:
        """Store the values; how many, of which sessions, and which symbols had no daily series."""
        days = self._days(wanted, now)
        closes = np.full((len(days), len(wanted.instruments)), np.nan)
        missing = [
            name
            for column, name in enumerate(wanted.instruments)
            if not self._fill(closes[:, column], name, days)
        ]
        share, counted = pct_above_sma40(closes)
        known = [
            i for i in range(len(days)) if np.isfinite(share[i]) and days[i].day >= wanted.start
        ]
        uses = self._store.query(regime_settings, context).use_computed_breadth
        offers = [
            _offer(days[i].day, float(share[i]), int(counted[i]), is_t2108=uses) for i in known
        ]
        for start in range(0, len(offers), ROWS_PER_COMMAND):
            batch = offers[start : start + ROWS_PER_COMMAND]
            self._store.command(
                lambda work, part=batch: self._record(part, work),  # type: ignore[misc]
                context,
            ).result()
        return {
            "sessions": len(offers),
            "first": str(offers[0].session) if offers else None,
            "last": str(offers[-1].session) if offers else None,
            "universe_size_max": int(counted[known].max()) if known else 0,
            "without_series": missing,
            "reason": None if offers else f"fewer than {SYMBOLS_LEAST} symbols with 40 closes",
        }

    def _days(self, wanted: BreadthUniverse, now: datetime) -> list[Session]:
        """Closed sessions of the range, and the 39 before them that the average needs."""
        calendar = self._sessions()
        first = max(wanted.start, calendar.first_day)
        before = calendar.sessions(calendar.first_day, first)[-(AVERAGE_SESSIONS - 1) :]
        after = calendar.sessions(first, wanted.end + timedelta(days=1))
        return [*before, *(session for session in after if session.closes_at <= now)]

    def _fill(self, column: NDArray[np.float64], name: str, days: Sequence[Session]) -> bool:
        """Closes of the instrument's daily series; False without one on the same sessions."""
        if not days:
            return False
        try:
            series = self._reads.choose(CandleQuery(name, "1d"))
        except NotFound:
            return False
        if series.calendar != CALENDAR:
            return False
        start, end = to_ms(days[0].opens_at), to_ms(days[-1].closes_at)
        rows = self._candles.read(series.key.id, start, end)
        position = {session.day: i for i, session in enumerate(days)}
        for open_ms, close in zip(rows["open_time"].tolist(), rows["close"].tolist(), strict=True):
            index = position.get(from_ms(open_ms).date())
            if index is not None:
                column[index] = close
        return True


def _offer(day: date, share: float, symbols: int, *, is_t2108: bool) -> StateOffer:
    value = fraction(Decimal(repr(share)))
    values = {"pct_above_sma40": value, "universe_size": Decimal(symbols)}
    return StateOffer(day, StateSource.COMPUTED, values | ({"t2108": value} if is_t2108 else {}))
