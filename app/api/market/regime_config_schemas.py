"""The settings document of regimes and breadth."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StrictBool, StrictInt

from app.api.wire import AnswerModel, Exact, Moment, Number, RequestModel
from application.risk.change_configuration import REASON_LENGTH_MAX
from domain.market.market_regime import MarketRegime
from domain.market.regime_settings import RegimeSettings, RegimeThresholds
from domain.market.vix_regime import RegimeProfile

_D = RegimeSettings()
_T = RegimeThresholds()
_CONFIG: dict[str, Any] = {
    "profile": "standard",
    "bounds": None,
    "hysteresis_points": 1.5,
    "confirm_sessions": 5,
    "force_regime": None,
    "breadth_weights": {n: float(w) for n, w in _D.breadth_weights.items()},
    "thresholds": {
        "weak_t2108": 20,
        "weak_ratio": 0.8,
        "strong_t2108": 60,
        "strong_ratio": 2,
        "bullish_above": 70,
        "bearish_below": 30,
    },
    "use_computed_breadth": False,
}


class BoundsIn(RequestModel):
    """Own bounds in VIX points, rising."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"low": 12, "bull": 20, "high": 35}]})

    low: Exact
    bull: Exact
    high: Exact


class ThresholdsIn(RequestModel):
    """When breadth is weak or strong, and its score bullish or bearish."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CONFIG["thresholds"]]})

    weak_t2108: Exact = _T.weak_t2108
    weak_ratio: Exact = _T.weak_ratio
    strong_t2108: Exact = _T.strong_t2108
    strong_ratio: Exact = _T.strong_ratio
    bullish_above: Exact = _T.bullish_above
    bearish_below: Exact = _T.bearish_below


class RegimeConfigIn(RequestModel):
    """The whole document; a key that is left out has its default. `version` and `updated_at` of a
    document that was read are accepted; If-Match decides which version is replaced. `profile` and
    `force_regime` are keys of the configuration: its rules of loosening and pins hold here too."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CONFIG]})

    profile: RegimeProfile = _D.profile
    bounds: BoundsIn | None = Field(None, description="Null: the bounds of the profile.")
    hysteresis_points: Exact = _D.hysteresis_points
    confirm_sessions: StrictInt = _D.confirm_sessions
    force_regime: Annotated[str, Field(max_length=64)] | None = None
    breadth_weights: dict[Annotated[str, Field(max_length=32)], Exact] | None = Field(
        None, max_length=32, description="Null: the default weights."
    )
    thresholds: ThresholdsIn = ThresholdsIn()
    use_computed_breadth: StrictBool = Field(
        default=False, description="Let computed breadth stand in for a missing t2108."
    )
    reason: Annotated[str, Field(max_length=REASON_LENGTH_MAX)] | None = Field(
        None, description="Why; required when more risk is let through."
    )
    version: StrictInt | None = None
    updated_at: Moment | None = None


class BoundsOut(AnswerModel):
    """Bounds in VIX points."""

    low: Number
    bull: Number
    high: Number


class RegimeConfigOut(AnswerModel):
    """What regimes and breadth are read with; `updated_at` is null until something was changed.
    Every change of the configuration is a new version of this too."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_CONFIG | {"version": 1, "updated_at": None}]}
    )

    profile: RegimeProfile
    bounds: BoundsOut | None
    hysteresis_points: Number
    confirm_sessions: int
    force_regime: MarketRegime | None
    breadth_weights: dict[str, Number]
    thresholds: dict[str, Number]
    use_computed_breadth: bool
    version: int
    updated_at: Moment | None
