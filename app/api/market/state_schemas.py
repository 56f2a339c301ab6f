"""Requests and answers of the market's state per session and of breadth."""

from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from app.api.wire import AnswerModel, Day, Exact, Moment, Number, RequestModel
from domain.market.breadth import DEFAULT_WEIGHTS, BreadthSignal, EntryFilter
from domain.market.market_regime import MarketRegime
from domain.market.market_sources import StateSource, VixSource
from domain.market.vix_regime import ShiftedBy

_BREADTH: dict[str, Any] = {"up4": 320, "down4": 210, "ratio5": 1.4, "ratio10": 1.2}
_STATE: dict[str, Any] = {"vix": 18.5, "t2108": 45.0, "momentum_ratio": 1.2, "breadth": _BREADTH}
_WEIGHTS: dict[str, Any] = {name: float(weight) for name, weight in DEFAULT_WEIGHTS.items()}
_ROW: dict[str, Any] = {
    "session": "2026-01-05",
    "vix": 18.5,
    "vix_source": "vix",
    "t2108": 45,
    "momentum_ratio": 1.2,
    "breadth": _BREADTH,
    "source": "manual",
    "sources": {"vix": "manual", "t2108": "manual", "momentum_ratio": "manual"},
    "visible_at": "2026-01-05T21:15:00Z",
    "recorded_at": "2026-01-05T22:00:00Z",
    "band": "bull_normal",
    "primary_regime": "bull_normal",
    "regime": "bull_normal",
    "shifted_by": None,
    "confidence": 0.605,
    "forced": False,
    "revision": 1,
}
_BREADTH_ROW: dict[str, Any] = {
    "session": "2026-01-05",
    "t2108": 45,
    "vix": 18.5,
    "momentum_ratio": 1.5238095238,
    "values": _BREADTH | {"t2108": 45},
    "derived": [],
    "score": 54.65,
    "signal": "neutral",
    "parts": {"t2108": 0.45, "up4": 0.32, "down4": 0.79},
    "weight": 1,
    "reason": None,
    "entry_filter": "neutral",
    "sources": {"t2108": "imported", "up4": "imported"},
}


class BreadthIn(RequestModel):
    """Counts of common stocks and ratios of one session; null takes a number away."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BREADTH]})

    up4: Exact | None = Field(None, description="Up ≥ 4 % that day.")
    down4: Exact | None = None
    ratio5: Exact | None = Field(None, description="Sum of up4 / sum of down4, five sessions.")
    ratio10: Exact | None = None
    up25q: Exact | None = Field(None, description="Up ≥ 25 % in a quarter.")
    down25q: Exact | None = None
    up25m: Exact | None = Field(None, description="Up ≥ 25 % in a month.")
    down25m: Exact | None = None
    up50m: Exact | None = None
    down50m: Exact | None = None
    up13: Exact | None = Field(None, description="Up ≥ 13 % in 34 days.")
    down13: Exact | None = None
    universe: Exact | None = Field(None, description="Stocks counted.")
    sp_close: Exact | None = None


class SessionStateIn(RequestModel):
    """Numbers of one session. What is left out stays; null takes a number away."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STATE]})

    vix: Exact = Field(description="Volatility index in points, 5 to 100.")
    vix_source: VixSource = VixSource.VIX
    t2108: Exact | None = Field(None, description="% of stocks above their 40-day average.")
    momentum_ratio: Exact | None = Field(None, description="Up ≥ 4 % / down ≥ 4 %, 0.001 to 100.")
    breadth: BreadthIn | None = None


class MarketStateOut(AnswerModel):
    """One session. `regime` is what plans use; the label fields are null without a VIX."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    session: date
    vix: Number | None
    vix_source: VixSource
    t2108: Number | None
    momentum_ratio: Number | None
    breadth: dict[str, Number]
    source: StateSource = Field(description="The strongest source of its numbers.")
    sources: dict[str, StateSource] = Field(description="Where each number came from.")
    visible_at: Moment = Field(description="From when on readers of the past see it.")
    recorded_at: Moment
    band: MarketRegime | None
    primary_regime: MarketRegime | None
    regime: MarketRegime | None
    shifted_by: ShiftedBy | None
    confidence: Number | None
    forced: bool
    revision: int


class CurrentStateOut(MarketStateOut):
    """The newest visible row with its age; a stale row changes no regime and no parameter."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_ROW | {"stale": False, "age_sessions": 0}]}
    )

    stale: bool
    age_sessions: int


class MarketStatesOut(AnswerModel):
    """Rows of the range, ascending."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ROW], "n": 1}]})

    items: list[MarketStateOut]
    n: int


class BreadthOut(AnswerModel):
    """Breadth of one session. `score` is null with a `reason` when too little is present.

    `derived` names ratios summed from stored counts. `entry_filter` is advice only.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_BREADTH_ROW]})

    session: date
    t2108: Number | None
    vix: Number | None
    momentum_ratio: Number | None
    values: dict[str, Number]
    derived: list[str]
    score: Number | None
    signal: BreadthSignal | None
    parts: dict[str, Number]
    weight: Number
    reason: str | None
    entry_filter: EntryFilter | None
    sources: dict[str, StateSource]


class BreadthHistoryOut(AnswerModel):
    """Rows ascending, the newest `limit` of the range."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_BREADTH_ROW], "n": 1}]})

    items: list[BreadthOut]
    n: int


class BreadthSummaryOut(AnswerModel):
    """What is stored; `present` is the fraction of rows that have each field."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rows": 250,
                    "first": "2025-01-06",
                    "last": "2026-01-05",
                    "present": {"t2108": 1, "up4": 0.996},
                }
            ]
        }
    )

    rows: int
    first: date | None
    last: date | None
    present: dict[str, Number]


class BreadthWeightsIn(RequestModel):
    """One weight per part of the score; they sum to 1 ± 0.01."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"weights": _WEIGHTS}]})

    weights: dict[Annotated[str, Field(max_length=32)], Exact] = Field(max_length=32)


class BreadthWeightsOut(AnswerModel):
    """The weights; `version` is that of the regime settings."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"weights": _WEIGHTS, "version": 1}]})

    weights: dict[str, Number]
    version: int


class ComputeBreadthIn(RequestModel):
    """Instruments with stored daily series; below ten, nothing can be computed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"universe": ["AAPL", "JPM"], "start": "2025-01-06", "end": "2026-01-05"}]
        }
    )

    universe: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=500)
    start: Day
    end: Day
