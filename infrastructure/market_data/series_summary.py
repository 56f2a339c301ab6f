"""The inventory entry of a series after a merge, and the revisions it leaves."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan

import numpy as np

from application.ports.candles import SeriesFacts
from domain.market.candle import (
    CANDLE_DTYPE,
    Candles,
    SeriesKey,
    from_ms,
    is_among,
    price_scale,
)
from domain.market.grid import grid
from domain.market.merging import Merged, Range, difference, union
from domain.market.series import CandleSeries, Revision
from domain.market.timeframe import timeframe
from domain.market.trading_calendar import TradingCalendar


def summarised(
    key: SeriesKey,
    parts: Sequence[Candles],
    incoming: Candles,
    facts: SeriesFacts,
    before: CandleSeries | None,
    calendar: TradingCalendar,
) -> CandleSeries:
    """Entry for the series whose partitions, in order, are `parts`."""
    first = int(parts[0]["open_time"][0])
    last_row = parts[-1][-1]
    bars = sum(len(part) for part in parts)
    expected, missing = _gaps(key, parts, calendar, (first, int(last_row["close_time"])))
    covered = _runs(key, incoming, calendar) if facts.covered is None else (facts.covered,)
    known_coverage = before.coverage if before else ()
    known_empty = before.confirmed_empty if before else ()
    empty = difference(union((*known_empty, *facts.confirmed_empty)), covered)
    changes = {
        "price_scale": max(price_scale(incoming), before.price_scale if before else 0),
        "bars": bars,
        "expected": expected,
        "gap_count": missing,
        "first_open": from_ms(first),
        "last_open": from_ms(last_row["open_time"]),
        "last_close": from_ms(last_row["close_time"]),
        "coverage": union((*known_coverage, *covered)),
        "confirmed_empty": empty,
        "fetched_at": facts.fetched_at,
        "updated_at": facts.fetched_at,
        "calendar": facts.calendar,
        "attribution": facts.attribution,
        "note": facts.note,
        "opens_reliable_from": facts.opens_reliable_from,
        "publication_delay_s": facts.publication_delay_s,
    }
    if before is None:
        return CandleSeries(key=key, **changes)  # type: ignore[arg-type]
    return replace(before, **changes, version=before.version + 1)  # type: ignore[arg-type]


def revisions_of(
    series_id: str, merged: Merged, before: CandleSeries, facts: SeriesFacts
) -> list[Revision]:
    """Old and new values of every replaced row."""
    return [
        Revision(
            series_id,
            from_ms(old["open_time"]),
            _values(old),
            _values(new),
            before.fetched_at,
            facts.fetched_at,
        )
        for old, new in zip(merged.replaced, merged.replacing, strict=True)
    ]


def _values(row: np.void) -> dict[str, object]:
    values: dict[str, object] = {}
    for name in CANDLE_DTYPE.names or ():
        value = row[name].item()
        values[name] = None if isinstance(value, float) and isnan(value) else value
    return values


def _gaps(
    key: SeriesKey, parts: Sequence[Candles], calendar: TradingCalendar, span: Range
) -> tuple[int, int]:
    expected = grid(timeframe(key.interval), calendar, *span).opens
    on_grid = sum(int(is_among(part["open_time"], expected).sum()) for part in parts)
    return len(expected), len(expected) - on_grid


def _runs(key: SeriesKey, rows: Candles, calendar: TradingCalendar) -> tuple[Range, ...]:
    span = int(rows["open_time"][0]), int(rows["close_time"][-1])
    bars = grid(timeframe(key.interval), calendar, *span)
    present = is_among(bars.opens, rows["open_time"])
    edges = np.diff(np.concatenate([[False], present, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return tuple(
        (int(bars.opens[first]), int(bars.closes[after - 1]))
        for first, after in zip(starts.tolist(), ends.tolist(), strict=True)
    )
