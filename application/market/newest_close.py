"""The newest stored close of an instrument that was visible at an instant."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from application.market.source_order import SOURCE_ORDER
from application.ports.candles import CandleReader, SeriesFilter
from domain.market.candle import Adjustment, Source, from_ms, to_ms
from domain.market.series import CandleSeries
from domain.market.timeframe import timeframe
from domain.shared.errors import Unavailable


@dataclass(frozen=True, slots=True)
class ClosePrice:
    """A close, when its bar was complete, whose it is, and how old it is at the asked instant."""

    price: Decimal
    as_of: datetime
    series_id: str
    age_s: Decimal


class NewestClose:
    """Newest `close_time + publication delay <= as_of` over every series of the instrument.

    Synthetic series and prices with dividends taken out are never used. At equal times the source
    order, then the longer interval decides. None when nothing was visible.
    """

    def __init__(self, candles: CandleReader) -> None:
        self._candles = candles

    def __call__(self, instrument: str, as_of: datetime) -> ClosePrice | None:
        found = [
            close
            for series in self._usable(instrument)
            if (close := self._newest(series, as_of)) is not None
        ]
        return max(found, key=lambda close: close.as_of) if found else None

    def _usable(self, instrument: str) -> list[CandleSeries]:
        usable = [
            series
            for series in self._candles.series(SeriesFilter(instrument=instrument))
            if series.key.source in SOURCE_ORDER and series.key.adjustment != Adjustment.TOTAL
        ]
        # max() keeps the first of equals, so the preferred series comes first.
        return sorted(
            usable,
            key=lambda series: (
                SOURCE_ORDER.index(Source(series.key.source)),
                -timeframe(series.key.interval).nominal_minutes,
            ),
        )

    def _newest(self, series: CandleSeries, as_of: datetime) -> ClosePrice | None:
        visible = as_of - timedelta(seconds=series.publication_delay_s)
        try:
            rows = self._candles.latest(series.key.id, to_ms(visible), 1)
        except Unavailable:
            # A quarantined file must not hide what other series know.
            return None
        if not len(rows):
            return None
        at = from_ms(rows["close_time"][0])
        age = Decimal(int((as_of - at) / timedelta(milliseconds=1))) / 1000
        return ClosePrice(
            exact_price(float(rows["close"][0]), series.price_scale), at, series.key.id, age
        )


def exact_price(price: float, scale: int) -> Decimal:
    """The decimal a stored price stands for: its shortest text, at most `scale` decimals."""
    return Decimal(repr(price)).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_EVEN)
