"""Requests and answers of regimes."""

from datetime import date
from typing import Any

from pydantic import ConfigDict, Field, StrictInt

from app.api.wire import AnswerModel, Exact, Number, RequestModel
from domain.market.market_regime import MarketRegime
from domain.market.regime_reading import ReadingStatus, Taxonomy
from domain.market.vix_regime import RegimeProfile, ShiftedBy

_MARKET_DATA: dict[str, Any] = {
    "vix": 18.5,
    "t2108": 45.0,
    "momentum_ratio": 1.2,
    "true_range": 2.5,
}
_CLASSIFIED: dict[str, Any] = {
    "taxonomy": "vix_regime",
    "scope": "market",
    "label": "bull_normal",
    "stress_level": 1,
    "confidence": 0.605,
    "inputs": {"vix": 18.5, "t2108": 45.0, "momentum_ratio": 1.2},
    "shifted_by": None,
    "profile": "standard",
    "status": "ok",
}
_CHANGE: dict[str, Any] = {
    "as_of": "2026-01-05",
    "label": "bull_normal",
    "previous_label": "high_vol_stress",
    "stress_level": 1,
    "confidence": 0.605,
    "inputs": {"vix": 18.5, "t2108": 45, "momentum_ratio": 1.2},
    "profile": "standard",
    "source": "manual",
    "shifted_by": None,
}


class MarketDataIn(RequestModel):
    """The market of one moment; `true_range` is accepted and unused here."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MARKET_DATA]})

    vix: Exact
    t2108: Exact | None = None
    momentum_ratio: Exact | None = None
    true_range: Exact | None = None


class HeldIn(RequestModel):
    """The session before: with it, hysteresis counts."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"label": "high_vol_stress", "sessions_below": 2}]}
    )

    label: MarketRegime
    sessions_below: StrictInt = Field(
        0, ge=0, le=60, description="Sessions in a row that VIX has been in a calmer band."
    )


class ClassifyIn(RequestModel):
    """Numbers to classify; without `previous` they are taken as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"market_data": _MARKET_DATA}]})

    market_data: MarketDataIn
    profile: RegimeProfile | None = None
    previous: HeldIn | None = None


class ClassifiedOut(AnswerModel):
    """A reading of the request's numbers; nothing is stored. A forced label has source forced."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CLASSIFIED]})

    taxonomy: Taxonomy
    scope: str
    label: MarketRegime
    stress_level: int
    confidence: Number
    inputs: dict[str, Number]
    shifted_by: ShiftedBy | None
    profile: RegimeProfile
    status: ReadingStatus
    source: str | None = Field(default=None, description="Only on a forced label.")


class RegimeReadingOut(AnswerModel):
    """The regime of the newest visible row; `status` stale means it changes nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _CLASSIFIED
                | {
                    "as_of": "2026-01-05",
                    "since": "2025-12-29",
                    "duration_bars": 5,
                    "previous_label": "high_vol_stress",
                    "strength": None,
                    "scores": {},
                    "n": 1,
                    "n_required": 1,
                    "reason": None,
                    "source": "manual",
                    "mapped_from": None,
                }
            ]
        }
    )

    taxonomy: Taxonomy
    scope: str
    label: str
    stress_level: int
    as_of: date
    since: date
    duration_bars: int
    previous_label: str | None
    confidence: Number | None
    strength: Number | None
    scores: dict[str, Number]
    inputs: dict[str, Number]
    shifted_by: str | None
    profile: str
    n: int
    n_required: int
    status: ReadingStatus
    reason: str | None
    source: str
    mapped_from: str | None


class RegimeReadingsOut(AnswerModel):
    """One reading per scope."""

    readings: list[RegimeReadingOut]


class RegimeChangeOut(AnswerModel):
    """The first session of a label."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHANGE]})

    as_of: date
    label: str
    previous_label: str | None
    stress_level: int
    confidence: Number
    inputs: dict[str, Number]
    profile: str
    source: str
    shifted_by: str | None


class RegimeHistoryOut(AnswerModel):
    """Changes, ascending."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"taxonomy": "vix_regime", "scope": "market", "items": [_CHANGE], "n": 1}]
        }
    )

    taxonomy: Taxonomy
    scope: str
    items: list[RegimeChangeOut]
    n: int


class SegmentOut(AnswerModel):
    """An unbroken run of one label; the index's figures are fractions, null where it lacks
    closes. `volatility` is annualised."""

    label: str
    start: date
    end: date
    bars: int
    total_return: Number | None
    volatility: Number | None
    max_drawdown: Number | None


class SegmentsOut(AnswerModel):
    """Segments, ascending; `instrument` is whose prices the figures are of."""

    taxonomy: Taxonomy
    scope: str
    instrument: str
    items: list[SegmentOut]
    n: int


class TransitionsOut(AnswerModel):
    """Counts of label after label, and shares where a label was left at least 20 times."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "taxonomy": "vix_regime",
                    "scope": "market",
                    "n": 21,
                    "counts": {"bull_normal": {"high_vol_stress": 21}},
                    "probabilities": {"bull_normal": {"high_vol_stress": 1}},
                }
            ]
        }
    )

    taxonomy: Taxonomy
    scope: str
    n: int
    counts: dict[str, dict[str, int]]
    probabilities: dict[str, dict[str, Number] | None]
