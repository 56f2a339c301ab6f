"""From market read models to answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from app.api.market import schemas as s
from application.market.market_status import MarketStatus
from application.market.report_documents import quality_document, share
from domain.market.candle import Candles, Source, from_ms
from domain.market.instrument import Instrument
from domain.market.quality_report import QualityReport
from domain.market.series import CandleSeries
from domain.market.timeframe import TIMEFRAMES
from domain.market.trading_calendar import Session, TradingCalendar

ALWAYS_SHOWN = ("open_time", "close_time", "open", "high", "low", "close", "volume", "flags")
_TIMES = ("open_time", "close_time")
_NUMPY = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


def instrument_out(item: Instrument) -> s.InstrumentOut:
    """An instrument."""
    return s.InstrumentOut(
        id=item.id,
        name=item.name,
        kind=item.kind,
        asset_class=item.asset_class,
        base=item.base,
        quote=item.quote,
        settle=item.settle,
        calendar=item.calendar,
        tick_size=item.tick_size,
        lot_step=item.lot_step,
        min_qty=item.min_qty,
        max_qty=item.max_qty,
        min_notional=item.min_notional,
        multiplier=item.multiplier,
        status=item.status,
        venue_symbols=dict(item.venue_symbols),
        publication_delay_s=item.publication_delay_s,
        close_only=item.is_close_only,
        funding_interval_h=item.funding_interval_h,
    )


def calendar_out(calendar: TradingCalendar) -> s.CalendarOut:
    """A calendar and its bounds."""
    return s.CalendarOut(
        name=calendar.name,
        has_sessions=calendar.has_sessions,
        first=calendar.first_day,
        last=calendar.last_day,
    )


def session_out(session: Session) -> s.TradingSessionOut:
    """A trading day."""
    return s.TradingSessionOut(
        session=session.day,
        opens_at=session.opens_at,
        closes_at=session.closes_at,
        early_close=session.is_early_close,
    )


def status_out(status: MarketStatus) -> s.MarketStatusOut:
    """Phase and session."""
    session = status.session
    return s.MarketStatusOut(
        calendar=status.calendar,
        at=status.at,
        phase=status.phase,
        session=None if session is None else session.day,
        opens_at=None if session is None else session.opens_at,
        closes_at=None if session is None else session.closes_at,
        early_close=None if session is None else session.is_early_close,
        next_open=status.next_open,
    )


def series_out(series: CandleSeries, is_stale: bool) -> s.SeriesOut:
    """An inventory entry."""
    return s.SeriesOut(
        id=series.key.id,
        instrument=series.key.instrument,
        interval=series.key.interval,
        source=series.key.source,
        adjustment=series.key.adjustment,
        calendar=series.calendar,
        first=series.first_open,
        last=series.last_open,
        bars=series.bars,
        completeness=share(series.completeness),
        gaps=series.gap_count,
        coverage=[
            s.RangeOut(start=from_ms(start), end=from_ms(end)) for start, end in series.coverage
        ],
        opens_reliable_from=series.opens_reliable_from,
        price_decimals=series.price_scale,
        publication_delay_s=series.publication_delay_s,
        stale=is_stale,
        synthetic=series.key.source == Source.SYNTHETIC,
        attribution=series.attribution,
        note=series.note,
        updated_at=series.updated_at,
    )


def quality_out(report: QualityReport) -> s.QualityOut:
    """The checker's report."""
    return s.QualityOut.model_validate(quality_document(report))


def sources_out(inventory: Sequence[CandleSeries]) -> s.SourcesOut:
    """The sources that work without a network, with what is stored of each."""
    daily, every = ["1d"], list(TIMEFRAMES)
    return s.SourcesOut(
        sources=[
            _source_out(Source.BUNDLED, daily, "1986-01-02 to 2019-01-03", inventory),
            _source_out(Source.IMPORTED, every, None, inventory),
        ]
    )


def columns_json(rows: Candles) -> bytes:
    """`{"open_time": […], …}`; optional columns only where a row has a value."""
    return orjson.dumps(_columns(rows), option=_NUMPY)


def row_documents(rows: Candles) -> list[dict[str, Any]]:
    """One object per candle."""
    columns: dict[str, list[Any]] = orjson.loads(columns_json(rows))
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _columns(rows: Candles) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in rows.dtype.names or ():
        values = np.ascontiguousarray(rows[name])
        if name in _TIMES:
            columns[name] = values.view("datetime64[ms]")
        elif name == "trades":
            if bool((values >= 0).any()):
                columns[name] = [None if count < 0 else count for count in values.tolist()]
        elif name in ALWAYS_SHOWN or not bool(np.isnan(values).all()):
            columns[name] = values
    return columns


def _source_out(
    source: Source, intervals: list[str], limit: str | None, inventory: Sequence[CandleSeries]
) -> s.SourceOut:
    own = [series for series in inventory if series.key.source == source]
    return s.SourceOut(
        name=source.value,
        enabled=True,
        reachable=None,
        intervals=intervals,
        history_limit=limit,
        series=len(own),
        last_error=None,
        attributions=sorted({series.attribution for series in own if series.attribution}),
    )
