"""Stored candles as price events: a bar is visible only at its close."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from application.market.newest_close import exact_price
from application.ports.candles import CandleReader
from domain.market.candle import Candles, from_ms, to_ms
from domain.market.price_event import PriceBar
from domain.market.series import CandleSeries
from domain.portfolio.simulation_run import Replay

# A command of so many bars keeps nobody else waiting long; a turn gives several.
BARS_AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class DueBars:
    """Bars whose close the replay has reached, and where it stands after them."""

    bars: tuple[PriceBar, ...]
    replay: Replay


class ReplayBars:
    """Reads what is due, so many bars at once; the rest comes when asked again."""

    def __init__(self, candles: CandleReader) -> None:
        self._candles = candles

    def due(self, replay: Replay, now: datetime) -> DueBars:
        """NotFound `unknown_series` when the dataset was removed."""
        series = self._candles.describe(replay.dataset)
        stands_at = replay.stands_at(now, series.last_close)
        rows = self._candles.read(
            series.key.id, to_ms(replay.played_to), to_ms(stands_at) + 1, BARS_AT_ONCE
        )
        visible = rows[rows["close_time"] <= to_ms(stands_at)]
        bars = tuple(_bar(series, visible, index) for index in range(len(visible)))
        played_to = bars[-1].closes_at if bars else replay.played_to
        ended = played_to >= series.last_close
        return DueBars(bars, replace(replay, played_to=played_to, ended=ended))


def _bar(series: CandleSeries, rows: Candles, index: int) -> PriceBar:
    row = rows[index]

    def price(name: str) -> Decimal:
        return exact_price(float(row[name]), series.price_scale)

    return PriceBar(
        instrument=series.key.instrument,
        opens_at=from_ms(int(row["open_time"])),
        closes_at=from_ms(int(row["close_time"])),
        source=f"replay:{series.key.id}",
        open=price("open"),
        high=price("high"),
        low=price("low"),
        close=price("close"),
    )
