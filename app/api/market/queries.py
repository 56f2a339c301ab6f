"""Query parameters of the market routes, grouped as the use cases take them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Query

from app.api.wire import Moment
from application.market.catalogue import InstrumentFilter
from application.market.read_candles import CandleQuery
from domain.shared.errors import Invalid

CANDLES_MAX = 50_000
CANDLES_AS_ROWS_MAX = 1_000

Text = Annotated[str | None, Query(max_length=64)]
Symbol = Annotated[str, Query(max_length=64, examples=["SPX"])]
Interval = Annotated[str, Query(max_length=8, examples=["1d"])]
Instant = Annotated[Moment | None, Query()]


@dataclass(frozen=True, slots=True)
class InstrumentSearch:
    """Filters of the instrument list."""

    q: Text = None
    kind: Text = None
    asset_class: Text = None
    venue: Text = None

    def filter(self) -> InstrumentFilter:
        """As the use case takes it."""
        return InstrumentFilter(self.q, self.kind, self.asset_class, self.venue)


@dataclass(frozen=True, slots=True)
class SeriesSearch:
    """Filters of the series list."""

    instrument: Text = None
    source: Text = None
    interval: Text = None


@dataclass(frozen=True, slots=True)
class CandleRange:
    """Which candles: start <= open < end."""

    instrument: Symbol
    interval: Interval
    start: Instant = None
    end: Instant = None
    source: Text = None

    def of(self, instrument: str, adjustment: str | None = None, limit: int = 1) -> CandleQuery:
        """The query for the canonical id."""
        return CandleQuery(
            instrument, self.interval, self.start, self.end, self.source, adjustment, limit
        )


@dataclass(frozen=True, slots=True)
class CandleShape:
    """How many candles, in which form, with which adjustment."""

    adjustment: Annotated[Literal["raw", "split", "total"] | None, Query()] = None
    limit: Annotated[int, Query(ge=1, le=CANDLES_MAX)] = 1_000
    format: Annotated[Literal["columns", "rows"], Query()] = "columns"

    def __post_init__(self) -> None:
        if self.format == "rows" and self.limit > CANDLES_AS_ROWS_MAX:
            raise Invalid("invalid_request", "format=rows serves at most 1,000 candles.")
