"""Answers about instruments, calendars and stored candles."""

from datetime import date
from typing import Any

from pydantic import Field

from app.api.wire import AnswerModel, Moment, Number
from domain.market.instrument import AssetClass, InstrumentKind, InstrumentStatus
from domain.market.quality_report import IssueCode, Severity
from domain.market.trading_calendar import MarketPhase


class InstrumentOut(AnswerModel):
    """An instrument; steps and bounds are null until a venue tells them."""

    id: str
    name: str
    kind: InstrumentKind
    asset_class: AssetClass
    base: str
    quote: str
    settle: str
    calendar: str
    tick_size: Number | None
    lot_step: Number | None
    min_qty: Number | None
    max_qty: Number | None
    min_notional: Number | None
    multiplier: Number
    status: InstrumentStatus
    venue_symbols: dict[str, str]
    publication_delay_s: int
    close_only: bool
    funding_interval_h: int | None


class CalendarOut(AnswerModel):
    """A calendar; `first` and `last` bound what can be asked."""

    name: str
    has_sessions: bool
    first: date
    last: date


class CalendarsOut(AnswerModel):
    """Calendars that can be asked now."""

    calendars: list[CalendarOut]


class TradingSessionOut(AnswerModel):
    """One trading day, times in UTC."""

    session: date
    opens_at: Moment
    closes_at: Moment
    early_close: bool


class SessionsOut(AnswerModel):
    """Trading days with start <= session < end."""

    calendar: str
    sessions: list[TradingSessionOut]


class MarketStatusOut(AnswerModel):
    """Phase at an instant; session fields are null while the market is closed."""

    calendar: str
    at: Moment
    phase: MarketPhase
    session: date | None
    opens_at: Moment | None
    closes_at: Moment | None
    early_close: bool | None
    next_open: Moment | None


class RangeOut(AnswerModel):
    """Half-open range."""

    start: Moment
    end: Moment


class SeriesOut(AnswerModel):
    """A stored series. `completeness` is a fraction; `gaps` counts missing bars."""

    id: str
    instrument: str
    interval: str
    source: str
    adjustment: str
    calendar: str
    first: Moment
    last: Moment
    bars: int
    completeness: Number | None
    gaps: int
    coverage: list[RangeOut]
    opens_reliable_from: date | None
    price_decimals: int
    publication_delay_s: int
    stale: bool
    synthetic: bool
    attribution: str | None
    note: str | None
    updated_at: Moment


class CandlesOut(AnswerModel):
    """Candles as columns (default) or rows; times are RFC 3339, a value nobody gave is null.

    `next_start` continues after a page that `limit` cut.
    """

    series: SeriesOut
    columns: dict[str, list[Any]] | None = Field(
        default=None,
        examples=[{"open_time": ["2018-12-31T14:30:00Z"], "close": [2506.850098]}],
    )
    rows: list[dict[str, Any]] | None = None
    n: int
    next_start: Moment | None
    stale: bool
    synthetic: bool


class IssueOut(AnswerModel):
    """One finding of the checker."""

    code: IssueCode
    severity: Severity
    description: str
    start_time: Moment | None
    end_time: Moment | None
    affected_rows: int
    details: dict[str, Any]


class SummaryOut(AnswerModel):
    """Number of issues per severity."""

    by_severity: dict[str, int]


class QualityOut(AnswerModel):
    """The checker's report over [start, end)."""

    series: str
    start: Moment | None
    end: Moment | None
    total_candles: int
    expected_candles: int
    missing_candles: int
    duplicate_candles: int
    invalid_candles: int
    completeness: Number | None
    usable: bool
    issues: list[IssueOut]
    issues_omitted: int
    summary: SummaryOut


class RowErrorOut(AnswerModel):
    """A row that could not be used; `row` is the line of the file, the header being 1."""

    row: int
    column: str
    code: str
    message: str


class ImportReportOut(AnswerModel):
    """What became of an imported file; nothing is stored unless every row was usable."""

    instrument: str
    series: str
    stored: bool
    rows_read: int
    rows_of_other_symbols: int
    inserted: int
    unchanged: int
    revised: int
    actions: int
    errors: list[RowErrorOut]
    errors_omitted: int
    notes: list[str]
    warnings: list[str]
    report: QualityOut


class SourceOut(AnswerModel):
    """Where candles come from; `reachable` is null for sources that are not asked over a
    network."""

    name: str
    enabled: bool
    reachable: bool | None
    intervals: list[str]
    history_limit: str | None
    series: int
    last_error: str | None
    attributions: list[str]


class SourcesOut(AnswerModel):
    """Candle sources of this installation."""

    sources: list[SourceOut]
