"""Stored daily bars for what risk measures: closes to correlate, ranges to average."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime

import numpy as np

from application.market.source_order import SOURCE_ORDER
from application.ports.candles import CandleReader, SeriesFilter
from domain.market.average_true_range import average_true_range
from domain.market.candle import CANDLE_DTYPE, Adjustment, Candles, Source, from_ms, to_ms
from domain.market.series import CandleSeries
from domain.shared.errors import Unavailable

DAILY = "1d"
CLOSES_USED = 61
BARS_USED = 250


class DailyBars:
    """Reads stored `1d` series only, the preferred source first; synthetic ones never."""

    def __init__(self, candles: CandleReader) -> None:
        self._candles = candles

    def closes(
        self, instruments: Collection[str], before: datetime
    ) -> Mapping[str, Mapping[date, float]]:
        """The newest closes visible at the instant, by instrument and day; one inventory read."""
        best: dict[str, CandleSeries] = {}
        for series in self._preferred_last(SeriesFilter(interval=DAILY)):
            if series.key.instrument in instruments:
                best[series.key.instrument] = series
        return {
            name: {
                from_ms(int(row["open_time"])).astimezone(UTC).date(): float(row["close"])
                for row in self._latest(series, before, CLOSES_USED)
            }
            for name, series in best.items()
        }

    def average_true_range(self, instrument: str, before: datetime) -> float | None:
        """ATR(14, Wilder) of the bars that had closed; null without enough of them."""
        found = None
        for series in self._preferred_last(SeriesFilter(instrument=instrument, interval=DAILY)):
            rows = self._latest(series, before, BARS_USED)
            found = average_true_range(rows["high"], rows["low"], rows["close"]) or found
        return found

    def _preferred_last(self, where: SeriesFilter) -> list[CandleSeries]:
        usable = [
            series
            for series in self._candles.series(where)
            if series.key.source in SOURCE_ORDER and series.key.adjustment != Adjustment.TOTAL
        ]
        return sorted(usable, key=lambda s: -SOURCE_ORDER.index(Source(s.key.source)))

    def _latest(self, series: CandleSeries, before: datetime, count: int) -> Candles:
        try:
            return self._candles.latest(series.key.id, to_ms(before), count)
        except Unavailable:
            # A quarantined file is missing history, not a reason to refuse a trade.
            return np.empty(0, dtype=CANDLE_DTYPE)
