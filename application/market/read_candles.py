"""Which stored series answers a question, the rows asked for, and whether they are out of date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.market.source_order import SOURCE_ORDER
from application.ports.calendars import CalendarTables
from application.ports.candles import CandleReader, SeriesFilter
from domain.market.candle import Candles, Source, to_ms
from domain.market.grid import grid
from domain.market.quality_report import GapPolicy, QualityReport
from domain.market.series import CandleSeries
from domain.market.timeframe import timeframe
from domain.market.trading_calendar import DAY_MS
from domain.market.validation import CheckContext, check_candles
from domain.shared.errors import Invalid, NotFound

STALE_LOOK_AHEAD_MS = 100 * DAY_MS


@dataclass(frozen=True, slots=True)
class CandleQuery:
    """Rows with start <= open < end; without `start` the newest `limit` rows before `end`."""

    instrument: str
    interval: str
    start: datetime | None = None
    end: datetime | None = None
    source: str | None = None
    adjustment: str | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class CandlePage:
    """`next_start` continues after a page that `limit` cut, null on the last."""

    series: CandleSeries
    rows: Candles
    next_start_ms: int | None
    is_stale: bool


class ReadCandles:
    """Reads stored candles; nothing is fetched."""

    def __init__(self, candles: CandleReader, calendars: CalendarTables) -> None:
        self._candles = candles
        self._calendars = calendars

    def series(self, where: SeriesFilter) -> Sequence[CandleSeries]:
        """Inventory by id."""
        return self._candles.series(where)

    def page(self, query: CandleQuery, now: datetime) -> CandlePage:
        """NotFound `no_data` when no series or no row matches; Invalid `invalid_range`."""
        _check_range(query)
        series = self.choose(query)
        end_ms = to_ms(query.end or now)
        if query.start is None:
            rows = self._candles.latest(series.key.id, end_ms, query.limit)
            following = None
        else:
            found = self._candles.read(series.key.id, to_ms(query.start), end_ms, query.limit + 1)
            rows = found[: query.limit]
            following = int(found["open_time"][-1]) if len(found) > query.limit else None
        if not len(rows):
            raise NotFound("no_data", f"{series.key.id} holds no rows in that range.")
        return CandlePage(series, rows, following, self.is_stale(series, now))

    def quality(self, query: CandleQuery, now: datetime) -> QualityReport:
        """The checker's report on the stored rows of [start, end), as a backtest would see it."""
        _check_range(query)
        series = self.choose(query)
        start = query.start or series.first_open
        end = query.end or series.last_close
        rows = self._candles.read(series.key.id, to_ms(start), to_ms(end))
        context = CheckContext(
            key=series.key,
            calendar=self._calendars.calendar(series.calendar),
            now_ms=to_ms(now),
            start_ms=to_ms(start),
            end_ms=to_ms(end),
            gap_policy=GapPolicy.REJECT,
        )
        return check_candles(rows, context).report

    def choose(self, query: CandleQuery) -> CandleSeries:
        """The series of the named source, else the first of the source order. Synthetic series
        answer only when named. Of several adjustments raw comes first, then split, then total."""
        frame = timeframe(query.interval)
        found = self._candles.series(
            SeriesFilter(query.instrument, query.source, frame.name, query.adjustment)
        )
        allowed = [
            series
            for series in found
            if query.source is not None or series.key.source in SOURCE_ORDER
        ]
        if not allowed:
            raise NotFound(
                "no_data", f"No stored series of {query.instrument} {frame.name} answers that."
            )
        adjustments = ("raw", "split", "total")
        return min(
            allowed,
            key=lambda series: (_rank(series), adjustments.index(series.key.adjustment)),
        )

    def is_stale(self, series: CandleSeries, now: datetime) -> bool:
        """True when two or more bars of the grid have closed since the last stored one."""
        calendar = self._calendars.calendar(series.calendar)
        visible = to_ms(now - timedelta(seconds=series.publication_delay_s))
        last = to_ms(series.last_close)
        until = min(visible, last + STALE_LOOK_AHEAD_MS)
        if until <= last:
            return False
        return len(grid(timeframe(series.key.interval), calendar, last, until).opens) > 1


def _rank(series: CandleSeries) -> int:
    known = series.key.source in SOURCE_ORDER
    return SOURCE_ORDER.index(Source(series.key.source)) if known else len(SOURCE_ORDER)


def _check_range(query: CandleQuery) -> None:
    if query.start is not None and query.end is not None and query.start >= query.end:
        raise Invalid("invalid_range", "start must lie before end.")
