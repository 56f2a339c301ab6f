"""Instruments, calendars and stored candles: parse, call, present. Nothing here is fetched."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from app.api.dependencies import Reader, Runs, use
from app.api.market import present
from app.api.market import schemas as s
from app.api.market.queries import (
    CandleRange,
    CandleShape,
    Instant,
    InstrumentSearch,
    SeriesSearch,
    Text,
)
from app.api.paging import Listing, PageQuery
from app.api.routing import capability_router, refusals
from app.api.wire import Day, encode
from application.market.catalogue import instrument_named, instruments
from application.market.market_status import market_status
from application.market.read_candles import CandlePage, ReadCandles
from application.ports.calendars import CalendarTables
from application.ports.candles import SeriesFilter
from application.ports.clock import Clock
from application.ports.unit_of_work import UnitOfWork
from domain.market.candle import from_ms
from domain.market.quality_report import QualityReport
from domain.market.series import CandleSeries
from domain.shared.errors import Invalid, NotFound

router = capability_router("market")

SESSIONS_MAX = 5_000
YEAR = timedelta(days=365)

Paging = Annotated[PageQuery, Depends()]
Candles = Annotated[ReadCandles, Depends(use(ReadCandles))]
Calendars = Annotated[CalendarTables, Depends(use(CalendarTables))]
Time = Annotated[Clock, Depends(use(Clock))]


@router.get(
    "/instruments",
    operation_id="list_instruments",
    summary="Instruments by id",
    responses=refusals("400 invalid_cursor"),
)
async def list_instruments(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    search: Annotated[InstrumentSearch, Depends()],
) -> Listing[s.InstrumentOut]:
    found = await runs.query(request, caller, lambda work: instruments(search.filter(), work))
    rows = [
        (item.id, present.instrument_out(item))
        for item in found
        if paging.after is None or item.id > paging.after
    ]
    items, following = paging.cut(rows, response)
    total = len(found) if paging.wants_total else None
    return Listing(items=items, next_cursor=following, total=total)


@router.get(
    "/instruments/{instrument_id:path}",
    operation_id="get_instrument",
    summary="One instrument, by any spelling of its symbol",
    responses=refusals("404 unknown_instrument", "422 invalid_symbol", "422 ambiguous_symbol"),
)
async def get_instrument(
    request: Request,
    instrument_id: Annotated[str, Path(max_length=64)],
    caller: Reader,
    runs: Runs,
    venue: Text = None,
) -> s.InstrumentOut:
    found = await runs.glance(
        request, caller, lambda work: instrument_named(instrument_id, work, venue)
    )
    return present.instrument_out(found)


@router.get(
    "/calendars", operation_id="list_calendars", summary="Trading calendars", responses=refusals()
)
async def list_calendars(caller: Reader, calendars: Calendars) -> s.CalendarsOut:
    found = await asyncio.to_thread(
        lambda: [present.calendar_out(calendars.calendar(name)) for name in calendars.names()]
    )
    return s.CalendarsOut(calendars=found)


@router.get(
    "/calendars/{name:path}/sessions",
    operation_id="list_sessions",
    summary="Trading days with start <= session < end, at most 5,000",
    responses=refusals(
        "404 unknown_calendar",
        "422 invalid_range",
        "422 range_too_large",
        "503 calendar_corrupt",
    ),
)
async def list_sessions(
    name: Annotated[str, Path(max_length=32)],
    caller: Reader,
    calendars: Calendars,
    clock: Time,
    start: Annotated[Day | None, Query(description="Default: today.")] = None,
    end: Annotated[Day | None, Query(description="Default: 365 days after start.")] = None,
) -> s.SessionsOut:
    first = start or clock.now().date()
    last = end or first + YEAR
    if first >= last:
        raise Invalid("invalid_range", "start must lie before end.")
    calendar = await asyncio.to_thread(calendars.calendar, name)
    found = calendar.sessions(first, last)
    if len(found) > SESSIONS_MAX:
        raise Invalid("range_too_large", "The range holds more than 5,000 sessions.")
    return s.SessionsOut(calendar=name, sessions=[present.session_out(item) for item in found])


@router.get(
    "/market/status",
    operation_id="get_market_status",
    summary="Is a market open, and when does it open next",
    responses=refusals("404 unknown_calendar", "422 calendar_range", "503 calendar_corrupt"),
)
async def get_market_status(
    caller: Reader,
    calendars: Calendars,
    clock: Time,
    calendar: Annotated[str, Query(max_length=32)] = "XNYS",
    at: Instant = None,
) -> s.MarketStatusOut:
    table = await asyncio.to_thread(calendars.calendar, calendar)
    return present.status_out(market_status(table, at or clock.now()))


@router.get(
    "/data/sources",
    operation_id="list_data_sources",
    summary="Where candles come from",
    responses=refusals(),
)
async def list_data_sources(caller: Reader, candles: Candles) -> s.SourcesOut:
    return present.sources_out(await asyncio.to_thread(candles.series, SeriesFilter()))


@router.get(
    "/data/series",
    operation_id="list_series",
    summary="Stored candle series by id",
    responses=refusals(
        "400 invalid_cursor",
        "404 unknown_instrument",
        "422 invalid_symbol",
        "422 ambiguous_symbol",
    ),
)
async def list_series(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    candles: Candles,
    clock: Time,
    search: Annotated[SeriesSearch, Depends()],
) -> Listing[s.SeriesOut]:
    def matching(work: UnitOfWork) -> Sequence[CandleSeries]:
        wanted = search.instrument
        canonical = None if wanted is None else instrument_named(wanted, work).id
        return work.series.list(SeriesFilter(canonical, search.source, search.interval))

    found = await runs.query(request, caller, matching)
    now = clock.now()
    rows = [
        (item.key.id, present.series_out(item, candles.is_stale(item, now)))
        for item in found
        if paging.after is None or item.key.id > paging.after
    ]
    items, following = paging.cut(rows, response)
    total = len(found) if paging.wants_total else None
    return Listing(items=items, next_cursor=following, total=total)


@router.get(
    "/data/series/{series_id:path}",
    operation_id="get_series",
    summary="One stored series",
    responses=refusals("404 unknown_series", "422 unknown_series"),
)
async def get_series(
    request: Request,
    series_id: Annotated[str, Path(max_length=128, examples=["bundled:SPX:1d:raw"])],
    caller: Reader,
    runs: Runs,
    candles: Candles,
    clock: Time,
) -> s.SeriesOut:
    found = await runs.query(request, caller, lambda work: work.series.find(series_id))
    if found is None:
        raise NotFound("unknown_series", "No series of that id is stored.")
    return present.series_out(found, candles.is_stale(found, clock.now()))


@router.get(
    "/data/candles",
    operation_id="get_candles",
    summary="Stored candles, newest without start",
    response_model=s.CandlesOut,
    responses=refusals(
        "404 no_data",
        "404 unknown_instrument",
        "422 invalid_symbol",
        "422 ambiguous_symbol",
        "422 unknown_timeframe",
        "422 invalid_range",
        "503 corrupt_partition",
    ),
)
async def get_candles(
    request: Request,
    caller: Reader,
    runs: Runs,
    candles: Candles,
    wanted: Annotated[CandleRange, Depends()],
    shape: Annotated[CandleShape, Depends()],
) -> Response:
    def answer(work: UnitOfWork) -> bytes:
        found = instrument_named(wanted.instrument, work)
        query = wanted.of(found.id, shape.adjustment, shape.limit)
        return _candles_json(candles.page(query, work.now), shape.format)

    body = await runs.query(request, caller, answer)
    return Response(body, media_type="application/json")


@router.get(
    "/data/quality",
    operation_id="get_data_quality",
    summary="The checker's report on stored candles",
    responses=refusals(
        "404 no_data",
        "422 invalid_range",
        "404 unknown_instrument",
        "422 invalid_symbol",
        "422 ambiguous_symbol",
        "422 unknown_timeframe",
    ),
)
async def get_data_quality(
    request: Request,
    caller: Reader,
    runs: Runs,
    candles: Candles,
    wanted: Annotated[CandleRange, Depends()],
) -> s.QualityOut:
    def report(work: UnitOfWork) -> QualityReport:
        found = instrument_named(wanted.instrument, work)
        return candles.quality(wanted.of(found.id), work.now)

    return present.quality_out(await runs.query(request, caller, report))


def _candles_json(page: CandlePage, shape: str) -> bytes:
    """The columns go from memory to bytes without becoming Python numbers."""
    out = s.CandlesOut(
        series=present.series_out(page.series, page.is_stale),
        rows=present.row_documents(page.rows) if shape == "rows" else None,
        n=len(page.rows),
        next_start=None if page.next_start_ms is None else from_ms(page.next_start_ms),
        stale=page.is_stale,
        synthetic=page.series.key.source == "synthetic",
    )
    if shape == "rows":
        return encode(out.model_dump(exclude={"columns"}))
    head = encode(out.model_dump(exclude={"columns", "rows"}))
    return head[:-1] + b',"columns":' + present.columns_json(page.rows) + b"}"
