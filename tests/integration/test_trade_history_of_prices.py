"""Stored daily bars behind a trade: the true range it opens with, and what it moves with."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import numpy as np
import pytest

from application.market.daily_bars import DailyBars
from application.portfolio.open_regime_position import NewTrade, OpenedTrade
from application.portfolio.trade_market import MarketNumbers
from application.ports.candles import SeriesFacts
from domain.market.candle import Candles, SeriesKey, candles_from
from domain.market.merging import OnConflict
from domain.plans.exit_levels import TrueRangeSource
from domain.risk.sizing import Cap, SizingWarning
from infrastructure.market_data.array_mirror import MirrorReader
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.market_data.parquet_store import ParquetCandleStore
from tests.support.market import calendar_folder, xnys
from tests.support.portfolio import OWNER, START
from tests.support.trade_book import TradeBook, trade_book

SESSIONS = list(xnys().sessions(date(2025, 8, 1), date(2026, 1, 5)))[-80:]
MOVES = np.random.default_rng(11).normal(0, 0.01, (3, 80))


def daily(moves: np.ndarray) -> Candles:
    """Bars whose range is 2 % of the close; none gaps."""
    closes = 100 * np.cumprod(1 + moves)
    return candles_from(
        {
            "open_time": np.array([int(s.opens_at.timestamp() * 1000) for s in SESSIONS]),
            "close_time": np.array([int(s.closes_at.timestamp() * 1000) for s in SESSIONS]),
            "open": closes,
            "high": closes * 1.01,
            "low": closes * 0.99,
            "close": closes,
        }
    )


@pytest.fixture
def book(tmp_path: Path) -> Iterator[TradeBook]:
    with trade_book(tmp_path) as made:
        candles = ParquetCandleStore(tmp_path, made.store, ArrayCalendars(calendar_folder()))
        for name, moves in (
            ("AAA", MOVES[0]),
            ("BBB", MOVES[0] + 0.1 * MOVES[1]),
            ("CCC", MOVES[2]),
        ):
            key = SeriesKey("imported", name, "1d", "raw")
            candles.merge(key, daily(moves), SeriesFacts("XNYS", START), OnConflict.REPLACE)
        yield made


def opened(book: TradeBook, symbol: str, true_range: D | None = None) -> OpenedTrade:
    new = NewTrade(symbol, D(100), MarketNumbers(D(18)), true_range, D("0.2"))
    return book.store.command(lambda work: book.opening(new, work), OWNER).result()


def test_the_true_range_comes_from_stored_bars_before_the_entry(
    book: TradeBook, tmp_path: Path
) -> None:
    rows = daily(MOVES[0])
    high, low, close = rows["high"], rows["low"], rows["close"]
    ranges = [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        for i in range(1, len(rows))
    ]
    expected = sum(ranges[:14]) / 14
    for true_range in ranges[14:]:
        expected = (13 * expected + true_range) / 14
    plan = opened(book, "AAA").plan
    assert plan.true_range_source is TrueRangeSource.ATR
    assert float(plan.true_range) == pytest.approx(expected, abs=1e-8)
    bars = DailyBars(MirrorReader(tmp_path, book.store))
    assert bars.average_true_range("AAA", SESSIONS[13].closes_at) is None, "15 bars are needed"
    assert bars.average_true_range("AAA", SESSIONS[14].closes_at) is not None
    unknown = opened(book, "DDD")
    assert unknown.plan.true_range_source is TrueRangeSource.DEFAULT
    assert unknown.warnings == ("true_range_defaulted",)


def test_what_moves_together_shares_one_budget(book: TradeBook) -> None:
    def room(trade: OpenedTrade) -> D:
        return next(c.quantity for c in trade.size.caps if c.name is Cap.MAX_CORRELATION_EXPOSURE)

    first = opened(book, "AAA", D(2))
    assert room(first) == 1250, "10 % of 100000 over R = 8"
    stranger = opened(book, "CCC", D(2))
    assert (room(stranger), stranger.size.warnings) == (1250, ())
    second = opened(book, "BBB", D(2))
    assert second.size.warnings == ()
    assert room(second) == 1250 - first.size.quantity
    unknown = opened(book, "DDD", D(2))
    assert room(unknown) == 1250
    assert unknown.size.warnings == (SizingWarning.CORRELATION_UNKNOWN,)
